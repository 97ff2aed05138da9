/**
 * Which deltas lead to a bundle. Unsigned: it only saves bytes. A device takes from it what it has a base
 * for, and believes nothing but the hash of the result.
 */
import { z } from "zod";
import { isSha256, type Sha256 } from "../base/brand.ts";
import { fromUtf8 } from "../base/bytes.ts";
import { BUNDLE_BYTES_MAX, DELTAS_MAX } from "./limits.ts";

const sha256 = z.custom<Sha256>((text) => typeof text === "string" && isSha256(text));

const deltaEntry = z
  .strictObject({
    /** The bundle that it is applied to; null: to nothing at all, it is a compressed bundle. */
    from: sha256.nullable(),
    /** Of the delta itself, and its name. */
    sha256,
    bytes: z.int().min(1).max(BUNDLE_BYTES_MAX),
    /** For people. */
    algorithm: z.string().max(32),
  })
  .readonly();
export type DeltaEntry = z.output<typeof deltaEntry>;

const deltaIndexSchema = z
  .strictObject({ format: z.literal(1), deltas: z.array(deltaEntry).max(DELTAS_MAX).readonly() })
  .readonly();
export type DeltaIndex = z.output<typeof deltaIndexSchema>;

export function deltaIndexPath(to: Sha256): string {
  return `deltas/${to}.json`;
}

export function deltaPath(delta: Sha256): string {
  return `deltas/${delta}`;
}

export function readDeltaIndex(bytes: Uint8Array): DeltaIndex | undefined {
  try {
    return deltaIndexSchema.parse(JSON.parse(fromUtf8(bytes)));
  } catch {
    // Whatever it is, it is no index: the whole bundle is there as well.
    return undefined;
  }
}

/** The deltas that this device can apply, the smallest first, all smaller than the bundle itself. */
export function usableDeltas(
  { deltas }: DeltaIndex,
  has: ReadonlySet<Sha256>,
  bundleBytes: number,
): readonly DeltaEntry[] {
  return deltas
    .filter(({ from, bytes }) => bytes < bundleBytes && (from === null || has.has(from)))
    .sort((a, b) => a.bytes - b.bytes);
}
