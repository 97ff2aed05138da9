/** Operators on sequences of tensors and on values that may be absent. */
import type { OpenType, Tensor, Value, ValueType } from "../graph.ts";
import {
  numberAttribute,
  openType,
  reject,
  requireThat,
  tensorValue,
  textAttribute,
  values,
} from "../operator.ts";
import type { InferenceCall, Operator, ValueCall } from "../operator.ts";
import { DTYPE_BYTES, normalizeAxis, numberList, tensorOf } from "../tensor.ts";
import { ANY_TENSOR, commonType, isTensor, optional, sequence } from "../value.ts";
import { concatenated, slicesAlong, stacked, unstacked } from "./slices.ts";
import type { DType } from "../graph.ts";

/** Items of a sequence that one node makes. */
const MANY = 4096;

/** Rows whose types are the same whether the inputs are open or not. */
function row(parts: Omit<Operator, "quantized" | "inferOpen" | "attributes"> & Partial<Operator>) {
  return { attributes: {}, ...parts, inferOpen: parts.infer, quantized: "none" } as const;
}

export const SEQUENCE_OPS = {
  sequence_construct: row({
    docs: "A sequence of the inputs.",
    inputs: [1, MANY],
    infer: inferConstruct,
    evaluator: values((call) => [sequence(call.inputs.map((_, index) => valueAt(call, index)))]),
  }),
  sequence_empty: row({
    docs: "A sequence without items, of tensors of that element type.",
    inputs: [0, 0],
    attributes: { to: textAttribute("f32") },
    infer: (call) => {
      const to = call.attributes.text("to");
      requireThat(Object.hasOwn(DTYPE_BYTES, to), `unknown type ${to}`);
      return [sequenceOf({ kind: "tensor", dtype: to as DType, dims: undefined })];
    },
    evaluator: values(() => [sequence([])]),
  }),
  sequence_insert: row({
    docs: "The sequence with a tensor before the position, at the end where none is given.",
    inputs: [2, 3],
    infer: (call) => [sequenceOf(commonElement(elementType(call), openType(call, 1)))],
    evaluator: values((call) => {
      const items = [...itemsOf(call, 0)];
      items.splice(
        positionOf(call, { input: 2, count: items.length, most: items.length }),
        0,
        valueAt(call, 1),
      );
      return [sequence(items)];
    }),
  }),
  sequence_erase: row({
    docs: "The sequence without the item at the position, the last where none is given.",
    inputs: [1, 2],
    infer: (call) => [sequenceOf(elementType(call))],
    evaluator: values((call) => {
      const items = itemsOf(call, 0);
      const at = positionOf(call, { input: 1, count: items.length, most: items.length - 1 });
      return [sequence(items.filter((_, index) => index !== at))];
    }),
  }),
  sequence_at: row({
    docs: "The item at the position.",
    inputs: [2, 2],
    infer: (call) => [elementType(call)],
    evaluator: values((call) => {
      const items = itemsOf(call, 0);
      const at = positionOf(call, { input: 1, count: items.length, most: items.length - 1 });
      return [items[at] ?? reject("the sequence is empty")];
    }),
  }),
  sequence_length: row({
    docs: "How many items a sequence has.",
    inputs: [1, 1],
    infer: () => [{ dtype: "i64", shape: [] }],
    evaluator: values((call) => [tensorOf({ dtype: "i64", shape: [] }, [itemsOf(call, 0).length])]),
  }),
  split_to_sequence: row({
    docs: "x cut along the axis: by sizes, into parts of one size, or (without any) into single slices.",
    inputs: [1, 2],
    attributes: { axis: numberAttribute(0), keepdims: numberAttribute(1) },
    infer: inferSplitToSequence,
    evaluator: values(splitToSequence),
  }),
  concat_from_sequence: row({
    docs: "The items one after the other along the axis, or stacked along a new one.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(), new_axis: numberAttribute(0) },
    infer: (call) => [{ kind: "tensor", dtype: tensorElement(call).dtype, dims: undefined }],
    evaluator: values(concatFromSequence),
  }),
  optional: row({
    docs: "A value that may be absent: the input, or nothing.",
    inputs: [0, 1],
    infer: (call) => {
      const given = call.openInputs[0] !== undefined;
      return [{ kind: "optional", element: given ? openType(call, 0) : ANY_TENSOR }];
    },
    evaluator: values((call) => [optional(call.inputs[0])]),
  }),
  optional_has_element: row({
    docs: "Whether a value is there.",
    inputs: [0, 1],
    infer: () => [{ dtype: "bool", shape: [] }],
    evaluator: values((call) => [
      tensorOf({ dtype: "bool", shape: [] }, [Number(contentOf(call.inputs[0]) !== undefined)]),
    ]),
  }),
  optional_get_element: row({
    docs: "The value that is there.",
    inputs: [1, 1],
    infer: (call) => {
      const type = openType(call, 0);
      return [type.kind === "optional" ? type.element : type];
    },
    evaluator: values((call) => [contentOf(call.inputs[0]) ?? reject("the optional is empty")]),
  }),
} as const satisfies Record<string, Operator>;

function sequenceOf(element: OpenType): OpenType {
  return { kind: "sequence", element };
}

/** The element type of the sequence that is the first input. */
function elementType(call: InferenceCall): OpenType {
  const type = openType(call, 0);
  if (type.kind === "sequence") return type.element;
  if (type.kind === "tensor" && type.dtype === undefined) return ANY_TENSOR;
  return reject("input 0 is no sequence");
}

function tensorElement(call: InferenceCall): Extract<OpenType, { kind: "tensor" }> {
  const element = elementType(call);
  return element.kind === "tensor" ? element : reject("the items are no tensors");
}

/** An item whose type is not known says nothing against the others. */
function commonElement(a: OpenType, b: OpenType): OpenType {
  if (a.kind === "tensor" && a.dtype === undefined)
    return { ...b, ...(b.kind === "tensor" && { dims: undefined }) };
  return commonType(a, b);
}

function inferConstruct(call: InferenceCall): readonly ValueType[] {
  const types = call.openInputs.map((_, index) => openType(call, index));
  return [sequenceOf(types.reduce(commonType))];
}

function valueAt(call: ValueCall, index: number): Value {
  return call.inputs[index] ?? reject(`input ${index} is missing`);
}

function itemsOf(call: ValueCall, index: number): readonly Value[] {
  const value = contentOf(call.inputs[index]);
  if (value !== undefined && !isTensor(value) && value.kind === "sequence") return value.items;
  return reject(`input ${index} is no sequence`);
}

/** What an optional holds; any other value is its own content. */
function contentOf(value: Value | undefined): Value | undefined {
  const isOptional = value !== undefined && !isTensor(value) && value.kind === "optional";
  return isOptional ? value.item : value;
}

interface Position {
  readonly input: number;
  readonly count: number;
  readonly most: number;
}

/** Counted from the end when negative; the last possible one where it is not given. */
function positionOf(call: ValueCall, { input, count, most }: Position): number {
  if (call.inputs[input] === undefined) return most;
  const [given = 0] = numberList(tensorValue(call, input));
  const at = given < 0 ? given + count : given;
  requireThat(at >= 0 && at <= most, `position ${given} is outside ${count} items`);
  return at;
}

function inferSplitToSequence(call: InferenceCall): readonly ValueType[] {
  const x = openType(call, 0);
  if (x.kind !== "tensor") return reject("input 0 is no tensor");
  const isWhole = call.openInputs[1] !== undefined || call.attributes.number("keepdims") !== 0;
  const rank = x.dims === undefined ? undefined : x.dims.length - Number(!isWhole);
  const dims = rank === undefined ? undefined : new Array<undefined>(rank).fill(undefined);
  return [sequenceOf({ kind: "tensor", dtype: x.dtype, dims })];
}

function splitToSequence(call: ValueCall): readonly Value[] {
  const x = tensorValue(call, 0);
  const axis = axisOf(call, x.type.shape.length);
  const size = x.type.shape[axis] ?? 0;
  if (call.inputs[1] === undefined) {
    const keeps = call.attributes.number("keepdims") !== 0;
    const ones = new Array<number>(size).fill(1);
    return [sequence(keeps ? slicesAlong(x, axis, ones) : unstacked(x, axis))];
  }
  const split = tensorValue(call, 1);
  const given = numberList(split);
  if (split.type.shape.length > 0) return [sequence(slicesAlong(x, axis, given))];
  const [part = 0] = given;
  requireThat(part > 0, "parts must have a size");
  const sizes = Array.from({ length: Math.ceil(size / part) }, (_, index) =>
    Math.min(part, size - index * part),
  );
  return [sequence(slicesAlong(x, axis, sizes))];
}

function concatFromSequence(call: ValueCall): readonly Value[] {
  const items = itemsOf(call, 0).map((item): Tensor =>
    isTensor(item) ? item : reject("the items are no tensors"),
  );
  const rank = items[0]?.type.shape.length ?? reject("the sequence is empty");
  const isNew = call.attributes.number("new_axis") !== 0;
  const axis = axisOf(call, isNew ? rank + 1 : rank);
  return [isNew ? stacked(items, axis) : concatenated(items, axis)];
}

function axisOf(call: ValueCall, rank: number): number {
  const axis = call.attributes.number("axis");
  return normalizeAxis(axis, rank) ?? reject(`axis ${axis} is not below ${rank}`);
}
