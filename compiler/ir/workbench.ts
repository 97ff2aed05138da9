/** A graph being rebuilt node by node: types inferred anew, known results computed, regions put in place. */
import { present } from "../../protocol/base/assert.ts";
import { CodedError } from "../../protocol/base/result.ts";
import { attributeFrom, evaluateOpenNode } from "./evaluate.ts";
import type { Attribute, Graph, Node, OpenType, Tensor, TensorType, ValueType } from "./graph.ts";
import { inferNode } from "./infer.ts";
import { operatorOf } from "./ops.ts";
import { allocate, elementCount } from "./tensor.ts";
import { closedIfKnown, isClosed, isTensor } from "./value.ts";

/** Largest result that is computed ahead: shapes, axes, scales, small tables. */
const FOLDED_ELEMENTS_MAX = 65_536;

export type Frame = Pick<Graph, "name" | "inputs" | "outputs" | "states">;

export interface Workbench {
  declare(name: string, type: ValueType): void;
  define(name: string, value: Tensor): void;
  /** Adds a node, or what takes its place. `encoded` are types whose encodings its outputs keep. */
  add(node: Node, encoded?: readonly (TensorType | undefined)[]): void;
  typeOf(name: string): ValueType | undefined;
  constantOf(name: string): Tensor | undefined;
  /** The graph with what its outputs need; constants and nodes that nobody reads are dropped. */
  finish(frame: Frame): Graph;
}

/** Adds what takes the place of a node with regions; false leaves the node to be added. */
export type Inline = (node: Node, bench: Workbench) => boolean;

export function workbench(inline: Inline): Workbench {
  const types = new Map<string, ValueType>();
  const constants = new Map<string, Tensor>();
  const nodes: Node[] = [];
  const declare = (name: string, type: ValueType): void => {
    types.set(name, closedIfKnown(type));
  };
  const define = (name: string, value: Tensor): void => {
    types.set(name, value.type);
    constants.set(name, value);
  };
  const constantOf = (name: string): Tensor | undefined => constants.get(name);
  const bench: Workbench = {
    declare,
    define,
    constantOf,
    typeOf: (name) => types.get(name),
    add(given, encoded = []) {
      const node = settledNode(given, constantOf);
      if (inline(node, bench)) return;
      const inferred = inferredOrRefuse(
        node,
        node.inputs.map((name) => types.get(name)),
      );
      const results = fold(node, inferred.types, bench);
      for (const [index, name] of node.outputs.entries()) {
        const value = results?.[index];
        if (value !== undefined) define(name, value);
        else declare(name, encodedAs(present(inferred.types[index], name), encoded[index]));
      }
      if (results === undefined) nodes.push({ ...node, attributes: inferred.attributes });
    },
    finish: (frame) => assembled({ types, constants, nodes }, frame),
  };
  return bench;
}

/** Late attributes whose values are known become attributes. */
function settledNode(node: Node, constantOf: (name: string) => Tensor | undefined): Node {
  const { late, ...rest } = node;
  if (late === undefined) return node;
  const rules = operatorOf(node).attributes;
  const attributes = new Map<string, Attribute>(node.attributes);
  const inputs = node.inputs.slice(0, node.inputs.length - late.size);
  const open = new Map<string, number>();
  for (const [name, position] of late) {
    const input = node.inputs[position] ?? "";
    const value = constantOf(input);
    if (value === undefined) open.set(name, inputs.push(input) - 1);
    else attributes.set(name, attributeFrom(value, present(rules[name], name)));
  }
  return { ...rest, inputs, attributes, ...(open.size > 0 && { late: open }) };
}

function inferredOrRefuse(node: Node, inputs: readonly (ValueType | undefined)[]) {
  const inferred = inferNode(node, inputs);
  if (inferred.ok && inferred.value.types.length === node.outputs.length) return inferred.value;
  const reason = inferred.ok ? `has ${node.outputs.length} outputs` : inferred.message;
  const details = { node: node.name, operator: node.op };
  throw new CodedError("BAD_NODE", `node ${node.name} (${node.op}): ${reason}`, details);
}

function encodedAs(type: ValueType, encoded: TensorType | undefined): ValueType {
  if (!isClosed(type) || encoded?.quantization === undefined) return type;
  return { ...type, quantization: encoded.quantization };
}

/** The results where all that matters of the inputs is known and small. */
function fold(
  node: Node,
  types: readonly ValueType[],
  bench: Workbench,
): readonly Tensor[] | undefined {
  const operator = operatorOf(node);
  // How weights are stored is worth more than their real numbers.
  if (node.regions !== undefined || node.op === "dequantize") return undefined;
  const operands = node.inputs.map((name) =>
    operator.readsTypesOnly === true ? bareTensor(bench.typeOf(name)) : bench.constantOf(name),
  );
  const isSmall = (type: ValueType | undefined): boolean =>
    type === undefined || !isClosed(type) || elementCount(type) <= FOLDED_ELEMENTS_MAX;
  if (!node.inputs.every((name, index) => name === "" || operands[index] !== undefined)) {
    return undefined;
  }
  if (!types.every(isSmall)) return undefined;
  if (operator.readsTypesOnly !== true && !operands.every((each) => isSmall(each?.type))) {
    return undefined;
  }
  const results = evaluateOpenNode(node, operands);
  return results.every(isTensor) ? results : undefined;
}

/** A tensor of which nobody reads the elements. */
function bareTensor(type: ValueType | undefined): Tensor | undefined {
  return isClosed(type) ? { type, data: allocate(type.dtype, 0) } : undefined;
}

interface Parts {
  readonly types: ReadonlyMap<string, ValueType>;
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];
}

function assembled(parts: Parts, frame: Frame): Graph {
  const needed = new Set<string>(frame.outputs);
  const kept: Node[] = [];
  for (const node of [...parts.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of [...node.inputs, ...node.outputs]) needed.add(name);
  }
  const constants = [...parts.constants].filter(([name]) => needed.has(name));
  for (const name of frame.inputs) needed.add(name);
  const known = [...parts.types].filter(([name]) => needed.has(name));
  const isClosedEntry = (entry: [string, ValueType]): entry is [string, TensorType] =>
    isClosed(entry[1]);
  const isOpenEntry = (entry: [string, ValueType]): entry is [string, OpenType] =>
    !isClosed(entry[1]);
  return {
    ...frame,
    types: new Map(known.filter(isClosedEntry)),
    open: new Map(known.filter(isOpenEntry)),
    constants: new Map(constants),
    nodes: kept.reverse(),
  };
}
