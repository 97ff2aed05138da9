/**
 * Cross-layer equalisation (Nagel et al., 2019, section 4.1), with calibrated ranges: where a
 * convolution feeds nothing but another one, through a ReLU or nothing, each channel between them may
 * be divided by a factor in the first and multiplied by it in the second. Small channels then use
 * more of the one encoding that they share, and the network computes the same.
 */
import { present } from "../../protocol/base/assert.ts";
import { attributesOf, consumersOf, numeric, tensor } from "../ir/index.ts";
import type { Graph, Node, Tensor } from "../ir/index.ts";
import type { ChannelStatistics, Encodings, Range } from "./ranges.ts";

export interface Equalized {
  readonly graph: Graph;
  readonly encodings: Encodings;
}

/** No channel is enlarged more than this: beyond, weights would pay more than activations gain. */
const FACTOR_MIN = 1 / 16;

/** Values between equalised layers are renamed: they are not the model's values any more. */
export function equalize(graph: Graph, encodings: Encodings): Equalized {
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const ranges = new Map(encodings);
  const renamed = new Map<string, string>();
  // What is replaced is dropped at once: weights are most of a network's memory.
  const replace = (old: string, name: string, value: Tensor): string => {
    if (old.endsWith("/equalized") || isReadOnce(graph, old)) {
      constants.delete(old);
      types.delete(old);
    }
    constants.set(name, value);
    types.set(name, value.type);
    return name;
  };
  const rewired = new Map<Node, readonly string[]>();
  for (const { first, second, value } of equalizablePairs(graph)) {
    const range = ranges.get(value);
    const factors = range?.channels && channelFactors(range.channels, isDepthwise(second, graph));
    if (range === undefined || factors === undefined) continue;
    const name = `${value}/equalized`;
    renamed.set(value, name);
    ranges.set(name, dividedRange(range, factors));
    const firstInputs = rewired.get(first) ?? first.inputs;
    const [x = "", ...parameters] = firstInputs;
    const divided = parameters.map((parameter, position) => {
      const suffix = position === 0 ? "weights" : "bias";
      const value = dividedRows(present(constants.get(parameter), parameter), factors);
      return replace(parameter, `${first.name}/${suffix}/equalized`, value);
    });
    rewired.set(first, [x, ...divided]);
    const [, after = "", ...rest] = second.inputs;
    const scaled = scaledInputs(present(constants.get(after), after), second, factors);
    rewired.set(second, [name, replace(after, `${second.name}/inputs/equalized`, scaled), ...rest]);
  }
  return {
    graph: renamedGraph({ ...graph, constants, types }, renamed, rewired),
    encodings: ranges,
  };
}

function isReadOnce(graph: Graph, name: string): boolean {
  const readers = graph.nodes.filter((node) => node.inputs.includes(name));
  return readers.length === 1 && !graph.outputs.includes(name);
}

interface Pair {
  readonly first: Node;
  readonly second: Node;
  readonly value: string;
}

function equalizablePairs(graph: Graph): Pair[] {
  const consumers = consumersOf(graph);
  return graph.nodes.flatMap((first) => {
    const [value = ""] = first.outputs;
    const [second, ...others] = consumers.get(value) ?? [];
    const alone = second !== undefined && others.length === 0 && !graph.outputs.includes(value);
    const fits = alone && second.inputs[0] === value && isFixedConv(first, graph);
    return fits && isFixedConv(second, graph) && isHomogeneous(first)
      ? [{ first, second, value }]
      : [];
  });
}

/** A convolution whose weights and bias are known floats. */
function isFixedConv(node: Node, graph: Graph): boolean {
  const isKnown = (name: string): boolean => graph.constants.get(name)?.type.dtype === "f32";
  return node.op === "conv" && node.inputs.slice(1).every(isKnown);
}

/** Scaling a channel passes through: no clamp, or one at zero alone. */
function isHomogeneous(node: Node): boolean {
  const attributes = attributesOf(node);
  const low = attributes.number("clamp_min");
  return attributes.number("clamp_max") === Infinity && (low === 0 || low === -Infinity);
}

function isDepthwise(node: Node, graph: Graph): boolean {
  return attributesOf(node).number("group") === graph.types.get(node.inputs[0] ?? "")?.shape[1];
}

/**
 * A depthwise filter's own scale takes any factor in; weights that are summed over channels share
 * one, so the square root balances what activations gain and weights lose.
 */
function channelFactors(
  { minima, maxima }: ChannelStatistics,
  depthwise: boolean,
): Float64Array | undefined {
  const magnitudes = Float64Array.from(maxima, (max, channel) =>
    Math.max(Math.abs(max), Math.abs(minima[channel] ?? 0)),
  );
  const largest = magnitudes.reduce((a, b) => Math.max(a, b), 0);
  if (largest === 0) return undefined;
  return magnitudes.map((magnitude) => {
    const part = Math.max(magnitude / largest, FACTOR_MIN);
    return depthwise ? part : Math.sqrt(part);
  });
}

/** The range after the division; clipping that the calibration rule chose is kept in proportion. */
function dividedRange(range: Range, factors: Float64Array): Range {
  const { minima = [], maxima = [], means = [] } = range.channels ?? {};
  const divided = (values: readonly number[]): number[] =>
    values.map((value, channel) => value / (factors[channel] ?? 1));
  const channels = { minima: divided(minima), maxima: divided(maxima), means: divided(means) };
  const extreme = (values: readonly number[], sign: number): number =>
    values.reduce((worst, value) => Math.max(worst, value * sign), 0) * sign;
  const keep = (limit: number, all: readonly number[], sign: number): number => {
    const was = extreme(all, sign);
    return was === 0 ? 0 : Math.min(limit / was, 1);
  };
  return {
    min: extreme(channels.minima, -1) * keep(Math.min(range.min, 0), minima, -1),
    max: extreme(channels.maxima, 1) * keep(Math.max(range.max, 0), maxima, 1),
    channels,
  };
}

/** Weights [O, ...] or a bias [O] with every output channel divided by its factor. */
function dividedRows(source: Tensor, factors: Float64Array): Tensor {
  const from = numeric(source);
  const data = new Float32Array(from.length);
  const size = from.length / factors.length;
  for (let channel = 0, index = 0; channel < factors.length; channel++) {
    const factor = factors[channel] ?? 1;
    for (let tap = 0; tap < size; tap++, index++) data[index] = (from[index] ?? 0) / factor;
  }
  return tensor(source.type, data);
}

/** Weights [O, I/group, KH, KW] with every input channel multiplied by its factor. */
function scaledInputs(source: Tensor, node: Node, factors: Float64Array): Tensor {
  const [outputs = 1, perGroup = 1, height = 1, width = 1] = source.type.shape;
  const outputsPerGroup = outputs / attributesOf(node).number("group");
  const from = numeric(source);
  const data = new Float32Array(from.length);
  const taps = height * width;
  for (let output = 0, index = 0; output < outputs; output++) {
    const firstInput = Math.floor(output / outputsPerGroup) * perGroup;
    for (let input = firstInput; input < firstInput + perGroup; input++) {
      const factor = factors[input] ?? 1;
      for (let tap = 0; tap < taps; tap++, index++) data[index] = (from[index] ?? 0) * factor;
    }
  }
  return tensor(source.type, data);
}

function renamedGraph(
  graph: Graph,
  renamed: ReadonlyMap<string, string>,
  rewired: ReadonlyMap<Node, readonly string[]>,
): Graph {
  const types = new Map(
    [...graph.types].map(([name, type]) => [renamed.get(name) ?? name, type] as const),
  );
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: rewired.get(node) ?? node.inputs,
    outputs: node.outputs.map((name) => renamed.get(name) ?? name),
  }));
  return { ...graph, nodes, types };
}
