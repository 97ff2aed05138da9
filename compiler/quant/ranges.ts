/** Calibration: what values a network's tensors take, from runs of any float executor. */
import { assert } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import type { Graph } from "../ir/index.ts";
import { bestClip, newHistogram, percentileClip, record } from "./histogram.ts";
import type { Histogram } from "./histogram.ts";

/** Real limits of a value; they need not contain zero. */
export interface Range {
  readonly min: number;
  readonly max: number;
  /** Per index of axis 1; known where calibration saw the value's shape. */
  readonly channels?: ChannelStatistics;
}

export interface ChannelStatistics {
  readonly minima: readonly number[];
  readonly maxima: readonly number[];
  readonly means: readonly number[];
}

/** Range by value name; the cached artefact of a calibration (see encodings-json.ts). */
export type Encodings = ReadonlyMap<string, Range>;

/**
 * How ranges come from what was seen. min-max: the extremes. percentile: extremes without a share
 * of outliers on each side. mse: the limits with the least expected squared rounding and clipping error.
 */
export type RangeRule =
  | { readonly kind: "min-max" }
  | { readonly kind: "percentile"; readonly share: number }
  | { readonly kind: "mse" };

/** With equalisation, the extremes measure as well as clipping does, and need no choice. */
const DEFAULT_RANGE_RULE: RangeRule = { kind: "min-max" };

export interface Observation {
  min: number;
  max: number;
  readonly histogram: Histogram;
  channels: ObservedChannels | undefined;
}

/** Sums and extremes per channel, over `count` elements each. */
export interface ObservedChannels {
  readonly minima: Float32Array;
  readonly maxima: Float32Array;
  readonly sums: Float64Array;
  count: number;
}

/** A value by name alone, or with the shape that tells its channels apart. */
export type ObservedValue = string | { readonly name: string; readonly shape: readonly number[] };

/** What has been seen so far, by value name. */
export type Observations = Map<string, Observation>;

export type Observe = (name: string, values: Float32Array) => void;

/**
 * Adds the elements that a value took in one run, in row-major order of its logical shape.
 * Not-a-number is a bug of the executor.
 */
export function observe(
  observations: Observations,
  value: ObservedValue,
  values: Float32Array,
): void {
  const [name, shape] = typeof value === "string" ? [value, []] : [value.name, value.shape];
  let observation = observations.get(name);
  if (observation === undefined) {
    const histogram = newHistogram();
    const channels = newChannels(shape);
    observation = { min: Infinity, max: -Infinity, histogram, channels };
    observations.set(name, observation);
  }
  if (observation.channels !== undefined) addChannels(observation.channels, shape, values);
  let { min, max } = observation;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  assert(max - min < Infinity, `${name} holds finite numbers`);
  observation.min = min;
  observation.max = max;
  record(observation.histogram, values, Math.max(-min, max));
}

function newChannels([, count = 0]: readonly number[]): ObservedChannels | undefined {
  if (count === 0) return undefined;
  const minima = new Float32Array(count).fill(Infinity);
  const maxima = new Float32Array(count).fill(-Infinity);
  return { minima, maxima, sums: new Float64Array(count), count: 0 };
}

function addChannels(
  channels: ObservedChannels,
  shape: readonly number[],
  values: Float32Array,
): void {
  const { minima, maxima, sums } = channels;
  const plane = product(shape.slice(2));
  const blocks = values.length / plane;
  for (let block = 0, index = 0; block < blocks; block++) {
    const channel = block % sums.length;
    let [min, max, sum] = [minima[channel] ?? 0, maxima[channel] ?? 0, 0];
    for (let element = 0; element < plane; element++, index++) {
      const value = values[index] ?? 0;
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
    }
    minima[channel] = min;
    maxima[channel] = max;
    sums[channel] = (sums[channel] ?? 0) + sum;
  }
  channels.count += values.length / sums.length;
}

/** The ranges of everything observed. */
export function rangesOf(observations: Observations, rule: RangeRule): Encodings {
  const names = [...observations.keys()].sort();
  return new Map(
    names.map((name) => {
      const observation = observations.get(name);
      assert(observation !== undefined, name);
      const range = rangeOf(observation, rule);
      const { channels } = observation;
      return [name, channels === undefined ? range : { ...range, channels: statistics(channels) }];
    }),
  );
}

function statistics({ minima, maxima, sums, count }: ObservedChannels): ChannelStatistics {
  const means = Array.from(sums, (sum) => Math.fround(sum / count));
  return { minima: Array.from(minima), maxima: Array.from(maxima), means };
}

function rangeOf({ min, max, histogram }: Observation, rule: RangeRule): Range {
  switch (rule.kind) {
    case "min-max":
      return { min, max };
    case "percentile":
      return percentileClip(histogram, { min, max }, rule.share);
    case "mse":
      return bestClip(histogram, { min, max });
  }
}

/** One run of the float network over one input: reports every value that it computes. */
export type Run = (observe: Observe) => void;

/** The ranges of the graph's float values over all runs. Values of other names are ignored. */
export function calibrate(
  graph: Graph,
  runs: Iterable<Run>,
  rule: RangeRule = DEFAULT_RANGE_RULE,
): Encodings {
  const observations: Observations = new Map();
  for (const run of runs) {
    run((name, values) => {
      const type = graph.types.get(name);
      if (type?.dtype === "f32") observe(observations, { name, shape: type.shape }, values);
    });
  }
  return rangesOf(observations, rule);
}
