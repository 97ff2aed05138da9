/** Operators whose output is as large as what they find in the data. */
import type { DType, Tensor, TensorType, ValueType } from "../graph.ts";
import { inputTensor, inputType, numberAttribute, requireThat, whole } from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { numeric, tensorFrom, tensorStored } from "../tensor.ts";
import type { Stored } from "../tensor.ts";
import { axisWithin, comparable, coordinatesOf, lanesAlong } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

export const DISCOVERY_OPS = {
  compress: {
    docs: "The slices along the axis whose condition (second input) holds; all elements flattened when flat is 1.",
    inputs: [2, 2],
    attributes: { axis: numberAttribute(0), flat: numberAttribute(0) },
    infer: inferCompress,
    evaluator: whole(evaluateCompress),
    quantized: "none",
  },
  nonzero: {
    docs: "The coordinates of all elements that are not zero, [rank, count].",
    inputs: [1, 1],
    attributes: {},
    infer: (call) => [open("i64", [inputType(call, 0).shape.length, undefined])],
    evaluator: whole(evaluateNonzero),
    quantized: "none",
  },
  unique: {
    docs: "The different elements (or slices along the axis unless flat), their first places, the inverse and the counts.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(0), flat: numberAttribute(1), sorted: numberAttribute(1) },
    infer: inferUnique,
    evaluator: whole(evaluateUnique),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function open(dtype: DType, dims: readonly (number | undefined)[]): ValueType {
  return { kind: "tensor", dtype, dims };
}

function inferCompress(call: InferenceCall): readonly ValueType[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(inputType(call, 1).dtype === "bool", "the condition must be bool");
  if (call.attributes.number("flat") !== 0) return [open(dtype, [undefined])];
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  return [
    open(
      dtype,
      shape.map((size, other) => (other === axis ? undefined : size)),
    ),
  ];
}

function evaluateCompress(call: EvaluationCall): readonly Tensor[] {
  const { type } = inputTensor(call, 0);
  const x = inputTensor(call, 0).data;
  const flat = call.attributes.number("flat") !== 0;
  const shape = flat ? [x.length] : type.shape;
  const axis = flat ? 0 : axisWithin(call.attributes.number("axis"), shape.length);
  const condition = numeric(inputTensor(call, 1));
  const kept: number[] = [];
  for (const [at, holds] of condition.entries()) if (holds !== 0) kept.push(at);
  return [tensorStored(...slicesAlong({ dtype: type.dtype, shape }, x, { axis, kept }))];
}

/** The type and the rule of x's chosen slices along an axis. */
function slicesAlong(
  type: TensorType,
  x: ArrayLike<Stored>,
  choice: { readonly axis: number; readonly kept: readonly number[] },
): [TensorType, StoredRule] {
  const { axis, kept } = choice;
  const lanes = lanesAlong(type.shape, axis);
  const block = lanes.inner * kept.length;
  const shape = type.shape.map((size, other) => (other === axis ? kept.length : size));
  const rule = (index: number): Stored => {
    const at = kept[floor((index % block) / lanes.inner)] ?? 0;
    return x[(floor(index / block) * lanes.size + at) * lanes.inner + (index % lanes.inner)] ?? 0;
  };
  return [{ dtype: type.dtype, shape }, rule];
}

function evaluateNonzero(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const found: number[] = [];
  for (const [index, value] of x.entries()) if (value !== 0) found.push(index);
  const rows = found.map((index) => coordinatesOf(shape, index, []));
  const type: TensorType = { dtype: "i64", shape: [shape.length, found.length] };
  return [tensorFrom(type, (at) => rows[at % found.length]?.[floor(at / found.length)] ?? 0)];
}

function inferUnique(call: InferenceCall): readonly ValueType[] {
  const { dtype, shape } = inputType(call, 0);
  const list = open("i64", [undefined]);
  if (call.attributes.number("flat") !== 0) return [open(dtype, [undefined]), list, list, list];
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const dims = shape.map((size, other) => (other === axis ? undefined : size));
  return [open(dtype, dims), list, list, list];
}

function evaluateUnique(call: EvaluationCall): readonly Tensor[] {
  const { type } = inputTensor(call, 0);
  const flat = call.attributes.number("flat") !== 0;
  const x = inputTensor(call, 0).data;
  const shape = flat ? [x.length] : type.shape;
  const axis = flat ? 0 : axisWithin(call.attributes.number("axis"), shape.length);
  const order = comparable(inputTensor(call, 0));
  const lanes = lanesAlong(shape, axis);
  const slice = (at: number): (number | bigint | string)[] =>
    Array.from(
      { length: lanes.count },
      (_, lane) => order[lanes.start(lane) + at * lanes.inner] ?? 0,
    );
  const slices = Array.from({ length: lanes.size }, (_, at) => slice(at));
  const first = new Map<string, number>();
  const keys = slices.map((values) => values.join("\u0000"));
  for (const [at, key] of keys.entries()) if (!first.has(key)) first.set(key, at);
  const kept = [...first.values()];
  if (call.attributes.number("sorted") !== 0) {
    kept.sort((a, b) => compareLists(slices[a] ?? [], slices[b] ?? []));
  }
  const rank = new Map(kept.map((at, position) => [keys[at] ?? "", position]));
  const inverse = keys.map((key) => rank.get(key) ?? 0);
  const counts = kept.map(() => 0);
  for (const position of inverse) counts[position] = (counts[position] ?? 0) + 1;
  const list = (values: readonly number[]): Tensor =>
    tensorFrom({ dtype: "i64", shape: [values.length] }, (at) => values[at] ?? 0);
  const values = tensorStored(...slicesAlong({ dtype: type.dtype, shape }, x, { axis, kept }));
  return [values, list(kept), list(inverse), list(counts)];
}

function compareLists(a: readonly Stored[], b: readonly Stored[]): number {
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}
