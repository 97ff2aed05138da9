/** The graph under construction: values in either layout, small constants computed as they come up. */
import { present } from "../../../protocol/base/assert.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import {
  elementCount,
  evaluateNode,
  graphBuilder,
  inferNode,
  isClosed,
  numberList,
  tensorFrom,
  tensorOf,
  numeric,
  stridesOf,
} from "../../ir/index.ts";
import type {
  Attribute,
  DType,
  Graph,
  GraphBuilder,
  Node,
  Quantization,
  Tensor,
  TensorType,
  ValueType,
} from "../../ir/index.ts";
import { LIMITS } from "../failure.ts";
import type { Operator } from "./operator.ts";
import { outputAt } from "./operator.ts";
import { checkedShape } from "./tensors.ts";
import { isLaidOut, planeShape, TO_PLANES, TO_ROWS } from "./value.ts";
import type { Layout, Value } from "./value.ts";

export interface Emission {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** In which order of axes the operator reads its inputs and writes its outputs; rows by default. */
  readonly layout?: Layout;
  /** For a value inside an operator that becomes several nodes. Others take the operator's outputs. */
  readonly inner?: string;
  /** Encoding of an inner value. */
  readonly quantization?: Quantization;
  /** Encodings of several inner values. */
  readonly quantizations?: readonly (Quantization | undefined)[];
  /** How many outputs the node has, and which of the operator's the first of them is. */
  readonly outputs?: number;
  readonly output?: number;
}

export interface Scope {
  /** Adds a node, or computes it when all it reads is small and known, and returns its first value. */
  emit(owner: Operator, emission: Emission): Value;
  emitAll(owner: Operator, emission: Emission): readonly Value[];
  input(name: string, type: TensorType): Value;
  /** A known value, in the model's order of axes. */
  constant(name: string, value: Tensor): Value;
  /** A known list of numbers made by the front end. */
  numbers(owner: Operator, dtype: DType, values: readonly number[]): Value;
  /** The value with another name or encoding for the same elements. */
  nameOf(value: Value, layout: Layout): string;
  /** Pays for elements that the front end makes; a file that asks for too many is refused. */
  charge(owner: Operator, elements: number): void;
  finish(outputs: readonly Value[]): Graph;
}

/** Elements of tables that one model may have: 64 Mi, a thousand functions of 16 bits. */
const MADE_ELEMENTS_MAX = 2 ** 26;

export function importScope(graphName: string): Scope {
  const builder = graphBuilder(graphName);
  const fresh = freshNames();
  let made = 0;

  const nameOf = namesIn(builder, fresh);
  const emitAll = (owner: Operator, emission: Emission): readonly Value[] => {
    const { op, inputs, layout = "rows", outputs = 1 } = emission;
    const { types, attributes } = inferOrRefuse(owner, emission);
    const specs = types.map((type, index) => outputSpec(owner, emission, { type, index }));
    if (specs.length !== outputs) owner.refuse("BAD_MODEL", `has ${outputs} outputs`);
    const node = { name: owner.name, op, inputs: inputs.map(() => ""), outputs: [], attributes };
    const folded = layout === "rows" ? fold(owner, { node, inputs, specs }) : undefined;
    if (folded !== undefined) {
      return specs.map((spec, index) => known(spec.name, present(folded[index], spec.name)));
    }
    const names = specs.map(({ name }) => fresh(layout === "rows" ? name : `${name}/planes`));
    builder.node({
      op,
      name: present(names[0], "output"),
      outputs: names,
      inputs: inputs.map((value) => (value === undefined ? "" : nameOf(value, layout))),
      attributes: Object.fromEntries(attributes),
      quantizations: specs.map(({ type }) => type.quantization),
    });
    return specs.map(({ name, type }, index) => ({
      name,
      type: layout === "rows" ? type : rowType(type),
      constant: undefined,
      held: { [layout]: present(names[index], name) },
    }));
  };
  const known = (name: string, constant: Tensor): Value => ({
    name,
    type: constant.type,
    constant,
    held: {},
  });
  return {
    emitAll,
    emit: (owner, emission) => present(emitAll(owner, emission)[0], "first value"),
    input(name, type) {
      const held = { rows: builder.input(fresh(name), type) };
      return { name: held.rows, type, constant: undefined, held };
    },
    constant: known,
    numbers: (owner, dtype, values) =>
      known(
        `${outputAt(owner, 0).name}/constant`,
        tensorOf({ dtype, shape: [values.length] }, values),
      ),
    nameOf,
    charge(owner, elements) {
      made += elements;
      if (made > MADE_ELEMENTS_MAX)
        owner.refuse("LIMIT_EXCEEDED", "the model needs too many tables");
    },
    finish: (outputs) => builder.finish(outputs.map((value) => nameOf(value, "rows"))),
  };
}

/** Finds the graph's name of a value in a layout; adds the constant, or the node that turns it. */
function namesIn(
  builder: GraphBuilder,
  fresh: (wanted: string) => string,
): (value: Value, layout: Layout) => string {
  const constantName = (value: Value, tensor: Tensor, layout: Layout): string => {
    const planes = layout === "planes" && isLaidOut(value);
    const name = fresh(planes ? `${value.name}/planes` : value.name);
    return builder.constant(name, planes ? permuted(tensor, TO_PLANES) : tensor);
  };
  const converted = (value: Value, layout: Layout): string => {
    const from = layout === "rows" ? value.held.planes : value.held.rows;
    const name = fresh(layout === "rows" ? value.name : `${value.name}/planes`);
    return builder.node({ ...relayout(value, layout), name, inputs: [present(from, value.name)] });
  };
  return (value, layout) => {
    const wanted = isLaidOut(value) ? layout : "rows";
    const { held, constant } = value;
    held[wanted] ??=
      constant === undefined ? converted(value, wanted) : constantName(value, constant, wanted);
    return held[wanted];
  };
}

/** Unused names: files may leave names out and give one twice. */
function freshNames(): (wanted: string) => string {
  const counts = new Map<string, number>();
  return (wanted) => {
    const base = wanted === "" ? "value" : wanted;
    let name = base;
    for (let count = counts.get(base) ?? 0; counts.has(name); name = `${base}.${count}`) {
      counts.set(base, ++count);
    }
    counts.set(name, 1);
    return name;
  };
}

function relayout(value: Value, layout: Layout) {
  const { shape } = value.type;
  const [, height = 1, width = 1, channels = 1] = shape;
  const spec = quantizationOf(value.type);
  // With one pixel, or one channel, both layouts have the same elements in the same order.
  if (height * width === 1 || channels === 1) {
    const wanted = layout === "rows" ? shape : planeShape(shape);
    return { ...spec, op: "reshape", attributes: { shape: wanted } };
  }
  return {
    ...spec,
    op: "transpose",
    attributes: { perm: layout === "rows" ? TO_ROWS : TO_PLANES },
  };
}

function quantizationOf(type: TensorType | undefined): { quantization?: Quantization } {
  return type?.quantization === undefined ? {} : { quantization: type.quantization };
}

function rowType(type: TensorType): TensorType {
  const { shape } = type;
  return shape.length === 4 ? { ...type, shape: TO_ROWS.map((axis) => shape[axis] ?? 0) } : type;
}

/** The type of a value as a node of the layout reads it. */
export function typeIn(value: Value, layout: Layout): TensorType {
  const { type } = value;
  return layout === "planes" && isLaidOut(value)
    ? { ...type, shape: planeShape(type.shape) }
    : type;
}

/** A constant with its axes in another order. */
export function permuted(source: Tensor, perm: readonly number[]): Tensor {
  const { shape, quantization } = source.type;
  const strides = stridesOf(shape);
  const to = perm.map((axis) => shape[axis] ?? 0);
  const toStrides = stridesOf(to);
  const values = numeric(source);
  const type = {
    dtype: source.type.dtype,
    shape: to,
    ...(quantization && {
      quantization:
        quantization.axis === undefined
          ? quantization
          : { ...quantization, axis: perm.indexOf(quantization.axis) },
    }),
  };
  return tensorFrom(type, (index) => {
    let offset = 0;
    for (let axis = 0, rest = index; axis < to.length; axis++) {
      const step = toStrides[axis] ?? 1;
      const at = Math.floor(rest / step);
      rest -= at * step;
      offset += at * (strides[perm[axis] ?? 0] ?? 0);
    }
    return values[offset] ?? 0;
  });
}

interface Spec {
  readonly name: string;
  readonly type: TensorType;
}

interface InferredOutput {
  readonly type: TensorType;
  readonly index: number;
}

function outputSpec(owner: Operator, emission: Emission, { type, index }: InferredOutput): Spec {
  const { inner, output = 0 } = emission;
  const declared = outputAt(owner, inner === undefined ? output + index : 0);
  const place = index === 0 ? inner : `${inner}.${index}`;
  const name = inner === undefined ? declared.name : `${declared.name}/${place}`;
  checkedShape(type.shape, name);
  const encoding =
    inner === undefined
      ? declared.quantization
      : (emission.quantizations?.[index] ?? emission.quantization);
  const isStored = ["i8", "u8", "i16", "i32"].includes(type.dtype);
  const quantization = isStored && encoding?.scales.length === 1 ? encoding : undefined;
  return { name, type: quantization === undefined ? type : { ...type, quantization } };
}

/** The types of a node's outputs, and its attributes in normal form. */
function inferOrRefuse(owner: Operator, emission: Emission) {
  const { op, inputs, layout = "rows", outputs = 1 } = emission;
  const given = new Map(Object.entries(emission.attributes ?? {}));
  const names = Array.from({ length: outputs }, (_, index) => `output ${index}`);
  const types = inputs.map((value) => value && typeIn(value, layout));
  const inferred = inferNode({ op, attributes: given, outputs: names }, types);
  if (!inferred.ok) return owner.refuse("BAD_MODEL", inferred.message);
  const { attributes } = inferred.value;
  return { attributes, types: inferred.value.types.map((type) => closedType(owner, type)) };
}

function closedType(owner: Operator, type: ValueType): TensorType {
  return isClosed(type)
    ? type
    : owner.refuse("DYNAMIC_SHAPE", "the shape of its output depends on the input's values");
}

interface Foldable {
  readonly node: Node;
  readonly inputs: readonly (Value | undefined)[];
  readonly specs: readonly Spec[];
}

function fold(owner: Operator, { node, inputs, specs }: Foldable): readonly Tensor[] | undefined {
  const isSmall = (type: TensorType): boolean => elementCount(type) <= LIMITS.foldedElementsMax;
  const known = inputs.every(
    (value) => value === undefined || (value.constant !== undefined && isSmall(value.type)),
  );
  if (!known || !specs.every(({ type }) => isSmall(type))) return undefined;
  const operands = inputs.map((value) => value?.constant);
  try {
    return evaluateNode(
      node,
      operands,
      specs.map(({ type }) => type),
    );
  } catch (error) {
    if (!(error instanceof CodedError) && !(error instanceof RangeError)) throw error;
    return owner.refuse("BAD_MODEL", error.message);
  }
}

/** The numbers of a value that must be known while importing, such as a shape. */
export function knownNumbers(owner: Operator, value: Value): readonly number[] {
  if (value.constant === undefined) {
    return owner.refuse("DYNAMIC_SHAPE", `${value.name} depends on the input`);
  }
  if (elementCount(value.type) > LIMITS.foldedElementsMax) {
    return owner.refuse("LIMIT_EXCEEDED", `${value.name} is too long for a shape`);
  }
  return numberList(value.constant);
}
