/** Clamps of vector code, in each element type's own numbers. */
import { decodeHalf } from "../../../protocol/base/half.ts";
import type { FormatName } from "../format.ts";

/** Bounds as they are stored: fp16 bits for fp16. */
export interface StoredBounds {
  readonly low: number;
  readonly high: number;
}

const EXTREMES: Readonly<Record<FormatName, StoredBounds>> = {
  i8: { low: -128, high: 127 },
  i16: { low: -32768, high: 32767 },
  f16: { low: 0xfc00, high: 0x7c00 },
};

/** The kernel's count `clamp`: 1 where the bounds exclude anything. */
export function clampCount(dtype: FormatName, { low, high }: StoredBounds): { clamp: number } {
  const { low: lowest, high: highest } = EXTREMES[dtype];
  return { clamp: low === lowest && high === highest ? 0 : 1 };
}

/** The kernel's parameters `low` and `high`: floats for fp16. */
export function clampParameters(dtype: FormatName, { low, high }: StoredBounds): StoredBounds {
  return dtype === "f16" ? { low: decodeHalf(low), high: decodeHalf(high) } : { low, high };
}
