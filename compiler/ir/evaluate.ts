/** Runs a graph with the naive evaluators of the ops table: the reference that everything is judged by. */
import { assert, present } from "../../protocol/base/assert.ts";
import type { Graph, Node, Tensor, TensorType } from "./graph.ts";
import { attributesOf, operatorOf } from "./ops.ts";
import type { EvaluationCall } from "./operator.ts";
import { elementCount, sameType, tensorFrom } from "./tensor.ts";

export interface EvaluateOptions {
  /** Keep every intermediate value in the answer instead of dropping it after its last use. */
  readonly keepAll?: boolean;
  /** Called with every value as it is written, inputs included, constants not. */
  readonly observe?: (name: string, value: Tensor) => void;
}

/** All outputs of a verified graph, by name. Inputs must be complete and of the declared types. */
export function evaluate(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  options: EvaluateOptions = {},
): Map<string, Tensor> {
  const values = new Map<string, Tensor>(graph.constants);
  const write = (name: string, value: Tensor): void => {
    values.set(name, value);
    options.observe?.(name, value);
  };
  for (const name of graph.inputs) write(name, checkedInput(graph, name, inputs.get(name)));
  const lastReader = lastReaders(graph);
  for (const node of graph.nodes) {
    const operands = node.inputs.map((name) => (name === "" ? undefined : values.get(name)));
    const results = evaluateNode(node, operands, outputTypesOf(graph, node));
    node.outputs.forEach((name, index) => write(name, present(results[index], name)));
    if (options.keepAll !== true) drop(values, lastReader.get(node));
  }
  if (options.keepAll === true) return values;
  return new Map(graph.outputs.map((name) => [name, present(values.get(name), name)]));
}

/** The outputs of one node. */
export function evaluateNode(
  node: Node,
  inputs: readonly (Tensor | undefined)[],
  outputTypes: readonly TensorType[],
): readonly Tensor[] {
  const { evaluator } = operatorOf(node);
  const call: EvaluationCall = { inputs, attributes: attributesOf(node), outputTypes };
  if (evaluator.kind === "whole") return evaluator.run(call);
  return [tensorFrom(present(outputTypes[0], "output type"), evaluator.prepare(call))];
}

/** Chosen elements of a node's first output, by row-major index: sampling a result too large to compute. */
export function evaluateAt(
  node: Node,
  operands: {
    readonly inputs: readonly (Tensor | undefined)[];
    readonly outputTypes: readonly TensorType[];
  },
  indices: readonly number[],
): number[] {
  const { evaluator } = operatorOf(node);
  const type = present(operands.outputTypes[0], "output type");
  const call: EvaluationCall = { ...operands, attributes: attributesOf(node) };
  if (evaluator.kind === "whole") {
    const result = present(evaluator.run(call)[0], "output");
    return indices.map((index) => Number(result.data[index]));
  }
  assert(
    indices.every((index) => index < elementCount(type)),
    "sampled indices are inside",
  );
  const rule = evaluator.prepare(call);
  // Whole numbers have no negative zero.
  const round = type.dtype === "f32" ? Math.fround : (value: number) => value + 0;
  return indices.map((index) => round(rule(index)));
}

export function outputTypesOf(graph: Graph, node: Node): TensorType[] {
  return node.outputs.map((name) => present(graph.types.get(name), `type of ${name}`));
}

function checkedInput(graph: Graph, name: string, value: Tensor | undefined): Tensor {
  assert(value !== undefined, `input ${name} is given`);
  const type = present(graph.types.get(name), `type of ${name}`);
  assert(sameType(value.type, type), `input ${name} is ${type.dtype}[${type.shape}]`);
  return { type, data: value.data };
}

/** For every node the values that nobody reads after it. */
function lastReaders(graph: Graph): Map<Node, string[]> {
  const last = new Map<string, Node>();
  for (const node of graph.nodes) {
    for (const name of [...node.outputs, ...node.inputs]) last.set(name, node);
  }
  for (const name of [...graph.outputs, ...graph.constants.keys(), ""]) last.delete(name);
  const byNode = new Map<Node, string[]>();
  for (const [name, node] of last) byNode.set(node, [...(byNode.get(node) ?? []), name]);
  return byNode;
}

function drop(values: Map<string, Tensor>, names: readonly string[] | undefined): void {
  for (const name of names ?? []) values.delete(name);
}
