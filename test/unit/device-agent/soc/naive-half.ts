/** fp16 as the standard's text has it: every value enumerated, rounding by looking for the nearest. */

/** The value of the bits; NaN for all patterns of NaN. */
export function halfValue(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = Math.floor(bits / 1024) % 32;
  const fraction = bits % 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * (fraction / 1024) * 2 ** -14;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** By bits 0 to 0x7bff: the finite values from zero up, then what stands for the first beyond them, 2^16. */
const MAGNITUDES = Array.from({ length: 0x7c01 }, (_, bits) =>
  bits < 0x7c00 ? halfValue(bits) : 65536,
);

/** Bits of the nearest, ties to the even pattern; 2^16 is infinity. */
export function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65536) return sign + 0x7c00;
  let low = 0;
  let high = 0x7c00;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (MAGNITUDES[middle]! <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - MAGNITUDES[low]!;
  const above = MAGNITUDES[high]! - magnitude;
  const nearest = below < above || (below === above && low % 2 === 0) ? low : high;
  return sign + nearest;
}

export const nearestHalf = (value: number): number => halfValue(halfBits(value));
