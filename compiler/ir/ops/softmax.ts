/** Softmax along one axis. */
import * as math from "../../../protocol/base/math.ts";
import type { DType, Tensor, TensorType } from "../graph.ts";
import { activationOf, clampActivation, encodingOf } from "../int8.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  requireThat,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";
import { axisWithin, lanesAlong } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

export const SOFTMAX_OPS = {
  softmax: {
    docs: "e^(x - max) over its sum along the axis. int8 and int16 take their exponentials from the table input.",
    inputs: [1, 2],
    attributes: { axis: numberAttribute(-1) },
    infer: inferSoftmax,
    evaluator: whole((call) =>
      evaluateLanes(call, outputType(call).quantization ? storedRow(call) : softmaxRow),
    ),
    quantized: "softmax",
  },
} as const satisfies Record<string, Operator>;

function inferSoftmax(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  axisWithin(call.attributes.number("axis"), shape.length);
  const table = call.inputs[1];
  const wanted = TABLE_TYPES.get(dtype);
  requireThat((wanted === undefined) === (table === undefined), "exactly int softmax has a table");
  if (wanted !== undefined && table !== undefined) {
    const fits = table.dtype === wanted.dtype && table.shape[0] === wanted.entries;
    requireThat(fits, `the table must be ${wanted.dtype}[${wanted.entries}]`);
  }
  return [{ dtype, shape }];
}

/** One exponential for every difference of two stored values. */
const TABLE_TYPES: ReadonlyMap<DType, { readonly dtype: DType; readonly entries: number }> =
  new Map([
    ["i8", { dtype: "i32", entries: 256 }],
    ["i16", { dtype: "i16", entries: 65536 }],
  ]);

/** Replaces the elements of one lane in place. */
type Row = (values: Float64Array) => void;

function evaluateLanes(call: EvaluationCall, row: Row): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const lanes = lanesAlong(shape, axisWithin(call.attributes.number("axis"), shape.length));
  const result = new Float64Array(x.length);
  const values = new Float64Array(lanes.size);
  for (let lane = 0; lane < lanes.count; lane++) {
    const start = lanes.start(lane);
    for (let at = 0; at < lanes.size; at++) values[at] = x[start + at * lanes.inner] ?? 0;
    row(values);
    for (let at = 0; at < lanes.size; at++) result[start + at * lanes.inner] = values[at] ?? 0;
  }
  return [tensorFrom(outputType(call), (index) => result[index] ?? 0)];
}

function largestOf(values: Float64Array): number {
  let largest = -Infinity;
  for (const value of values) largest = Math.max(largest, value);
  return largest;
}

export function softmaxRow(values: Float64Array): void {
  const largest = largestOf(values);
  let sum = 0;
  for (const [at, value] of values.entries()) sum += values[at] = math.exp(value - largest);
  for (const [at, power] of values.entries()) values[at] = power / sum;
}

/** r = fround(fround(1 / sy) / fround(sum)); out = clamp(rne(fround(fround(e) * r)) + zy). */
function storedRow(call: EvaluationCall): Row {
  const table = numeric(inputTensor(call, 1));
  const output = outputType(call);
  const { scale, zeroPoint } = encodingOf(output);
  const dtype = activationOf(output);
  return (values) => {
    const largest = largestOf(values);
    let sum = 0;
    for (const [at, value] of values.entries()) {
      sum += values[at] = table[value - largest + table.length - 1] ?? 0;
    }
    const ratio = fround(fround(1 / scale) / fround(sum));
    for (const [at, power] of values.entries()) {
      const scaled = fround(fround(power) * ratio);
      values[at] = clampActivation(math.roundHalfEven(scaled) + zeroPoint, dtype);
    }
  };
}
