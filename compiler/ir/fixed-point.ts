/**
 * Fixed-point arithmetic of integer models that were quantised elsewhere (gemmlowp's rules, as
 * TensorFlow Lite publishes them): multipliers of 31 bits and a shift, rounded twice or once.
 */
import { assert } from "../../protocol/base/assert.ts";
import { roundHalfEven } from "../../protocol/base/math.ts";
import type { DType, TensorType } from "./graph.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, ceil, floor, fround, max, min, sign } = Math;

/** mantissa / 2^31 * 2^shift, with a mantissa in [2^30, 2^31), or zero. */
export interface FixedMultiplier {
  readonly mantissa: number;
  readonly shift: number;
}

const TWO_31 = 2 ** 31;
const INT32_MAX = TWO_31 - 1;

/** Ties away from zero, as C's round(). */
export function roundHalfAway(value: number): number {
  return sign(value) * floor(abs(value) + 0.5);
}

const BITS = new DataView(new ArrayBuffer(8));

/** floor(log2(x)) of a positive number that is not subnormal. */
export function exponentOf(x: number): number {
  BITS.setFloat64(0, x);
  return ((BITS.getUint32(0) >>> 20) & 2047) - 1023;
}

/** The nearest multiplier of a real number that is not negative. */
export function fixedMultiplier(real: number): FixedMultiplier {
  if (real === 0) return { mantissa: 0, shift: 0 };
  const exponent = exponentOf(real) + 1;
  const mantissa = roundHalfAway((real / 2 ** exponent) * TWO_31);
  const whole = mantissa === TWO_31;
  const shift = whole ? exponent + 1 : exponent;
  if (shift < -31) return { mantissa: 0, shift: 0 };
  if (shift > 30) return { mantissa: INT32_MAX, shift: 30 };
  return { mantissa: whole ? mantissa / 2 : mantissa, shift };
}

/** round(a * b / 2^31), ties away from zero on the positive side; exact for all int32 operands. */
export function doublingHighMultiply(a: number, b: number): number {
  if (a === -TWO_31 && b === -TWO_31) return INT32_MAX;
  // a * b has up to 62 bits: the high part of b first, then what is left of it and the low part.
  const [high, low] = [a * floor(b / 65536), a * (b & 65535)];
  const whole = floor(high / 32768);
  const rest = (high - whole * 32768) * 65536 + low;
  const isNegative = whole * TWO_31 + rest < 0;
  return isNegative
    ? whole + ceil((rest + 1 - TWO_31 / 2) / TWO_31)
    : whole + floor((rest + TWO_31 / 2) / TWO_31);
}

/** x / 2^exponent, ties away from zero. */
export function roundingShift(x: number, exponent: number): number {
  const power = 2 ** exponent;
  return x < 0 ? ceil(x / power - 0.5) : floor(x / power + 0.5);
}

/** x times the multiplier, rounded by the high multiplication and again by the shift. */
export function scaleFixed(x: number, { mantissa, shift }: FixedMultiplier): number {
  const raised = shift > 0 ? (x * 2 ** shift) | 0 : x;
  const high = doublingHighMultiply(raised, mantissa);
  return shift < 0 ? roundingShift(high, -shift) : high;
}

/** A sum of up to 48 bits times the upper 16 bits of the multiplier, rounded once, ties upwards. */
export function scaleFixedWide(x: number, { mantissa, shift }: FixedMultiplier): number {
  const reduced = mantissa < 0x7fff0000 ? (mantissa + 32768) >> 16 : 0x7fff;
  const total = 15 - shift;
  const half = 2 ** (total - 1);
  if (total <= 16) return floor((x * reduced + half) / 2 ** total) | 0;
  // In two parts, so that no product passes 2^53.
  const [high, low] = [floor(x / 65536), ((x % 65536) + 65536) % 65536];
  // As everywhere in the runtime, what leaves 32 bits is lost.
  return floor((high * reduced + floor((low * reduced + half) / 65536)) / 2 ** (total - 16)) | 0;
}

/** The smallest and the largest number of a stored type. */
const STORED: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32768, 32767],
  i32: [-TWO_31, INT32_MAX],
};

export interface StoredFormat {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly low: number;
  readonly high: number;
}

/** Encoding and limits of a tensor that has one scale. */
export function storedFormat(type: TensorType): StoredFormat {
  const [low, high] = STORED[type.dtype] ?? [0, 0];
  const { scales, zeroPoints } = type.quantization ?? { scales: [1], zeroPoints: [0] };
  assert(scales.length === 1, "the tensor has one encoding");
  return { scale: scales[0] ?? 1, zeroPoint: zeroPoints[0] ?? 0, low, high };
}

/** The stored limits of a result clamped to the real range [minimum, maximum]. */
export function clampedFormat(
  type: TensorType,
  real: { readonly minimum: number; readonly maximum: number },
): StoredFormat {
  const format = storedFormat(type);
  const stored = (value: number): number =>
    format.zeroPoint + roundHalfAway(fround(fround(value) / format.scale));
  return {
    ...format,
    low: real.minimum === -Infinity ? format.low : max(format.low, stored(real.minimum)),
    high: real.maximum === Infinity ? format.high : min(format.high, stored(real.maximum)),
  };
}

export function clampStored(value: number, { low, high }: StoredFormat): number {
  return value < low ? low : value > high ? high : value;
}

/** A real number as it is stored: rne(fround(x / scale)) + zero point, clamped. */
export function storeNearest(real: number, format: StoredFormat): number {
  return clampStored(roundHalfEven(fround(real / format.scale)) + format.zeroPoint, format);
}
