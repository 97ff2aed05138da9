/** Runs a graph with the naive evaluators of the ops table: the reference that everything is judged by. */
import { assert, present } from "../../protocol/base/assert.ts";
import { CodedError, unwrap } from "../../protocol/base/result.ts";
import type { Attribute, Graph, Node, Tensor, TensorType, Value, ValueType } from "./graph.ts";
import { inferNode } from "./infer.ts";
import { attributesOf, operatorOf } from "./ops.ts";
import { attributeReader } from "./operator.ts";
import type { AttributeReader, AttributeRule, EvaluationCall } from "./operator.ts";
import { elementCount, numberList, numeric, sameType, tensorFrom, tensorStored } from "./tensor.ts";
import { agrees, describeType, isClosed, isPlain, isTensor, typeIn, typeOfValue } from "./value.ts";

export interface EvaluateOptions {
  /** Keep every intermediate value in the answer instead of dropping it after its last use. */
  readonly keepAll?: boolean;
  /** Called with every tensor as it is written, inputs included, constants not. */
  readonly observe?: (name: string, value: Tensor) => void;
}

/** All outputs of a verified graph that are tensors, by name. Inputs must be complete and of the declared types. */
export function evaluate(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  options: EvaluateOptions = {},
): Map<string, Tensor> {
  const values = evaluateValues(graph, inputs, options);
  return new Map([...values].filter((entry): entry is [string, Tensor] => isTensor(entry[1])));
}

/**
 * All outputs of a verified graph, open or closed. Throws CodedError BAD_NODE, naming the node, when
 * the values that arrive at run time do not fit its operator.
 */
export function evaluateValues(
  graph: Graph,
  inputs: ReadonlyMap<string, Value>,
  options: EvaluateOptions = {},
): Map<string, Value> {
  const values = new Map<string, Value>(graph.constants);
  const write = (name: string, value: Value): void => {
    values.set(name, value);
    if (isTensor(value)) options.observe?.(name, value);
  };
  for (const name of graph.inputs) write(name, checkedInput(graph, name, inputs.get(name)));
  const lastReader = lastReaders(graph);
  for (const node of graph.nodes) {
    const operands = node.inputs.map((name) => (name === "" ? undefined : values.get(name)));
    const results = runNode(graph, node, operands);
    node.outputs.forEach((name, index) => write(name, present(results[index], name)));
    if (options.keepAll !== true) drop(values, lastReader.get(node));
  }
  if (options.keepAll === true) return values;
  return new Map(graph.outputs.map((name) => [name, present(values.get(name), name)]));
}

/** The outputs of one node whose types are known and whose attributes are in normal form. */
export function evaluateNode(
  node: Node,
  inputs: readonly (Tensor | undefined)[],
  outputTypes: readonly TensorType[],
): readonly Tensor[] {
  const results = apply(node, { inputs, attributes: attributesOf(node), outputTypes });
  return results.filter(isTensor);
}

/** The outputs of one node that depend on values alone: late attributes are read from the inputs. */
export function evaluateOpenNode(
  node: Node,
  operands: readonly (Value | undefined)[],
): readonly Value[] {
  const { early, inputs } = settled(node, operands);
  const types = inputs.map((value) => (value === undefined ? undefined : typeOfValue(value)));
  const { types: outputTypes, attributes } = unwrap(inferNode(early, types));
  const reader = attributeReader(operatorOf(node).attributes, attributes);
  const isKnown = outputTypes.every(isClosed);
  return apply(early, { inputs, attributes: reader, outputTypes: isKnown ? outputTypes : [] });
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
  if (evaluator.kind === "whole" || evaluator.kind === "values") {
    const result = present(evaluateNode(node, operands.inputs, operands.outputTypes)[0], "output");
    const numbers = numberList(result);
    return indices.map((index) => numbers[index] ?? 0);
  }
  assert(
    indices.every((index) => index < elementCount(type)),
    "sampled indices are inside",
  );
  const sample: TensorType = { dtype: type.dtype, shape: [indices.length] };
  const at = (index: number): number => indices[index] ?? 0;
  if (evaluator.kind === "stored") {
    const rule = evaluator.prepare(call);
    return Array.from(numeric(tensorStored(sample, (index) => rule(at(index)))));
  }
  const rule = evaluator.prepare(call);
  return Array.from(numeric(tensorFrom(sample, (index) => rule(at(index)))));
}

export function outputTypesOf(graph: Graph, node: Node): TensorType[] {
  return node.outputs.map((name) => present(graph.types.get(name), `type of ${name}`));
}

function runNode(
  graph: Graph,
  node: Node,
  operands: readonly (Value | undefined)[],
): readonly Value[] {
  const areTensors = operands.every((value) => value === undefined || isTensor(value));
  const isClosedNode = isPlain(node) && node.outputs.every((name) => graph.types.has(name));
  try {
    return areTensors && isClosedNode && node.inputs.every((name) => !graph.open.has(name))
      ? evaluateNode(node, operands, outputTypesOf(graph, node))
      : evaluateOpenNode(node, operands);
  } catch (error) {
    if (!(error instanceof CodedError) || error.details["node"] !== undefined) throw error;
    const details = { node: node.name, operator: node.op };
    const message = `node ${node.name} (${node.op}): ${error.message}`;
    throw new CodedError(error.code, message, details).because(error);
  }
}

interface Application {
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: AttributeReader;
  readonly outputTypes: readonly TensorType[];
}

function apply(node: Node, { inputs, attributes, outputTypes }: Application): readonly Value[] {
  const { evaluator } = operatorOf(node);
  if (evaluator.kind === "values") {
    const runRegion = regionRunner(node);
    const { regions = NO_REGIONS, outputs } = node;
    return evaluator.run({ inputs, attributes, outputCount: outputs.length, regions, runRegion });
  }
  const call = { inputs: inputs.map(asTensor), attributes, outputTypes };
  switch (evaluator.kind) {
    case "whole":
      return evaluator.run(call);
    case "stored":
      return [tensorStored(present(outputTypes[0], "output type"), evaluator.prepare(call))];
    case "element":
      return [tensorFrom(present(outputTypes[0], "output type"), evaluator.prepareAll(call))];
  }
}

const NO_REGIONS: ReadonlyMap<string, Graph> = new Map();

function asTensor(value: Value | undefined, index: number): Tensor | undefined {
  if (value === undefined || isTensor(value)) return value;
  throw new CodedError("BAD_NODE", `input ${index} is ${describeType(typeOfValue(value))}`);
}

function regionRunner(node: Node): (name: string, inputs: readonly Value[]) => readonly Value[] {
  return (name, inputs) => {
    const region = present(node.regions?.get(name), `region ${name}`);
    const named = region.inputs.map(
      (input, index) => [input, present(inputs[index], input)] as const,
    );
    const results = evaluateValues(region, new Map(named));
    return region.outputs.map((output) => present(results.get(output), output));
  };
}

/** The node with its late attributes read from its operands, and the operands that are left. */
function settled(
  node: Node,
  operands: readonly (Value | undefined)[],
): { early: Node; inputs: readonly (Value | undefined)[] } {
  const { late, ...rest } = node;
  if (late === undefined || late.size === 0) return { early: node, inputs: operands };
  const rules = operatorOf(node).attributes;
  const attributes = new Map<string, Attribute>(node.attributes);
  for (const [name, position] of late) {
    const value = asTensor(operands[position], position);
    attributes.set(name, attributeFrom(present(value, name), present(rules[name], name)));
  }
  return { early: { ...rest, attributes }, inputs: operands.slice(0, operands.length - late.size) };
}

/** A tensor as the value of an attribute. */
export function attributeFrom(value: Tensor, rule: AttributeRule): Attribute {
  const numbers = numberList(value);
  if (rule.type === "numbers") return numbers;
  const [first] = numbers;
  if (rule.type === "number" && first !== undefined) return first;
  throw new CodedError("BAD_NODE", `${describeType(value.type)} is no ${rule.type} attribute`);
}

function checkedInput(graph: Graph, name: string, value: Value | undefined): Value {
  assert(value !== undefined, `input ${name} is given`);
  const declared: ValueType = present(typeIn(graph, name), `type of ${name}`);
  if (isClosed(declared) && isTensor(value)) {
    const { dtype, shape } = declared;
    assert(sameType(value.type, declared), `input ${name} is ${dtype}[${shape}]`);
    return { type: declared, data: value.data };
  }
  const given = typeOfValue(value);
  if (agrees(declared, given)) return value;
  const [needs, has] = [describeType(declared), describeType(given)];
  throw new CodedError("BAD_NODE", `input ${name} is ${has}, not ${needs}`, { node: name });
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

function drop(values: Map<string, Value>, names: readonly string[] | undefined): void {
  for (const name of names ?? []) values.delete(name);
}
