/** The types of a node's outputs from those of its inputs, and its attributes in normal form. */
import { CodedError, failed, succeeded } from "../../protocol/base/result.ts";
import type { Failure, Result } from "../../protocol/base/result.ts";
import type { Attribute, Graph, Node, TensorType, ValueType } from "./graph.ts";
import { attributeReader, fitsRule } from "./operator.ts";
import type { InferenceCall, Operator } from "./operator.ts";
import { findOperator } from "./ops.ts";
import { inferByExample } from "./infer-by-example.ts";
import { ANY_TENSOR, closedIfKnown, describeType, isClosed } from "./value.ts";

/** A node as far as its types depend on it. */
export type NodeSignature = Pick<Node, "op" | "attributes" | "late" | "regions"> &
  Partial<Pick<Node, "outputs">>;

export interface InferredNode {
  /** One per output that the node names; all that its operator has where it names none. */
  readonly types: readonly ValueType[];
  /** In normal form where everything about the inputs is known. */
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** Fails with BAD_NODE and the reason. Encodings are not inferred: they belong to the quantiser. */
export function inferNode(
  node: NodeSignature,
  inputs: readonly (ValueType | undefined)[],
): Result<InferredNode, "BAD_NODE"> {
  const operator = findOperator(node.op);
  if (operator === undefined) return failed("BAD_NODE", `there is no operator ${node.op}`);
  const ordinary = inputs.slice(0, inputs.length - (node.late?.size ?? 0));
  const flaw = formFlaw(operator, node, inputs);
  if (flaw !== undefined) return failed("BAD_NODE", `${node.op} ${flaw}`);
  try {
    return succeeded(infer(operator, node, ordinary));
  } catch (error) {
    if (error instanceof CodedError) return badNode(error.message, inputs);
    throw error;
  }
}

/** The types of a node whose inputs and outputs are tensors of known shape. */
export function inferTypes(
  node: NodeSignature,
  inputs: readonly (TensorType | undefined)[],
): Result<readonly TensorType[], "BAD_NODE"> {
  const inferred = inferNode(node, inputs);
  if (!inferred.ok) return inferred;
  const { types } = inferred.value;
  if (types.every(isClosed)) return succeeded(types);
  const open = types.findIndex((type) => !isClosed(type));
  return failed("BAD_NODE", `the shape of output ${open} of ${node.op} depends on the data`);
}

function badNode(reason: string, inputs: readonly (ValueType | undefined)[]): Failure<"BAD_NODE"> {
  const given = inputs.map((type) => (type === undefined ? "_" : describeType(type)));
  return failed("BAD_NODE", `${reason} (inputs: ${given.join(", ")})`);
}

/** What is wrong with a node whatever its input types are. */
function formFlaw(
  operator: Operator,
  node: NodeSignature,
  inputs: readonly unknown[],
): string | undefined {
  const [fewest, most] = operator.inputs;
  const late = node.late ?? new Map<string, number>();
  const count = inputs.length - late.size;
  if (count < fewest || count > most) return `takes ${fewest} to ${most} inputs, not ${count}`;
  for (const [name, position] of late) {
    const rule = Object.hasOwn(operator.attributes, name) ? operator.attributes[name] : undefined;
    if (rule?.type !== "number" && rule?.type !== "numbers") return `has no late attribute ${name}`;
    if (position < count || position >= inputs.length) return `finds no ${name} at ${position}`;
    if (node.attributes.has(name)) return `has ${name} both early and late`;
  }
  for (const [name, value] of node.attributes) {
    const rule = Object.hasOwn(operator.attributes, name) ? operator.attributes[name] : undefined;
    if (rule === undefined || !fitsRule(rule, value)) return `has no ${formOf(value)} ${name}`;
  }
  const [has, needs] = [[...(node.regions?.keys() ?? [])], operator.regions ?? []];
  if (has.length !== needs.length || !needs.every((name) => has.includes(name))) {
    return `has the regions [${has.join(",")}] instead of [${needs.join(",")}]`;
  }
  return undefined;
}

function formOf(value: Attribute): string {
  if (typeof value === "number") return "number attribute";
  if (typeof value === "string") return "text attribute";
  return typeof value[0] === "string" ? "texts attribute" : "numbers attribute";
}

function infer(
  operator: Operator,
  node: NodeSignature,
  inputs: readonly (ValueType | undefined)[],
): InferredNode {
  const call: InferenceCall = {
    inputs: inputs.map((type) => (isClosed(type) ? type : undefined)),
    openInputs: inputs,
    attributes: attributeReader(operator.attributes, node.attributes),
    outputCount: node.outputs?.length ?? 1,
    regions: node.regions ?? NO_REGIONS,
  };
  const lateCount = node.late?.size ?? 0;
  if (lateCount > 0 || inputs.some((type) => type !== undefined && !isClosed(type))) {
    return {
      attributes: node.attributes,
      types: named(inferOpen(operator, call, lateCount), node),
    };
  }
  const normal = operator.normal?.(call);
  if (normal === undefined)
    return { attributes: node.attributes, types: named(operator.infer(call), node) };
  const attributes = withoutDefaults(operator, new Map(Object.entries(normal)));
  const reader = attributeReader(operator.attributes, attributes);
  return { attributes, types: named(operator.infer({ ...call, attributes: reader }), node) };
}

/** What is at its default is not written down. */
export function withoutDefaults(
  operator: Operator,
  attributes: ReadonlyMap<string, Attribute>,
): ReadonlyMap<string, Attribute> {
  const kept = [...attributes].filter(([name, value]) => {
    const fallback = operator.attributes[name]?.fallback;
    return fallback === undefined || !sameAttribute(fallback, value);
  });
  return kept.length === attributes.size ? attributes : new Map(kept);
}

function sameAttribute(a: Attribute, b: Attribute): boolean {
  if (typeof a !== "object" || typeof b !== "object") return Object.is(a, b);
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}

const NO_REGIONS: ReadonlyMap<string, Graph> = new Map();

function inferOpen(
  operator: Operator,
  call: InferenceCall,
  lateCount: number,
): readonly ValueType[] {
  if (operator.inferOpen !== undefined) return operator.inferOpen(call);
  return lateCount > 0 ? [] : inferByExample(operator, call);
}

/** As many types as the node names outputs; what the rule did not list is a tensor of any kind. */
function named(types: readonly ValueType[], node: NodeSignature): readonly ValueType[] {
  const closed = types.map(closedIfKnown);
  if (node.outputs === undefined) return closed;
  const isOpen = (node.late?.size ?? 0) > 0 || types.length === 0;
  return node.outputs.flatMap((_, index) => closed[index] ?? (isOpen ? [ANY_TENSOR] : []));
}
