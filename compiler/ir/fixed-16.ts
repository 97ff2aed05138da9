/**
 * What sums and products of int8 are computed in: int16 factors, int32 products, and a shift that rounds to nearest,
 * halves upwards, and saturates to int16. Real numbers stay out of it but for choosing the factors.
 */
import { roundHalfEven } from "../../protocol/base/math.ts";
import { exponentOf } from "./fixed-point.ts";
import type { Encoding } from "./int8.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { max, min } = Math;

const INT16_MAX = 32767;
/** The largest shift that narrows. */
const SHIFT_MAX = 15;
/** Of the factor that the second operand of a product is multiplied by. */
const FACTOR_SHIFT = 7;
/** Largest magnitude of a difference of two int8. */
const DIFFERENCE_MAX = 255;

/** x / 2^shift, rounded to nearest, halves upwards, saturated to int16; 0 <= shift <= 15. */
export function narrowed(x: number, shift: number): number {
  const rounded = shift === 0 ? x : (x >> shift) + ((x >> (shift - 1)) & 1);
  return max(-INT16_MAX - 1, min(INT16_MAX, rounded));
}

/** (a - za) * factorA + (b - zb) * factorB, narrowed by `shift`, is the sum less its zero point. */
export interface SumFactors {
  readonly factorA: number;
  readonly factorB: number;
  readonly shift: number;
}

export type Sign = 1 | -1;

/** As precise as int16 factors allow. */
export function sumFactors(
  [a, b]: readonly [Encoding, Encoding],
  output: Encoding,
  [signA, signB]: readonly [Sign, Sign],
): SumFactors {
  const [realA, realB] = [a.scale / output.scale, b.scale / output.scale];
  const shift = shiftFor(max(realA, realB));
  const [factorA, factorB] = [wholeFactor(realA, shift), wholeFactor(realB, shift)];
  return { factorA: signA * factorA, factorB: signB * factorB, shift };
}

/** The sum less its zero point; the operands less theirs. */
export function sumOf({ factorA, factorB, shift }: SumFactors, a: number, b: number): number {
  return narrowed(a * factorA + b * factorB, shift);
}

/** (b - zb) * factor, narrowed by FACTOR_SHIFT, times a - za, narrowed by `shift`, is the product less its zero point. */
export interface ProductFactor {
  readonly factor: number;
  readonly shift: number;
}

/** So that 255 * factor still fits int16 once narrowed. */
export function productFactor(a: Encoding, b: Encoding, output: Encoding): ProductFactor {
  const real = (a.scale * b.scale) / output.scale;
  const shift = shiftFor(real * DIFFERENCE_MAX);
  return { factor: wholeFactor(real, shift + FACTOR_SHIFT), shift };
}

/** The product less its zero point; the operands less theirs. */
export function productOf({ factor, shift }: ProductFactor, a: number, b: number): number {
  return narrowed(a * narrowed(b * factor, FACTOR_SHIFT), shift);
}

/** The largest shift with which a factor below 2^15 stands for the real one; what is larger saturates any result. */
function shiftFor(real: number): number {
  return max(0, min(SHIFT_MAX, 14 - exponentOf(real)));
}

function wholeFactor(real: number, shift: number): number {
  return min(roundHalfEven(real * 2 ** shift), INT16_MAX);
}
