/** A network through the parity recipe: quantised as a measurement says, compiled, ready to be timed on a chip. */
import { readFileSync } from "node:fs";
import { lowerHtp, lowerTimed } from "../../compiler/codegen/htp/index.ts";
import type { LoweringRequest } from "../../compiler/lower/index.ts";
import type { Graph } from "../../compiler/ir/index.ts";
import { loadKernels } from "../../compiler/kernels/index.ts";
import { quantize, toHalf } from "../../compiler/quant/index.ts";
import type { Encodings, Range } from "../../compiler/quant/index.ts";
import { PARITY } from "../../compiler/releases/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { simulateTiming } from "../../device-agent/soc/index.ts";
import type { Timing } from "../../device-agent/soc/index.ts";
import { assert } from "../../protocol/base/assert.ts";
import { brand } from "../../protocol/base/brand.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { HtpSegment, Program } from "../../protocol/program/index.ts";
import { withoutWeights } from "./blank-weights.ts";
import { atPlanes } from "./planes.ts";

export const PRECISIONS = ["float", "w8a8", "w8a16"] as const;
export type Precision = (typeof PRECISIONS)[number];

export function precisionOf(name: string): Precision | undefined {
  return PRECISIONS.find((known) => known === name);
}

const KERNELS_FOLDER = new URL("../../compiler/kernels/", import.meta.url);
const kernels = loadKernels((name) => readFileSync(new URL(name, KERNELS_FOLDER), "utf8"));

/** The graph in the types it is computed in; without calibrated ranges with some that time nothing differently. */
export function typedGraph(
  graph: Graph,
  precision: Precision,
  ranges = differentRanges(graph),
): Result<Graph> {
  switch (precision) {
    case "w8a8":
      return quantize(atPlanes(graph), ranges);
    case "float":
      return toHalf(graph);
    case "w8a16":
      return quantize(graph, ranges, "i16");
  }
}

/**
 * Ranges that differ from value to value, as calibrated ones do: equal ones would make changes of scale disappear.
 * What is never negative starts at zero, as it does in every calibration.
 */
function differentRanges(graph: Graph): Encodings {
  const ranges = new Map<string, Range>();
  const isPositive = (name: string): boolean => (ranges.get(name)?.min ?? -1) >= 0;
  const add = (name: string, positive: boolean): void => {
    const max = 4 + (ranges.size % RANGES) / 4;
    ranges.set(name, { min: positive ? 0 : -max, max });
  };
  for (const name of graph.inputs) add(name, false);
  for (const node of graph.nodes) {
    const values = node.inputs.filter((name) => !graph.constants.has(name) && name !== "");
    const keepsSign = !MIXING.has(node.op) && values.every(isPositive);
    const clampMin = node.attributes.get("clamp_min") ?? node.attributes.get("min") ?? -Infinity;
    const positive = POSITIVE.has(node.op) || Number(clampMin) >= 0 || keepsSign;
    for (const name of node.outputs) add(name, positive);
  }
  return ranges;
}

const RANGES = 7;
const POSITIVE: ReadonlySet<string> = new Set([
  ...["relu", "sigmoid", "hard_sigmoid", "softmax", "exp"],
]);
/** Operators whose results have either sign, whatever their operands have. */
const MIXING: ReadonlySet<string> = new Set([
  ...["conv", "conv_transpose", "matmul", "sub", "layer_norm", "pointwise", "hard_swish"],
]);

/** What a program's time follows from. */
export type TimedProgram = Pick<Program, "segments">;

/** Programs of one typed graph. */
export class Programs {
  private readonly graph: Graph;
  private readonly recipe: Recipe;

  constructor(graph: Graph, recipe: Recipe = PARITY) {
    this.graph = graph;
    this.recipe = recipe;
  }

  /** To be timed, which takes no weights. */
  weightless(soc: SocDescription): Result<TimedProgram> {
    const segment = lowerTimed({ ...this.requestFor(soc), graph: withoutWeights(this.graph) });
    return segment.ok ? succeeded({ segments: [segment.value] }) : segment;
  }

  for(soc: SocDescription): Result<Program> {
    return lowerHtp({
      ...this.requestFor(soc),
      modelName: this.graph.name,
      modelSha256: brand<Sha256>("0".repeat(64)),
      driverVersion: this.recipe.version,
      optionsText: "{}",
    });
  }

  private requestFor(soc: SocDescription): LoweringRequest {
    return { graph: this.graph, soc, options: this.recipe.lowering, kernels };
  }
}

export function timingOf(program: TimedProgram, soc: SocDescription): Result<Timing> {
  const [segment, ...others] = program.segments;
  assert(others.length === 0 && segment?.kind === "htp", "a program of one segment on the HTP");
  const timing = simulateTiming(segment as HtpSegment, soc);
  return timing.ok ? succeeded(timing.value) : timing;
}
