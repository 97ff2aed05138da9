/**
 * How sure the paired measurements of one cell are: an anytime-valid confidence interval of their mean.
 *
 * Measurements are natural logarithms of before/after, kept as whole billionths, so that their sums are
 * exact and do not depend on the order in which reports arrive.
 *
 * The interval inverts the scale-invariant t-test martingale (Lai 1976, "On confidence sequences"; Wang and
 * Ramdas 2024, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance").
 * With S = Σ(x - m), V = Σ(x - m)² and c² the precision of a normal prior on mean/deviation,
 *
 *     M(m) = sqrt(c² / (n + c²)) · ((n + c²)·V / ((n + c²)·V - S²))^(n/2)
 *
 * is a martingale when the true mean is m, whatever the deviation; by Ville's inequality the set
 * {m : M(m) < 1/alpha} holds the true mean at all times at once with probability 1 - alpha. So one may look
 * after every report and stop when one likes.
 */
import { log, pow } from "../../protocol/base/math.ts";

/** Exact sums of the measurements of one cell, in billionths. */
export interface Moments {
  readonly count: number;
  readonly sum: bigint;
  readonly sumOfSquares: bigint;
}

export const NO_MEASUREMENTS: Moments = { count: 0, sum: 0n, sumOfSquares: 0n };

/** Beyond a factor of e^20 a measurement is a fault of the clock; the cap keeps the sums in bounds. */
const LOG_RATIO_MAX = 20;
const BILLION = 1e9;

/** ln(before/after) in billionths: positive is a gain. Both must be positive. */
export function logRatioBillionths(before: number, after: number): bigint {
  const ratio = log(before / after);
  const bounded = Math.min(LOG_RATIO_MAX, Math.max(-LOG_RATIO_MAX, ratio));
  return BigInt(Math.round(bounded * BILLION));
}

export function addMoments(a: Moments, b: Moments): Moments {
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    sumOfSquares: a.sumOfSquares + b.sumOfSquares,
  };
}

export function momentsOf(measurements: readonly bigint[]): Moments {
  return measurements
    .map((x) => ({ count: 1, sum: x, sumOfSquares: x * x }))
    .reduce(addMoments, NO_MEASUREMENTS);
}

export interface Interval {
  readonly mean: number;
  /** -Infinity while there are too few measurements to say anything. */
  readonly lower: number;
  readonly upper: number;
}

/** Tuned for few devices: with 95 % confidence three measurements give a first, wide interval. */
const PRIOR_PRECISION = 0.1;

/**
 * No cell is believed to be less noisy than this (0.2 %): a simulated clock has no noise, and a few equal
 * readings are no proof of none.
 */
const NOISE_FLOOR = 0.002;

/** The mean log-ratio and what it may be, at confidence 1 - alpha. */
export function confidenceInterval(moments: Moments, alpha: number): Interval {
  const { count } = moments;
  if (count === 0) return { mean: 0, lower: -Infinity, upper: Infinity };
  const mean = Number(moments.sum) / count / BILLION;
  const radius = deviationOf(moments) * radiusInDeviations(count, alpha);
  return { mean, lower: mean - radius, upper: mean + radius };
}

/** The root of the mean squared distance from the mean, at least the noise floor. */
function deviationOf({ count, sum, sumOfSquares }: Moments): number {
  const n = BigInt(count);
  // Exact in whole numbers: the difference of the two terms would cancel in floating point.
  const scaled = n * sumOfSquares - sum * sum;
  const variance = Number(scaled) / (count * count) / (BILLION * BILLION);
  return Math.max(Math.sqrt(variance), NOISE_FLOOR);
}

/** M(m) < 1/alpha solved for |mean - m|. */
function radiusInDeviations(count: number, alpha: number): number {
  const total = count + PRIOR_PRECISION;
  const quantile = pow((alpha * alpha * PRIOR_PRECISION) / total, 1 / count);
  const numerator = (1 - quantile) * total;
  return numerator < count ? Math.sqrt(numerator / (count - numerator)) : Infinity;
}
