/** One encoding for every value of a float graph: from the calibrated ranges and from what operators demand. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import {
  attributesOf,
  compileExpression,
  consumersOf,
  findOperator,
  formulaOf,
  producersOf,
} from "../ir/index.ts";
import type { ActivationType, Encoding, Graph, Node } from "../ir/index.ts";
import { roundHalfEven } from "../../protocol/base/math.ts";
import type { Encodings, Range } from "./ranges.ts";

/** Keeps multipliers far inside the range of float32 when a tensor is all zeros or nearly so. */
const SCALE_MIN = 2 ** -60;

/** The encoding of a range: asymmetric in int8, with zero in the middle in int16; zero is always exact. */
export function encodingFor(range: Range, dtype: ActivationType = "i8"): Encoding {
  if (dtype === "i16") return symmetricEncoding(range, dtype);
  const [min, max] = [Math.min(range.min, 0), Math.max(range.max, 0)];
  if (max - min === 0) return { scale: 1, zeroPoint: 0 };
  const scale = Math.fround(Math.max((max - min) / 255, SCALE_MIN));
  const zeroPoint = roundHalfEven(-128 - min / scale);
  return { scale, zeroPoint: Math.min(Math.max(zeroPoint, -128), 127) };
}

/**
 * Encodings by value name. Values that an operator only moves share one; a value that nothing but
 * a ReLU or a clip reads has that one's; parts of a concat have the whole's where nobody else reads them.
 */
export function assignEncodings(
  graph: Graph,
  encodings: Encodings,
  dtype: ActivationType = "i8",
): Result<ReadonlyMap<string, Encoding>, "MISSING_ENCODING"> {
  const ranges = knownRanges(graph, encodings);
  const groups = sharingGroups(graph);
  const byGroup = new Map<string, Range>();
  const names = [...graph.types.keys()].filter((name) => !graph.constants.has(name));
  for (const name of names) {
    const range = ranges.get(name);
    if (range === undefined) continue;
    const group = groups.find(name);
    const other = byGroup.get(group) ?? range;
    const union = { min: Math.min(range.min, other.min), max: Math.max(range.max, other.max) };
    byGroup.set(group, union);
  }
  const symmetric = new Set(symmetricValues(graph).map((name) => groups.find(name)));
  const assigned = new Map<string, Encoding>();
  for (const name of names) {
    const range = byGroup.get(groups.find(name));
    if (range === undefined) {
      return failed("MISSING_ENCODING", `value ${name} was not calibrated`, { name });
    }
    const isSymmetric = symmetric.has(groups.find(name));
    assigned.set(name, isSymmetric ? symmetricEncoding(range, dtype) : encodingFor(range, dtype));
  }
  return succeeded(assigned);
}

/** The encoding with zero in the middle. */
function symmetricEncoding(range: Range, dtype: ActivationType): Encoding {
  const magnitude = Math.max(-range.min, range.max);
  const largest = dtype === "i8" ? 127 : 32767;
  return { scale: Math.fround(Math.max(magnitude / largest, SCALE_MIN)), zeroPoint: 0 };
}

/**
 * Operands of products of two values: without zero points their sums need no corrections. Only what a softmax
 * gives, which is never negative, keeps its own encoding.
 */
function symmetricValues(graph: Graph): string[] {
  const producers = producersOf(graph);
  return graph.nodes.flatMap((node) => {
    const [a = "", b = ""] = node.inputs;
    if (node.op !== "matmul" || graph.constants.has(b)) return [];
    return producers.get(a)?.op === "softmax" ? [b] : [a, b];
  });
}

/** Calibrated ranges, narrowed by what the writing operator can produce at all. */
function knownRanges(graph: Graph, encodings: Encodings): ReadonlyMap<string, Range | undefined> {
  const ranges = new Map<string, Range | undefined>(encodings);
  for (const node of graph.nodes) {
    const [output = ""] = node.outputs;
    const possible = possibleRange(node);
    const seen = ranges.get(output);
    if (node.op === "softmax") ranges.set(output, { min: 0, max: 1 });
    else if (seen !== undefined) ranges.set(output, intersection(seen, possible));
    else if (possible.max - possible.min < Infinity) ranges.set(output, possible);
  }
  const producers = producersOf(graph);
  const consumers = consumersOf(graph);
  for (const node of [...graph.nodes].reverse()) {
    const [input = "", output = ""] = [node.inputs[0], node.outputs[0]];
    const range = ranges.get(output);
    const alone = consumers.get(input)?.length === 1 && !graph.outputs.includes(input);
    if (!alone || range === undefined || !rescales(producers.get(input))) continue;
    const isClamp = node.op === "relu" || node.op === "clip";
    // The saturation of the encoding then is the clamp, whether or not the two are fused.
    if (isClamp) ranges.set(input, range);
    else ranges.set(input, effectiveDomain(node, ranges.get(input), range));
  }
  return ranges;
}

const DOMAIN_STEPS = 1024;

/**
 * The part of a function's input range outside which its result stays within a quarter of an
 * output step: hard-swish is zero below -3, so nothing is lost by saturating there.
 */
function effectiveDomain(node: Node, input: Range | undefined, output: Range): Range | undefined {
  const formula = formulaOf(node);
  if (formula === undefined || input === undefined) return input;
  const rule = compileExpression(formula);
  const tolerance = (Math.max(output.max, 0) - Math.min(output.min, 0)) / 1024;
  const step = (input.max - input.min) / DOMAIN_STEPS;
  const tail = (from: number, direction: number): number => {
    const level = rule(from);
    let steps = 0;
    while (
      steps < DOMAIN_STEPS &&
      Math.abs(rule(from + direction * (steps + 1) * step) - level) <= tolerance
    ) {
      steps++;
    }
    return from + direction * steps * step;
  };
  const [min, max] = [tail(input.min, 1), tail(input.max, -1)];
  return min < max ? { min, max } : input;
}

function rescales(node: Node | undefined): boolean {
  const rule = findOperator(node?.op ?? "")?.quantized;
  return rule === "accumulate" || rule === "rescaled_sum" || rule === "rescaled_product";
}

function possibleRange(node: Node): Range {
  const rules = findOperator(node.op)?.attributes ?? {};
  const attributes = attributesOf(node);
  if (Object.hasOwn(rules, "clamp_min")) {
    return { min: attributes.number("clamp_min"), max: attributes.number("clamp_max") };
  }
  if (node.op === "clip") return { min: attributes.number("min"), max: attributes.number("max") };
  if (node.op === "relu") return { min: 0, max: Infinity };
  return { min: -Infinity, max: Infinity };
}

function intersection(a: Range, b: Range): Range {
  const limit = (value: number): number => Math.min(Math.max(value, b.min), b.max);
  return { min: limit(a.min), max: limit(a.max) };
}

interface Groups {
  find(name: string): string;
  join(a: string, b: string): void;
}

function sharingGroups(graph: Graph): Groups {
  const groups = disjointGroups();
  const consumers = consumersOf(graph);
  const isEdge = new Set([...graph.inputs, ...graph.outputs]);
  for (const node of graph.nodes) {
    const [first = "", ...others] = node.inputs;
    if (findOperator(node.op)?.quantized !== "movement") continue;
    if (node.op === "concat") {
      const isPrivate = (name: string): boolean =>
        consumers.get(name)?.length === 1 && !isEdge.has(name);
      const parts = [first, ...others].filter((name) => !graph.constants.has(name));
      for (const name of parts.filter(isPrivate)) groups.join(name, node.outputs[0] ?? "");
    } else if (!graph.constants.has(first)) {
      for (const output of node.outputs) groups.join(first, output);
    }
  }
  return groups;
}

function disjointGroups(): Groups {
  const parents = new Map<string, string>();
  const find = (name: string): string => {
    let root = name;
    for (let up = parents.get(root); up !== undefined; up = parents.get(root)) root = up;
    return root;
  };
  return {
    find,
    join: (a, b) => {
      const [rootA, rootB] = [find(a), find(b)];
      if (rootA !== rootB) parents.set(rootA, rootB);
    },
  };
}
