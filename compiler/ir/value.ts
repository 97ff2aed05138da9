/** Values that are more than tensors of known shape: how they are told apart, typed and printed. */
import type {
  Dimension,
  Graph,
  Node,
  OpenType,
  OptionalValue,
  SequenceValue,
  Tensor,
  TensorType,
  Value,
  ValueType,
} from "./graph.ts";

/** A tensor of which nothing is known. */
export const ANY_TENSOR: OpenType = { kind: "tensor", dtype: undefined, dims: undefined };

export function isClosed(type: ValueType | undefined): type is TensorType {
  return type !== undefined && !("kind" in type);
}

export function isTensor(value: Value | undefined): value is Tensor {
  return value !== undefined && "data" in value;
}

export function sequence(items: readonly Value[]): SequenceValue {
  return { kind: "sequence", items };
}

export function optional(item: Value | undefined): OptionalValue {
  return { kind: "optional", item };
}

/** Any type as an open one: what is known stays known. Encodings are dropped. */
export function opened(type: ValueType): OpenType {
  return isClosed(type) ? { kind: "tensor", dtype: type.dtype, dims: type.shape } : type;
}

/** The closed type where everything is known, the type itself elsewhere. */
export function closedIfKnown(type: ValueType): ValueType {
  if (isClosed(type) || type.kind !== "tensor") return type;
  const { dtype, dims } = type;
  const isKnown = (size: Dimension): size is number => typeof size === "number";
  return dtype !== undefined && dims?.every(isKnown) === true ? { dtype, shape: dims } : type;
}

/** The type of a running value. */
export function typeOfValue(value: Value): ValueType {
  if (isTensor(value)) return value.type;
  const item = value.kind === "sequence" ? value.items[0] : value.item;
  const element = item === undefined ? ANY_TENSOR : loosened(opened(typeOfValue(item)));
  return { kind: value.kind, element };
}

/** Elements of a sequence share their element type but not their shapes. */
function loosened(type: OpenType): OpenType {
  return type.kind === "tensor" ? { ...type, dims: undefined } : type;
}

/** What both types say: the type of a value that is one or the other. */
export function commonType(a: OpenType, b: OpenType): OpenType {
  if (a.kind === "tensor" && b.kind === "tensor") {
    const dtype = a.dtype === b.dtype ? a.dtype : undefined;
    return { kind: "tensor", dtype, dims: commonDims(a.dims, b.dims) };
  }
  if (a.kind === b.kind && a.kind !== "tensor" && b.kind !== "tensor") {
    return { kind: a.kind, element: commonType(a.element, b.element) };
  }
  return ANY_TENSOR;
}

function commonDims(
  a: readonly Dimension[] | undefined,
  b: readonly Dimension[] | undefined,
): readonly Dimension[] | undefined {
  if (a === undefined || a.length !== b?.length) return undefined;
  return a.map((size, axis) => (size === b[axis] ? size : undefined));
}

/** Whether a value of type `given` may stand where `declared` is asked for; an optional may be the value itself. */
export function agrees(declared: ValueType, given: ValueType): boolean {
  const [wanted, has] = [opened(declared), opened(given)];
  if (wanted.kind === "optional" && has.kind !== "optional") return agrees(wanted.element, has);
  if (wanted.kind !== "tensor" || has.kind !== "tensor") {
    if (wanted.kind === "tensor" || has.kind === "tensor" || wanted.kind !== has.kind) return false;
    return agrees(wanted.element, has.element);
  }
  if (wanted.dtype && has.dtype && wanted.dtype !== has.dtype) return false;
  if (wanted.dims === undefined || has.dims === undefined) return true;
  if (wanted.dims.length !== has.dims.length) return false;
  return wanted.dims.every((size, axis) => {
    const other = has.dims?.[axis];
    return typeof size !== "number" || typeof other !== "number" || size === other;
  });
}

/** For messages: f32[1,N,?], seq(f32), optional(seq(i64[?])). */
export function describeType(type: ValueType | undefined): string {
  if (type === undefined) return "nothing";
  const open = opened(type);
  switch (open.kind) {
    case "tensor": {
      const dims = open.dims?.map((size) => size ?? "?").join(",");
      return `${open.dtype ?? "?"}[${dims ?? "..."}]`;
    }
    case "sequence":
      return `seq(${describeType(open.element)})`;
    case "optional":
      return `optional(${describeType(open.element)})`;
  }
}

/** The type of any value of a graph. */
export function typeIn(graph: Graph, name: string): ValueType | undefined {
  return graph.types.get(name) ?? graph.open.get(name);
}

/** A node whose attributes are all known and that runs no other graph. */
export function isPlain(node: Node): boolean {
  return (node.late?.size ?? 0) === 0 && (node.regions?.size ?? 0) === 0;
}

/** Why a graph is not closed: the first value or node that is not, in a sentence; undefined when it is. */
export function opennessOf(graph: Graph): { name: string; reason: string } | undefined {
  for (const [name, type] of graph.open) {
    const what = graph.inputs.includes(name) ? "input " : "";
    const advice =
      type.kind === "tensor" ? "give the shapes of all inputs" : "no compiled code holds it";
    return { name, reason: `${what}${name} is ${describeType(type)}; ${advice}` };
  }
  for (const node of graph.nodes) {
    if (isPlain(node)) continue;
    const late = [...(node.late?.keys() ?? [])][0];
    const why =
      late === undefined ? "it runs other graphs" : `its ${late} depends on the input's values`;
    return { name: node.name, reason: `node ${node.name} (${node.op}): ${why}` };
  }
  return undefined;
}
