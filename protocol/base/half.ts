/** fp16 (IEEE 754 binary16) to and from numbers; encoding rounds once, from float64, half to even. */
import { roundHalfEven } from "./math.ts";

/** What every NaN is encoded as. */
const HALF_NAN = 0x7e00;

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

/** The fp16 bits of many float32: encodeHalf of each, by whole-number arithmetic on their bits. */
export function encodeHalves(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) {
    const magnitude = words[index]! & 0x7fff_ffff;
    const sign = magnitude > 0x7f80_0000 ? 0 : (words[index]! >>> 16) & 0x8000;
    halves[index] = sign | encodeMagnitude(magnitude);
  }
  return halves;
}

const SCRATCH = new Float32Array(1);
const SCRATCH_BITS = new Uint32Array(SCRATCH.buffer);

/** `bits` of a float32 without its sign. */
function encodeMagnitude(bits: number): number {
  if (bits >= 0x4780_0000) return bits > 0x7f80_0000 ? HALF_NAN : 0x7c00;
  if (bits >= 0x3880_0000) return (bits + 0xfff + ((bits >>> 13) & 1) - 0x3800_0000) >>> 13;
  // Beside 0.5 a float32 has steps of 2^-24, those of subnormal halves: the addition rounds.
  SCRATCH_BITS[0] = bits;
  SCRATCH[0] = SCRATCH[0]! + 0.5;
  return SCRATCH_BITS[0] - 0x3f00_0000;
}
