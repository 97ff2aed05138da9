/** A float graph to a graph that computes in fp16 throughout. */
import { CodedError, succeeded, toFailure } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { encodeHalves } from "../../protocol/base/half.ts";
import { formulaOf, graphBuilder, lazyTensor, operatorOf, printExpression } from "../ir/index.ts";
import type { Attribute, Graph, GraphBuilder, Node, Tensor } from "../ir/index.ts";
import { halfSteps } from "../ir/half-function.ts";
import { chipResize } from "./chip-resize.ts";
import { laneNorm } from "./lane-norm.ts";
import type { QuantizeCode } from "./quantize.ts";

interface Work {
  readonly graph: Graph;
  readonly builder: GraphBuilder;
  readonly made: Set<string>;
}

/** Operators with rules of their own on fp16, by their float names. */
const RENAMED: Readonly<Record<string, string | undefined>> = {
  softmax: "lane_softmax",
};

/**
 * The graph with fp16 inputs, outputs, weights and values, each rounded once. Names stay. Fails with
 * NOT_QUANTIZABLE where an operator has no fp16 form.
 */
export function toHalf(graph: Graph): Result<Graph, QuantizeCode> {
  const work: Work = { graph, builder: graphBuilder(graph.name), made: new Set() };
  try {
    for (const name of graph.inputs) {
      const { shape } = requireFloat(work, name);
      work.builder.input(name, { dtype: "f16", shape });
    }
    for (const node of graph.nodes) convertNode(work, node);
    return succeeded(work.builder.finish(graph.outputs));
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<QuantizeCode>);
    throw error;
  }
}

function requireFloat({ graph }: Work, name: string) {
  const type = graph.types.get(name);
  if (type?.dtype === "f32") return type;
  throw new CodedError("NOT_QUANTIZABLE", `value ${name} is ${type?.dtype ?? "unknown"}`, { name });
}

function convertNode(work: Work, node: Node): void {
  const formula = formulaOf(node);
  if (node.op === "layer_norm") return convertNorm(work, node);
  const inputs = node.inputs.map((name) => operand(work, name));
  if (formula === undefined) {
    if (operatorOf(node).quantized === "none") throw noForm(node, "it is computed in floats only");
    const { op, attributes } = chipResize(node) ?? node;
    const kept = Object.fromEntries(attributes);
    return convert(work, node, { op: RENAMED[op] ?? op, inputs, attributes: kept });
  }
  try {
    halfSteps(formula);
  } catch (error) {
    throw noForm(node, error instanceof Error ? error.message : "of its formula");
  }
  convert(work, node, {
    op: "half_function",
    inputs,
    attributes: { expr: printExpression(formula) },
  });
}

/** Scale and bias stay float32. */
function convertNorm(work: Work, node: Node): void {
  const norm = laneNorm(work.graph, node);
  if (norm === undefined) throw noForm(node, "it normalises over several axes, or by variables");
  const { scale, bias, attributes } = norm;
  const inputs = [
    operand(work, node.inputs[0] ?? ""),
    work.builder.constant(`${node.name}/scale`, scale),
    work.builder.constant(`${node.name}/bias`, bias),
  ];
  convert(work, node, { op: "lane_norm", inputs, attributes });
}

function noForm(node: Node, reason: string): CodedError<"NOT_QUANTIZABLE"> {
  const message = `node ${node.name} (${node.op}) has no fp16 form: ${reason}`;
  return new CodedError("NOT_QUANTIZABLE", message, { node: node.name, operator: node.op });
}

interface Converted {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

function convert(work: Work, node: Node, to: Converted): void {
  const { name, outputs } = node;
  const attributes = to.attributes ?? Object.fromEntries(node.attributes);
  work.builder.node({ op: to.op, name, inputs: to.inputs, outputs, attributes });
}

/** A computed value as it is, a float constant rounded to fp16. */
function operand(work: Work, name: string): string {
  const constant = work.graph.constants.get(name);
  if (constant === undefined) return name;
  const stored = `${name}/f16`;
  if (work.made.has(stored)) return stored;
  work.made.add(stored);
  return work.builder.constant(stored, halfTensor(constant));
}

function halfTensor(constant: Tensor): Tensor {
  if (constant.type.dtype !== "f32") return constant;
  const type = { dtype: "f16", shape: constant.type.shape } as const;
  return lazyTensor(type, () => encodeHalves(constant.data as Float32Array));
}
