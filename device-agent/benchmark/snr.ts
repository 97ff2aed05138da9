/** How far outputs are from goldens, as a signal-to-noise ratio. */
import { log } from "../../protocol/base/math.ts";

const LN10 = log(10);

/**
 * 10 log10(Σ golden² / Σ (output - golden)²) in dB. Infinity when all values are equal; -Infinity when a
 * value is not a number, when the lengths differ, or when the goldens are all zero and the outputs are not.
 */
export function signalToNoiseDb(
  goldens: readonly Float32Array[],
  outputs: readonly Float32Array[],
): number {
  if (goldens.length !== outputs.length) return -Infinity;
  let signal = 0;
  let noise = 0;
  for (const [index, golden] of goldens.entries()) {
    const output = outputs[index];
    if (output?.length !== golden.length) return -Infinity;
    for (let at = 0; at < golden.length; at++) {
      const expected = golden[at] ?? 0;
      const difference = (output[at] ?? 0) - expected;
      signal += expected * expected;
      noise += difference * difference;
    }
  }
  if (Number.isNaN(noise) || noise === Infinity) return -Infinity;
  if (noise === 0) return Infinity;
  return (10 * log(signal / noise)) / LN10;
}
