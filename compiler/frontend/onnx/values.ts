/** The values of the graph under construction: their types, the known ones, and what comes from outside. */
import {
  closedIfKnown,
  describeType,
  graphBuilder,
  isClosed,
  opened,
  typeIn,
} from "../../ir/index.ts";
import type { DType, Graph, NodeSpec, Tensor, TensorType, ValueType } from "../../ir/index.ts";
import type { OnnxNode } from "./node.ts";
import { checkedShape } from "./tensors.ts";

/** Where a nested graph finds what it does not write itself. */
export interface OuterValues {
  typeNamed(name: string): ValueType | undefined;
  constantOf(name: string): Tensor | undefined;
}

export interface Values extends OuterValues {
  /** Binds a known value to a name. */
  define(name: string, value: Tensor): void;
  input(name: string, type: ValueType): void;
  /** A name that this graph itself writes. */
  declare(name: string, type: ValueType): void;
  isOwn(name: string): boolean;
  /** Adds the node, and the constants that it reads, to the graph. */
  place(spec: NodeSpec, reads: readonly string[]): string;
  finish(outputs: readonly string[]): Graph;
}

/** What is read from `outer` becomes an input of the graph, or a constant of its own where it is known. */
export function valuesOf(graphName: string, outer: OuterValues | undefined): Values {
  const builder = graphBuilder(graphName);
  const constants = new Map<string, Tensor>();
  const types = new Map<string, ValueType>();
  const placed = new Set<string>();

  const declare = (name: string, type: ValueType): void => {
    const known = closedIfKnown(type);
    types.set(name, known);
    if (isClosed(known)) checkedShape(known.shape, name);
  };
  const define = (name: string, value: Tensor): void => {
    // An output without a name has no reader.
    if (name === "") return;
    declare(name, value.type);
    constants.set(name, value);
  };
  const input = (name: string, type: ValueType): void => {
    declare(name, type);
    builder.input(name, type);
  };
  const typeNamed = (name: string): ValueType | undefined => {
    const own = types.get(name);
    if (own !== undefined || outer === undefined) return own;
    const type = outer.typeNamed(name);
    if (type === undefined) return undefined;
    const known = outer.constantOf(name);
    if (known === undefined) input(name, type);
    else define(name, known);
    return type;
  };
  const constantOf = (name: string): Tensor | undefined =>
    typeNamed(name) === undefined ? undefined : constants.get(name);
  const placeConstant = (name: string): void => {
    const value = constantOf(name);
    if (value === undefined || placed.has(name)) return;
    builder.constant(name, value);
    placed.add(name);
  };
  return {
    declare,
    define,
    input,
    typeNamed,
    constantOf,
    isOwn: (name) => types.has(name),
    place(spec, reads) {
      reads.forEach(placeConstant);
      return builder.node(spec);
    },
    finish(outputs) {
      outputs.forEach(placeConstant);
      return builder.finish(outputs);
    },
  };
}

/** The graph with the inputs named at its end, of which it may lack some. */
export function withInputs(graph: Graph, extra: ReadonlyMap<string, ValueType>): Graph {
  const [types, open] = [new Map(graph.types), new Map(graph.open)];
  for (const [name, type] of extra) {
    if (typeIn(graph, name) !== undefined) continue;
    if (isClosed(type)) types.set(name, type);
    else open.set(name, type);
  }
  const own = graph.inputs.filter((name) => !extra.has(name));
  return { ...graph, types, open, inputs: [...own, ...extra.keys()] };
}

/** Of the same kind, element type and rank. */
export function unsized(type: ValueType | undefined): ValueType | undefined {
  if (type === undefined) return undefined;
  const open = opened(type);
  if (open.kind !== "tensor") return open;
  return closedIfKnown({ ...open, dims: open.dims?.map(() => undefined) });
}

export function closedOrRefuse(owner: OnnxNode, name: string, type: ValueType): TensorType {
  if (isClosed(type)) return type;
  const what = describeType(type);
  return owner.refuse("DYNAMIC_SHAPE", `${name} is ${what}; its shape depends on the input`);
}

export function dtypeOrRefuse(owner: OnnxNode, name: string, type: ValueType): DType {
  const open = opened(type);
  if (open.kind === "tensor" && open.dtype !== undefined) return open.dtype;
  return owner.refuse("DYNAMIC_SHAPE", `the element type of ${name} is not known`);
}

export function rankOrRefuse(owner: OnnxNode, name: string, type: ValueType): number {
  const open = opened(type);
  if (open.kind === "tensor" && open.dims !== undefined) return open.dims.length;
  return owner.refuse("DYNAMIC_SHAPE", `${name} is ${describeType(type)}; its rank is not known`);
}
