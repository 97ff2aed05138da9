/** Softmax along one axis. */
import * as math from "../../../protocol/base/math.ts";
import type { Tensor, TensorType } from "../graph.ts";
import { clampI8, encodingOf } from "../int8.ts";
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
    docs: "e^(x - max) over its sum along the axis. int8 takes its exponentials from the table input.",
    inputs: [1, 2],
    attributes: { axis: numberAttribute(-1) },
    infer: inferSoftmax,
    evaluator: whole((call) =>
      evaluateLanes(call, outputType(call).quantization ? softmaxRowInt8(call) : softmaxRow),
    ),
    quantized: "softmax",
  },
} as const satisfies Record<string, Operator>;

function inferSoftmax(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  axisWithin(call.attributes.number("axis"), shape.length);
  const table = call.inputs[1];
  requireThat((dtype === "i8") === (table !== undefined), "exactly int8 softmax has a table");
  if (table !== undefined) {
    requireThat(table.dtype === "i32" && table.shape[0] === 256, "the table must be i32[256]");
  }
  return [{ dtype, shape }];
}

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
function softmaxRowInt8(call: EvaluationCall): Row {
  const table = numeric(inputTensor(call, 1));
  const { scale, zeroPoint } = encodingOf(outputType(call));
  return (values) => {
    const largest = largestOf(values);
    let sum = 0;
    for (const [at, value] of values.entries()) {
      sum += values[at] = table[value - largest + 255] ?? 0;
    }
    const ratio = fround(fround(1 / scale) / fround(sum));
    for (const [at, power] of values.entries()) {
      const scaled = fround(fround(power) * ratio);
      values[at] = clampI8(math.roundHalfEven(scaled) + zeroPoint);
    }
  };
}
