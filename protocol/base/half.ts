/** fp16 (IEEE 754 binary16) to and from numbers; encoding rounds once, from float64, half to even. */
import { roundHalfEven } from "./math.ts";

/** What every NaN is encoded as. */
export const HALF_NAN = 0x7e00;

const SMALLEST_NORMAL = 2 ** -14;
const SUBNORMALS_PER_ONE = 2 ** 24;
const BITS = new DataView(new ArrayBuffer(8));

export function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return (sign * fraction) / SUBNORMALS_PER_ONE;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return (sign * (1024 + fraction) * 2 ** exponent) / 33_554_432;
}

export function encodeHalf(value: number): number {
  if (value !== value) return HALF_NAN;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < SMALLEST_NORMAL) return sign | roundHalfEven(magnitude * SUBNORMALS_PER_ONE);
  BITS.setFloat64(0, magnitude);
  const exponent = (BITS.getUint16(0) >>> 4) - 1023;
  // 1,024 to 2,048: a fraction that rounds up carries into the exponent, which is what is wanted.
  const significand = roundHalfEven(magnitude * 2 ** (10 - exponent));
  return sign | (((exponent + 14) << 10) + significand);
}

/** The nearest fp16, as a number. */
export function roundToHalf(value: number): number {
  return decodeHalf(encodeHalf(value));
}
