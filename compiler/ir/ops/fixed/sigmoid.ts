/**
 * sigmoid and tanh of 16-bit fixed-point numbers with a few integer bits, by gemmlowp's published
 * method: e^x from a polynomial on [-1/4, 0) and one factor for every set bit of the rest, 1 / (1 + x)
 * by three steps of Newton's division.
 */

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, max, min, trunc } = Math;

const ONE = 32767;

function saturated(value: number): number {
  return min(max(value, -32768), 32767);
}

/** The rounded product of two numbers of 15 fractional bits. */
function times(a: number, b: number): number {
  const product = a * b;
  return saturated(trunc((product + (product >= 0 ? 16384 : -16383)) / 32768));
}

function halved(value: number, bits: number): number {
  const power = 2 ** bits;
  return value < 0 ? Math.ceil(value / power - 0.5) : Math.floor(value / power + 0.5);
}

/** The upper half of a 31-bit constant. */
function upper(constant: number): number {
  return Math.floor((constant + 32768) / 65536);
}

const EXP_OF_MINUS_EIGHTH = upper(1895147668);
const THIRD = upper(715827883);

/** e^x for x in [-1/4, 0), both in 15 fractional bits. */
function exponentialOfQuarter(a: number): number {
  const x = a + 4096;
  const square = times(x, x);
  const cube = times(square, x);
  const fourth = halved(times(square, square), 2);
  const tail = halved(times(fourth + cube, THIRD) + square, 1);
  return saturated(EXP_OF_MINUS_EIGHTH + times(EXP_OF_MINUS_EIGHTH, x + tail));
}

/** e^(-2^k) for k from -2 on, in 15 fractional bits. */
const FACTORS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242].map(upper);

/** e^x for x <= 0 with `integerBits`; the result has 15 fractional bits. */
function exponential(x: number, integerBits: number): number {
  if (x === 0) return ONE;
  const fraction = 15 - integerBits;
  const quarter = 2 ** (fraction - 2);
  const within = (x & (quarter - 1)) - quarter;
  const rest = within - x;
  let result = exponentialOfQuarter(saturated(within * 2 ** integerBits));
  for (const [index, factor] of FACTORS.entries()) {
    const exponent = index - 2;
    if (integerBits > exponent && (rest & (2 ** (fraction + exponent))) !== 0) {
      result = times(result, factor);
    }
  }
  return result;
}

const F2_ONE = 8192;
const F2_48_OVER_17 = upper(1515870810);
const F2_MINUS_32_OVER_17 = upper(-1010580540);

/** 2 / (1 + x) for x in [0, 1], with two integer bits. */
function reciprocal(x: number): number {
  const half = trunc((x + ONE + 1) / 2);
  let result = F2_48_OVER_17 + times(half, F2_MINUS_32_OVER_17);
  for (let step = 0; step < 3; step++) {
    const error = F2_ONE - times(half, result);
    result += saturated(times(result, error) * 4);
  }
  return result;
}

/** 15 fractional bits of sigmoid(x). */
export function sigmoid16(x: number, integerBits: number): number {
  if (x === 0) return 16384;
  const positive = saturated(reciprocal(exponential(-abs(x), integerBits)) * 2);
  return x > 0 ? positive : ONE - positive;
}

/** 15 fractional bits of tanh(x). */
export function tanh16(x: number, integerBits: number): number {
  if (x === 0) return 0;
  // Twice x is the same number with one integer bit more.
  const inverse = reciprocal(exponential(-abs(x), integerBits + 1));
  const positive = saturated((inverse - F2_ONE) * 4);
  return x > 0 ? positive : -positive;
}
