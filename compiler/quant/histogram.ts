/** A histogram whose range doubles as larger values come, and the clipping limits read from it. */

/** Where values are clipped, in real units. */
export interface Limits {
  readonly min: number;
  readonly max: number;
}

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

/** Counts of values in equal bins over [-limit, limit]; the limit is a power of two. */
export interface Histogram {
  limit: number;
  readonly counts: Float64Array;
}

const BINS = 4096;
const SMALLEST_LIMIT = 2 ** -60;
const STEPS = 255;
/** Candidate limits per side, as parts of the extreme. */
const CLIP_PARTS = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4];

export function newHistogram(): Histogram {
  return { limit: SMALLEST_LIMIT, counts: new Float64Array(BINS) };
}

/** Adds values of at most `magnitude`. */
export function record(histogram: Histogram, values: Float32Array, magnitude: number): void {
  while (histogram.limit <= magnitude) widen(histogram);
  const { counts, limit } = histogram;
  const scale = BINS / 2 / limit;
  for (let index = 0; index < values.length; index++) {
    const bin = floor((values[index] ?? 0) * scale + BINS / 2);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
}

/** Doubles the range: two neighbours become one. */
function widen(histogram: Histogram): void {
  const { counts } = histogram;
  const merged = new Float64Array(BINS);
  for (let bin = 0; bin < BINS; bin++) {
    const target = BINS / 4 + floor(bin / 2);
    merged[target] = (merged[target] ?? 0) + (counts[bin] ?? 0);
  }
  counts.set(merged);
  histogram.limit *= 2;
}

function centre(histogram: Histogram, bin: number): number {
  return ((bin + 0.5) / (BINS / 2) - 1) * histogram.limit;
}

/** The range without the outermost `share` of the values on each side. */
export function percentileClip(histogram: Histogram, extremes: Limits, share: number): Limits {
  const total = histogram.counts.reduce((sum, count) => sum + count, 0);
  const edge = (from: number, step: number): number => {
    let seen = 0;
    for (let bin = from; bin >= 0 && bin < BINS; bin += step) {
      seen += histogram.counts[bin] ?? 0;
      if (seen > total * share) return centre(histogram, bin);
    }
    return 0;
  };
  const min = Math.max(extremes.min, Math.min(edge(0, 1), 0));
  const max = Math.min(extremes.max, Math.max(edge(BINS - 1, -1), 0));
  return { min, max };
}

/** The limits, as parts of the extremes, with the least squared error of rounding and clipping. */
export function bestClip(histogram: Histogram, extremes: Limits): Limits {
  const [bottom, top] = [Math.min(extremes.min, 0), Math.max(extremes.max, 0)];
  let best = { min: bottom, max: top, error: Infinity };
  for (const partOfMin of bottom < 0 ? CLIP_PARTS : [1]) {
    for (const partOfMax of top > 0 ? CLIP_PARTS : [1]) {
      const range = { min: bottom * partOfMin, max: top * partOfMax };
      const error = squaredError(histogram, range);
      if (error < best.error) best = { ...range, error };
    }
  }
  return { min: best.min, max: best.max };
}

/** Rounding costs step²/12 a value inside; a value outside costs its distance squared. */
function squaredError(histogram: Histogram, { min, max }: Limits): number {
  const step = (max - min) / STEPS;
  const rounding = (step * step) / 12;
  let error = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const count = histogram.counts[bin] ?? 0;
    if (count === 0) continue;
    const value = centre(histogram, bin);
    const distance = value < min ? min - value : value > max ? value - max : 0;
    error += count * (distance === 0 ? rounding : distance * distance);
  }
  return error;
}
