/** Calibration: what values a network's tensors take, from runs of any float executor. */
import { assert } from "../../protocol/base/assert.ts";
import type { Graph } from "../ir/index.ts";
import { bestClip, newHistogram, percentileClip, record } from "./histogram.ts";
import type { Histogram } from "./histogram.ts";

/** Real limits of a value; they need not contain zero. */
export interface Range {
  readonly min: number;
  readonly max: number;
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

export interface Observation {
  min: number;
  max: number;
  readonly histogram: Histogram;
}

/** What has been seen so far, by value name. */
export type Observations = Map<string, Observation>;

export type Observe = (name: string, values: Float32Array) => void;

/** Adds the values that a tensor took in one run. Not-a-number is a bug of the executor. */
export function observe(observations: Observations, name: string, values: Float32Array): void {
  let observation = observations.get(name);
  if (observation === undefined) {
    observation = { min: Infinity, max: -Infinity, histogram: newHistogram() };
    observations.set(name, observation);
  }
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

/** The ranges of everything observed. */
export function rangesOf(observations: Observations, rule: RangeRule): Encodings {
  const names = [...observations.keys()].sort();
  return new Map(
    names.map((name) => {
      const observation = observations.get(name);
      assert(observation !== undefined, name);
      return [name, rangeOf(observation, rule)];
    }),
  );
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
  rule: RangeRule = { kind: "min-max" },
): Encodings {
  const observations: Observations = new Map();
  for (const run of runs) {
    run((name, values) => {
      if (graph.types.get(name)?.dtype === "f32") observe(observations, name, values);
    });
  }
  return rangesOf(observations, rule);
}
