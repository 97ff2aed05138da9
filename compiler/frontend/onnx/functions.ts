/** Calls of functions that a model defines: their nodes take the place of the call. */
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from "./decode.ts";
import { canonicalDomain } from "./node.ts";

/** Functions by domain, name and overload. */
export type FunctionTable = ReadonlyMap<string, FunctionProto>;

export function functionsOf(model: ModelProto): FunctionTable {
  return new Map((model.functions ?? []).map((each) => [keyOf(each, each.name), each]));
}

export function findFunction(table: FunctionTable, node: NodeProto): FunctionProto | undefined {
  return table.get(keyOf(node, node.opType));
}

function keyOf(
  place: { domain?: string | null; overload?: string | null },
  name: string | null | undefined,
): string {
  return [canonicalDomain(place.domain), name ?? "", place.overload ?? ""].join("\n");
}

/**
 * The nodes of a function as they would stand in place of the call: its inputs and outputs are the
 * call's, its other values are named below `prefix`, and attributes that refer to those of the
 * function have their values.
 */
export function inlined(callee: FunctionProto, call: NodeProto, prefix: string): NodeProto[] {
  const names = new Map<string, string>([["", ""]]);
  (callee.input ?? []).forEach((name, index) => names.set(name, call.input?.[index] ?? ""));
  (callee.output ?? []).forEach((name, index) => {
    const given = call.output?.[index] ?? "";
    if (given !== "") names.set(name, given);
  });
  const attributes = new Map<string, AttributeProto>();
  for (const each of callee.attributeProto ?? []) attributes.set(each.name ?? "", each);
  for (const each of call.attribute ?? []) attributes.set(each.name ?? "", each);
  const nodes = renamedNodes(callee.node ?? [], { prefix, names, attributes });
  return [...passedThrough(callee, call), ...nodes];
}

/** An output that is an input of the function has no node that writes it. */
function passedThrough(callee: FunctionProto, call: NodeProto): NodeProto[] {
  return (callee.output ?? []).flatMap((name, index): NodeProto[] => {
    const from = (callee.input ?? []).indexOf(name);
    const to = call.output?.[index] ?? "";
    if (from < 0 || to === "") return [];
    return [{ opType: "Identity", input: [call.input?.[from] ?? ""], output: [to] }];
  });
}

interface Renaming {
  readonly prefix: string;
  readonly names: ReadonlyMap<string, string>;
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

function renamedNodes(nodes: readonly NodeProto[], renaming: Renaming): NodeProto[] {
  const rename = (name: string): string => renaming.names.get(name) ?? `${renaming.prefix}/${name}`;
  return nodes.map((node) => ({
    ...node,
    name: `${renaming.prefix}/${node.name || (node.opType ?? "")}`,
    input: (node.input ?? []).map(rename),
    output: (node.output ?? []).map(rename),
    attribute: (node.attribute ?? []).flatMap((each) => renamedAttribute(each, renaming)),
  }));
}

/** A reference to an attribute that the call does not give means that the attribute is absent. */
function renamedAttribute(attribute: AttributeProto, renaming: Renaming): AttributeProto[] {
  const reference = attribute.refAttrName ?? "";
  if (reference !== "") {
    const given = renaming.attributes.get(reference);
    return given === undefined ? [] : [{ ...given, name: attribute.name ?? "" }];
  }
  if (!attribute.g) return [attribute];
  return [{ ...attribute, g: renamedGraph(attribute.g, renaming) }];
}

function renamedGraph(graph: GraphProto, renaming: Renaming): GraphProto {
  const rename = (name: string | null | undefined): string =>
    renaming.names.get(name ?? "") ?? `${renaming.prefix}/${name ?? ""}`;
  return {
    ...graph,
    input: (graph.input ?? []).map((each) => ({ ...each, name: rename(each.name) })),
    output: (graph.output ?? []).map((each) => ({ ...each, name: rename(each.name) })),
    initializer: (graph.initializer ?? []).map((each) => ({ ...each, name: rename(each.name) })),
    node: renamedNodes(graph.node ?? [], renaming),
  };
}
