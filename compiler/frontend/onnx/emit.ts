/** One IR node on behalf of an ONNX node: late attributes, inference, and computing what is known. */
import { present } from "../../../protocol/base/assert.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import {
  attributeFrom,
  elementCount,
  evaluateOpenNode,
  findOperator,
  inferNode,
  isClosed,
  isTensor,
  nodeFrom,
} from "../../ir/index.ts";
import type { Attribute, Graph, Node, NodeSpec, Tensor, ValueType } from "../../ir/index.ts";
import { LIMITS } from "./failure.ts";
import type { OnnxNode } from "./node.ts";
import type { Values } from "./values.ts";

export interface Emission {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /**
   * Attributes that the model gives as values, by name. What is known becomes an attribute, the rest
   * is read when the graph runs; undefined or "" leaves the operator's default.
   */
  readonly late?: Readonly<Record<string, string | undefined>>;
  readonly regions?: Readonly<Record<string, Graph>>;
  /** Names of the values written; "" for one that nobody reads. The first names the node as well. */
  readonly outputs: readonly string[];
}

export interface EmitContext {
  readonly owner: OnnxNode;
  readonly values: Values;
  readonly valueType: (owner: OnnxNode, name: string) => ValueType;
  readonly inner: (owner: OnnxNode, suffix: string) => string;
}

/** The name of the first output. */
export function emit(context: EmitContext, emission: Emission): string {
  const { owner, values, valueType } = context;
  const spec = specOf(context, emission);
  const node = nodeFrom(spec);
  const operands = node.inputs.map((name) => (name === "" ? undefined : valueType(owner, name)));
  const types = inferOrRefuse(owner, node, operands);
  for (const [index, type] of types.entries()) {
    const name = node.outputs[index] ?? "";
    if (values.isOwn(name)) owner.refuse("BAD_MODEL", `writes ${name} again`);
    values.declare(name, type);
  }
  const folded = fold(context, node, types);
  if (folded === undefined) return values.place(spec, node.inputs);
  for (const [index, name] of node.outputs.entries()) {
    values.define(name, present(folded[index], name));
  }
  return node.name;
}

/** Known late attributes become attributes, outputs that nobody reads get names. */
function specOf(context: EmitContext, emission: Emission): NodeSpec {
  const { owner, values, inner, valueType } = context;
  const { op, inputs, regions } = emission;
  const attributes: Record<string, Attribute> = { ...emission.attributes };
  const late: Record<string, string> = {};
  for (const [name, value] of Object.entries(emission.late ?? {})) {
    if (value === undefined || value === "") continue;
    valueType(owner, value);
    const known = values.constantOf(value);
    if (known === undefined) late[name] = value;
    else attributes[name] = knownAttribute(owner, { op, name, value: known });
  }
  const outputs = emission.outputs.map((name) => (name === "" ? inner(owner, "unused") : name));
  const name = outputs[0] ?? owner.refuse("BAD_MODEL", "none of its outputs has a name");
  return { op, inputs, attributes, late, outputs, name, ...(regions !== undefined && { regions }) };
}

interface KnownAttribute {
  readonly op: string;
  readonly name: string;
  readonly value: Tensor;
}

function knownAttribute(owner: OnnxNode, { op, name, value }: KnownAttribute): Attribute {
  const rules = present(findOperator(op), `operator ${op}`).attributes;
  if (elementCount(value.type) > LIMITS.foldedElementsMax) {
    owner.refuse("LIMIT_EXCEEDED", `${name} has ${elementCount(value.type)} numbers`);
  }
  try {
    return attributeFrom(value, present(rules[name], `attribute ${name} of ${op}`));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return owner.refuse("BAD_MODEL", `${name}: ${error.message}`);
  }
}

function inferOrRefuse(
  owner: OnnxNode,
  node: Node,
  inputs: readonly (ValueType | undefined)[],
): readonly ValueType[] {
  const inferred = inferNode(node, inputs);
  if (!inferred.ok) return owner.refuse("BAD_MODEL", inferred.message);
  const { types } = inferred.value;
  if (types.length !== node.outputs.length) {
    return owner.refuse("BAD_MODEL", `has ${node.outputs.length} outputs`);
  }
  return types;
}

/** The outputs where all that is read is known and all is small; a node with regions is left. */
function fold(
  { owner, values }: EmitContext,
  node: Node,
  types: readonly ValueType[],
): readonly Tensor[] | undefined {
  const operands = node.inputs.map((name) => values.constantOf(name));
  const known = node.inputs.every((name, index) => name === "" || operands[index] !== undefined);
  // How weights are stored is worth more than their real numbers.
  if (!known || node.regions !== undefined || node.op === "dequantize") return undefined;
  const isSmall = (type: ValueType | undefined): boolean =>
    type === undefined || !isClosed(type) || elementCount(type) <= LIMITS.foldedElementsMax;
  if (!types.every(isSmall) || !operands.every((operand) => isSmall(operand?.type))) {
    return undefined;
  }
  try {
    const results = evaluateOpenNode(node, operands);
    return results.every(isTensor) ? results : undefined;
  } catch (error) {
    if (!(error instanceof CodedError) && !(error instanceof RangeError)) throw error;
    return owner.refuse("BAD_MODEL", error.message);
  }
}
