/** A float graph and its encodings to a graph that computes in int8 throughout. */
import { present } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import { CodedError, succeeded, toFailure, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import {
  attributesOf,
  compileExpression,
  fixedWindowCount,
  formulaOf,
  functionTable,
  graphBuilder,
  numeric,
  operatorOf,
  perTensor,
  poolGeometry,
  quantizeValue,
  softmaxTable,
  tensor,
  tensorFrom,
} from "../ir/index.ts";
import type { ActivationType, Encoding, Graph, Node, Tensor, TensorType } from "../ir/index.ts";
import { assignEncodings, encodingFor } from "./assign.ts";
import { chipResize } from "./chip-resize.ts";
import { floatNodes, keepFloat } from "./floats.ts";
import type { FloatWork } from "./floats.ts";
import { laneNorm } from "./lane-norm.ts";
import { equalize } from "./equalize.ts";
import type { Encodings, Range } from "./ranges.ts";
import { quantizeAccumulator } from "./weights.ts";

/**
 * NOT_QUANTIZABLE: an operator without an int8 form, or a value that is no float.
 * MISSING_ENCODING: a value that calibration did not see.
 * ACCUMULATOR_OVERFLOW: sums that int32 might not hold.
 */
export type QuantizeCode = "NOT_QUANTIZABLE" | "MISSING_ENCODING" | "ACCUMULATOR_OVERFLOW";

interface Work extends FloatWork {
  readonly ranges: Encodings;
}

export interface MixedTypes {
  readonly dtype: ActivationType;
  /** Names of nodes that are computed in float32. */
  readonly floats: ReadonlySet<string>;
}

/**
 * The graph with int8 inputs, outputs and values (`TensorType.quantization` carries the encodings).
 * Value and node names stay, except values that equalisation changed (<value>/equalized); tables, int8
 * constants and changes of encoding get names of their own.
 */
export function quantize(
  source: Graph,
  calibrated: Encodings,
  dtype: ActivationType = "i8",
): Result<Graph, QuantizeCode> {
  return quantizeMixed(source, calibrated, { dtype, floats: new Set() });
}

/** As quantize, with some nodes in float32; values that only they touch are float32 too. */
export function quantizeMixed(
  source: Graph,
  calibrated: Encodings,
  { dtype, floats: names }: MixedTypes,
): Result<Graph, QuantizeCode> {
  const { graph, encodings: ranges } = equalize(source, calibrated);
  const assigned = assignEncodings(graph, ranges, dtype);
  if (!assigned.ok) return assigned;
  const builder = graphBuilder(graph.name);
  const floats = floatNodes(graph, names);
  const encodings = assigned.value;
  const work: Work = { graph, builder, ranges, encodings, dtype, floats, made: new Set() };
  try {
    for (const name of graph.inputs) builder.input(name, portType(work, name));
    for (const node of graph.nodes) {
      if (floats.isFloat(node)) keepFloat(work, node);
      else quantizeNode(work, node);
    }
    return succeeded(builder.finish(graph.outputs));
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<QuantizeCode>);
    throw error;
  }
}

function refuse(node: Node, reason: string): never {
  const message = `node ${node.name} (${node.op}) has no int8 form: ${reason}`;
  throw new CodedError("NOT_QUANTIZABLE", message, { node: node.name, operator: node.op });
}

function encodingOfValue(work: Work, name: string): Encoding {
  return present(work.encodings.get(name), `encoding of ${name}`);
}

function portType(work: Work, name: string): TensorType {
  return work.floats.isStored(name)
    ? storedType(work, name)
    : present(work.graph.types.get(name), name);
}

function storedType(work: Work, name: string): TensorType {
  const { dtype, shape } = present(work.graph.types.get(name), name);
  const quantization = perTensor(encodingOfValue(work, name));
  if (dtype !== "f32") {
    throw new CodedError("NOT_QUANTIZABLE", `value ${name} is ${dtype}`, { name, dtype });
  }
  return { dtype: work.dtype, shape, quantization };
}

function quantizeNode(work: Work, node: Node): void {
  for (const name of node.outputs) storedType(work, name);
  const { quantized } = operatorOf(node);
  switch (quantized) {
    case "accumulate":
      return quantizeAccumulation(work, node);
    case "rescaled_sum":
      return keepOperands(work, node, node.inputs);
    case "rescaled_product":
      return keepOperands(work, node, factorsOf(work, node));
    case "mean":
      return quantizeMean(work, node);
    case "softmax":
      return quantizeSoftmax(work, node);
    case "movement":
      return quantizeMovement(work, node);
    case "table":
      return quantizeFunction(work, node);
    case "normalization":
      return quantizeNorm(work, node);
    case "fixed":
    case "none":
      return refuse(node, "it is computed in floats only");
  }
}

/** The same operator on the given inputs, with the encoding of its output. */
function keep(work: Work, node: Node, inputs: readonly string[]): void {
  const { op, name, outputs } = node;
  const attributes = Object.fromEntries(node.attributes);
  const encoding = encodingOfValue(work, outputs[0] ?? "");
  work.builder.node({ op, name, inputs, outputs, attributes, quantization: perTensor(encoding) });
}

/** A computed value as it is, a constant in an encoding of its own. */
function operand(work: Work, name: string): string {
  const constant = work.graph.constants.get(name);
  if (constant === undefined) return name;
  return storedConstant(work, name, encodingFor(extremes(constant), work.dtype));
}

function extremes(constant: Tensor): Range {
  let [min, max] = [0, 0];
  for (const value of numeric(constant)) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

function storedConstant(work: Work, name: string, encoding: Encoding): string {
  const constant = present(work.graph.constants.get(name), name);
  const { dtype } = work;
  const stored = `${name}/${dtype}(${encoding.scale},${encoding.zeroPoint})`;
  if (work.made.has(stored)) return stored;
  work.made.add(stored);
  const real = numeric(constant);
  const type = { ...constant.type, dtype, quantization: perTensor(encoding) };
  const store = (index: number): number => quantizeValue(real[index] ?? 0, encoding, dtype);
  return work.builder.constant(stored, tensorFrom(type, store));
}

function quantizeAccumulation(work: Work, node: Node): void {
  const { graph, builder } = work;
  const [x = "", weightsName = "", biasName = ""] = node.inputs;
  const weights = graph.constants.get(weightsName);
  if (weights === undefined) {
    const isPair = node.op === "matmul" && biasName === "" && !graph.constants.has(x);
    return isPair ? keep(work, node, node.inputs) : refuse(node, "its weights are computed");
  }
  const bias = graph.constants.get(biasName);
  if (biasName !== "" && bias === undefined) refuse(node, "its bias is computed");
  if (graph.constants.has(x)) refuse(node, "its input is constant");
  const channelAxis = node.op === "matmul" ? -1 : 1;
  const channels = graph.types.get(node.outputs[0] ?? "")?.shape.at(channelAxis) ?? 0;
  const input = encodingOfValue(work, x);
  const means = node.op === "matmul" ? rowMeans(work, x) : work.ranges.get(x)?.channels?.means;
  const { dtype } = work;
  const common = { op: node.op, name: node.name, channels, weights, bias, input, dtype };
  const groups = node.op === "matmul" ? 1 : attributesOf(node).number("group");
  const spec = { ...common, groups, ...(means === undefined ? {} : { inputMeans: means }) };
  const stored = unwrap(quantizeAccumulator(spec));
  const inputs = [
    x,
    builder.constant(`${node.name}/weights/i8`, stored.weights),
    builder.constant(`${node.name}/bias/i32`, stored.bias),
  ];
  keep(work, node, inputs);
}

/** Axis 1 of a matrix is what its product sums over; of a stack of matrices it is not. */
function rowMeans(work: Work, name: string): readonly number[] | undefined {
  const isMatrix = work.graph.types.get(name)?.shape.length === 2;
  return isMatrix ? work.ranges.get(name)?.channels?.means : undefined;
}

function keepOperands(work: Work, node: Node, names: readonly string[]): void {
  keep(
    work,
    node,
    names.map((name) => operand(work, name)),
  );
}

/** What is constant or smaller comes last: it is scaled before it is multiplied. */
function factorsOf({ graph }: Work, { inputs: [a = "", b = ""] }: Node): readonly string[] {
  const sizeOf = (name: string): number =>
    graph.constants.has(name) ? 0 : product(graph.types.get(name)?.shape ?? []);
  return sizeOf(a) < sizeOf(b) ? [b, a] : [a, b];
}

interface TableSpec {
  readonly name: string;
  readonly input: string;
  readonly from: Encoding;
  readonly to: Encoding;
  readonly rule: (real: number) => number;
}

function addTable(work: Work, spec: TableSpec, outputs?: readonly string[]): void {
  const { name, input, from, to, rule } = spec;
  const quantization = perTensor(to);
  const entries = functionTable(rule, { from, to }, work.dtype);
  const type = { dtype: work.dtype, shape: [entries.length], quantization };
  const table = work.builder.constant(`${name}/table`, tensor(type, entries));
  const node = { op: "lut", name, inputs: [input, table], quantization };
  work.builder.node(outputs === undefined ? node : { ...node, outputs });
}

function quantizeFunction(work: Work, node: Node): void {
  const [input = "", output = ""] = [node.inputs[0], node.outputs[0]];
  const formula = formulaOf(node) ?? refuse(node, "it is no function of one element");
  const from = encodingOfValue(work, input);
  const to = encodingOfValue(work, output);
  const rule = compileExpression(formula);
  addTable(work, { name: node.name, input, from, to, rule }, node.outputs);
}

/** Scale and bias stay float32: the chip normalises in floats. */
function quantizeNorm(work: Work, node: Node): void {
  const norm = laneNorm(work.graph, node);
  if (norm === undefined) return refuse(node, "it normalises over several axes, or by variables");
  const { builder } = work;
  const inputs = [
    node.inputs[0] ?? "",
    builder.constant(`${node.name}/scale`, norm.scale),
    builder.constant(`${node.name}/bias`, norm.bias),
  ];
  const attributes = new Map(Object.entries(norm.attributes));
  keep(work, { ...node, op: "lane_norm", attributes }, inputs);
}

function quantizeMean(work: Work, node: Node): void {
  if (node.op === "average_pool") {
    const attributes = attributesOf(node);
    const types = node.inputs.map((name) => work.graph.types.get(name));
    const geometry = poolGeometry({ inputs: types, attributes });
    const padded = attributes.number("count_include_pad") !== 0;
    if (fixedWindowCount(geometry, padded) === undefined) {
      refuse(node, "its windows at the border have fewer elements");
    }
  }
  keep(work, node, node.inputs);
}

function quantizeSoftmax(work: Work, node: Node): void {
  const [input = ""] = node.inputs;
  const data = softmaxTable(encodingOfValue(work, input).scale, work.dtype);
  const dtype = work.dtype === "i8" ? "i32" : "i16";
  const table = tensor({ dtype, shape: [data.length] }, data);
  keep(work, node, [input, work.builder.constant(`${node.name}/table`, table)]);
}

function quantizeMovement(work: Work, node: Node): void {
  const output = encodingOfValue(work, node.outputs[0] ?? "");
  if (node.op === "gather") return refuse(node, "its indices are whole numbers");
  const inputs = node.inputs.map((name, position) => {
    if (work.graph.constants.has(name)) return storedConstant(work, name, output);
    const from = encodingOfValue(work, name);
    if (from.scale === output.scale && from.zeroPoint === output.zeroPoint) return name;
    const recoded = `${node.name}/part${position}`;
    addTable(work, { name: recoded, input: name, from, to: output, rule: (real) => real });
    return recoded;
  });
  const resized = chipResize(node);
  if (node.op === "resize" && !resized && attributesOf(node).text("mode") !== "nearest") {
    refuse(node, "this interpolation is computed in floats only");
  }
  keep(work, resized ?? node, inputs);
}
