/** How far a candidate lies from a reference. */
import { assert } from "../../protocol/base/assert.ts";
import { log } from "../../protocol/base/math.ts";

const LN_10 = 2.302585092994046;

/**
 * 10 log10(Σ reference² / Σ (reference - candidate)²) in decibels. Equal tensors give Infinity, a
 * silent reference with any error gives -Infinity.
 */
export function signalToNoiseDb(
  reference: ArrayLike<number>,
  candidate: ArrayLike<number>,
): number {
  assert(reference.length === candidate.length, "tensors of one size are compared");
  let signal = 0;
  let noise = 0;
  for (let index = 0; index < reference.length; index++) {
    const value = reference[index] ?? 0;
    const error = value - (candidate[index] ?? 0);
    signal += value * value;
    noise += error * error;
  }
  return noise === 0 ? Infinity : (10 * log(signal / noise)) / LN_10;
}
