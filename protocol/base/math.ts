/**
 * Elementary functions from + - * / sqrt and floor alone, so that they give the same bits on every
 * engine (ECMAScript leaves Math.exp and its like to the implementation). Within a few units in the
 * last place of float64, far below one of float32.
 */

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, floor } = Math;

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const LOG2_E = 1.442695040888963387;
const TWO_OVER_SQRT_PI = 1.1283791670955125739;
const TWO_OVER_PI = 6.36619772367581382433e-1;
const HALF_PI = Math.PI / 2;
/** Pi/2 in three parts of 33 bits (fdlibm): k times the first two is exact for |k| < 2^20. */
const HALF_PI_PARTS = [
  1.57079632673412561417, 6.0771005063039659766e-11, 2.0222662487111664558e-21,
];

const BITS = new DataView(new ArrayBuffer(8));

/** 2^exponent for whole exponents in [-1022, 1023]. */
function powerOfTwo(exponent: number): number {
  BITS.setUint32(0, (exponent + 1023) * 0x100000);
  BITS.setUint32(4, 0);
  return BITS.getFloat64(0);
}

/** value * 2^exponent; two steps, because the power alone may leave the range of float64. */
function scaleByPowerOfTwo(value: number, exponent: number): number {
  const half = floor(exponent / 2);
  return value * powerOfTwo(half) * powerOfTwo(exponent - half);
}

/** e^x. */
export function exp(x: number): number {
  if (x !== x) return x;
  if (x > 709.8) return Infinity;
  if (x < -745.2) return 0;
  const power = floor(x * LOG2_E + 0.5);
  const rest = x - power * LN2_HIGH - power * LN2_LOW;
  let sum = 1;
  for (let term = 14; term >= 1; term--) sum = 1 + (sum * rest) / term;
  return scaleByPowerOfTwo(sum, power);
}

/** e^x - 1 without cancellation near zero. */
export function expm1(x: number): number {
  if (x > 0.35 || x < -0.35 || x !== x) return exp(x) - 1;
  let sum = 1;
  for (let term = 14; term >= 2; term--) sum = 1 + (sum * x) / term;
  return sum * x;
}

/** Natural logarithm; -Infinity at 0, NaN below. */
export function log(x: number): number {
  if (x !== x || x < 0) return NaN;
  if (x === 0) return -Infinity;
  if (x === Infinity) return x;
  const subnormal = x < 2.2250738585072014e-308;
  BITS.setFloat64(0, subnormal ? x * 18014398509481984 : x);
  const high = BITS.getUint32(0);
  let exponent = (high >>> 20) - 1023 - (subnormal ? 54 : 0);
  BITS.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  let mantissa = BITS.getFloat64(0);
  if (mantissa > 1.4142135623730951) {
    mantissa /= 2;
    exponent += 1;
  }
  // log m = 2 atanh((m - 1) / (m + 1)); the ratio is below 0.1716, so twelve odd terms suffice.
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let series = 0;
  for (let odd = 23; odd >= 3; odd -= 2) series = (series + 1 / odd) * square;
  return exponent * LN2_HIGH + (2 * ratio + (2 * ratio * series + exponent * LN2_LOW));
}

export function tanh(x: number): number {
  if (x > 20) return 1;
  if (x < -20) return -1;
  const grown = expm1(2 * x);
  return grown / (grown + 2);
}

/** 1 / (1 + e^-x), without overflow on either side. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x));
  const grown = exp(x);
  return grown / (1 + grown);
}

/** The error function, by its series of positive terms: 2/sqrt(pi) e^-x² Σ 2^n x^(2n+1) / (2n+1)!!. */
export function erf(x: number): number {
  if (x > 6) return 1;
  if (x < -6) return -1;
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && abs(term) > abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_OVER_SQRT_PI * exp(-x * x) * sum;
}

/** x^y. Whole exponents up to 1024 by repeated squaring (exact where the result is), others by e^(y log x). */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (y === 0.5) return Math.sqrt(x);
  const whole = floor(y) === y;
  if (whole && abs(y) <= 1024) {
    const magnitude = powerByWhole(x, abs(y));
    return y < 0 ? 1 / magnitude : magnitude;
  }
  if (x < 0) {
    if (!whole) return NaN;
    const odd = abs(y % 2) === 1;
    const magnitude = exp(y * log(-x));
    return odd ? -magnitude : magnitude;
  }
  return exp(y * log(x));
}

function powerByWhole(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

/** Sine of an angle in radians; accurate for |x| below a million. */
export function sin(x: number): number {
  return sineOfQuarter(x, 0);
}

/** Cosine of an angle in radians; accurate for |x| below a million. */
export function cos(x: number): number {
  return sineOfQuarter(x, 1);
}

function sineOfQuarter(x: number, quarterOffset: number): number {
  if (!Number.isFinite(x)) return NaN;
  const quarters = floor(x * TWO_OVER_PI + 0.5);
  let rest = x;
  for (const part of HALF_PI_PARTS) rest -= quarters * part;
  const turned = quarters + quarterOffset;
  const quadrant = turned - 4 * floor(turned / 4);
  const magnitude = quadrant % 2 === 0 ? sineSeries(rest) : cosineSeries(rest);
  return quadrant < 2 ? magnitude : -magnitude;
}

function sineSeries(x: number): number {
  let sum = 1;
  for (let n = 20; n >= 2; n -= 2) sum = 1 - (sum * x * x) / (n * (n + 1));
  return sum * x;
}

function cosineSeries(x: number): number {
  let sum = 1;
  for (let n = 20; n >= 2; n -= 2) sum = 1 - (sum * x * x) / (n * (n - 1));
  return sum;
}

/** The nearest whole number, ties to the even one. Exact for |x| < 2^51. */
export function roundHalfEven(x: number): number {
  return abs(x) < 2251799813685248 ? x + 6755399441055744 - 6755399441055744 : x;
}

/** Arc tangent, by halving the angle until its series of odd powers is short. */
export function atan(x: number): number {
  if (x !== x) return x;
  if (x < 0) return -atan(-x);
  if (x > 1) return HALF_PI - atan(1 / x);
  // atan x = 2 atan(x / (1 + sqrt(1 + x²))): three halvings leave at most tan(pi / 32).
  let small = x;
  for (let halving = 0; halving < 3; halving++) small = small / (1 + Math.sqrt(1 + small * small));
  const square = small * small;
  let series = 0;
  for (let odd = 17; odd >= 1; odd -= 2) series = 1 / odd - series * square;
  return 8 * small * series;
}

/** Arc sine; NaN outside [-1, 1]. */
export function asin(x: number): number {
  if (!(abs(x) <= 1)) return NaN;
  if (abs(x) === 1) return x * HALF_PI;
  return atan(x / Math.sqrt((1 - x) * (1 + x)));
}

/** Arc cosine; NaN outside [-1, 1]. Near 1 it is not a difference of two near numbers. */
export function acos(x: number): number {
  if (!(abs(x) <= 1)) return NaN;
  if (x === -1) return 2 * HALF_PI;
  return 2 * atan(Math.sqrt((1 - x) / (1 + x)));
}

export function sinh(x: number): number {
  const grown = expm1(abs(x));
  const half = grown === Infinity ? grown : (grown + grown / (grown + 1)) / 2;
  return x < 0 ? -half : half;
}

export function cosh(x: number): number {
  const grown = exp(abs(x));
  return (grown + 1 / grown) / 2;
}

export function asinh(x: number): number {
  const magnitude = abs(x);
  // x + sqrt(x² + 1) - 1 without cancellation, for log(1 + that).
  const beyond = magnitude + (magnitude * magnitude) / (1 + Math.sqrt(magnitude * magnitude + 1));
  const value = magnitude > 1e150 ? log(magnitude) + Math.LN2 : log1p(beyond);
  return x < 0 ? -value : value;
}

/** NaN below 1. */
export function acosh(x: number): number {
  if (!(x >= 1)) return NaN;
  const beyond = x - 1;
  return x > 1e150 ? log(x) + Math.LN2 : log1p(beyond + Math.sqrt(beyond * (x + 1)));
}

/** NaN outside [-1, 1]. */
export function atanh(x: number): number {
  if (!(abs(x) <= 1)) return NaN;
  const value = log1p((2 * abs(x)) / (1 - abs(x))) / 2;
  return x < 0 ? -value : value;
}

/** log(1 + x) without cancellation near zero. */
export function log1p(x: number): number {
  if (abs(x) > 0.4) return log(1 + x);
  const ratio = x / (2 + x);
  const square = ratio * ratio;
  let series = 0;
  for (let odd = 31; odd >= 1; odd -= 2) series = series * square + 1 / odd;
  return 2 * ratio * series;
}

/** The angle of (x, y) from the first axis. */
export function atan2(y: number, x: number): number {
  if (x > 0) return atan(y / x);
  if (x < 0) return atan(y / x) + (y < 0 || Object.is(y, -0) ? -2 : 2) * HALF_PI;
  return y === 0 ? 0 : y > 0 ? HALF_PI : -HALF_PI;
}
