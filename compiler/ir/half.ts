/** IEEE 754 binary16 to and from numbers; encoding rounds half to even. */

const SMALLEST_NORMAL = 2 ** -14;
const SUBNORMAL_STEP = 2 ** -24;

export function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * SUBNORMAL_STEP;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function encodeHalf(value: number): number {
  if (value !== value) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < SMALLEST_NORMAL) return sign | roundEven(magnitude / SUBNORMAL_STEP);
  let exponent = 0;
  let scaled = magnitude;
  for (; scaled >= 2; scaled /= 2) exponent++;
  for (; scaled < 1; scaled *= 2) exponent--;
  // A fraction that rounds up to 1024 carries into the exponent, which is what is wanted.
  return sign | (((exponent + 15) << 10) + roundEven((scaled - 1) * 1024));
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest > 0.5 ? floor + 1 : floor;
  return floor % 2 === 0 ? floor : floor + 1;
}
