/** Reductions over axes, softmax and the folded forms of normalisation. */
import * as math from "../../../protocol/base/math.ts";
import type { TensorType } from "../graph.ts";
import { clampI8, encodingOf } from "../int8.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  reject,
  requireThat,
  whole,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { normalizeAxis, numeric, stridesOf, tensorFrom } from "../tensor.ts";
import type { Tensor } from "../graph.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround } = Math;

interface Fold {
  readonly start: number;
  readonly step: (total: number, value: number) => number;
  readonly finish?: (total: number, count: number) => number;
}

export const REDUCTION_OPS = {
  reduce_mean: reduction("The mean over the axes.", {
    start: 0,
    step: (total, value) => total + value,
    finish: (total, count) => total / count,
  }),
  reduce_sum: reduction("The sum over the axes.", { start: 0, step: (total, x) => total + x }),
  reduce_prod: reduction("The product over the axes.", { start: 1, step: (total, x) => total * x }),
  reduce_max: reduction("The maximum over the axes.", {
    start: -Infinity,
    step: (total, value) => Math.max(total, value),
  }),
  reduce_min: reduction("The minimum over the axes.", {
    start: Infinity,
    step: (total, value) => Math.min(total, value),
  }),
  argmax: {
    docs: "The index of the largest element along the axis; the first of equals.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(0), keepdims: numberAttribute(1) },
    infer: inferArgmax,
    evaluator: element(argmaxElement),
    quantized: "none",
  },
  softmax: {
    docs: "e^(x - max) over its sum along the axis. int8 takes its exponentials from the table input.",
    inputs: [1, 2],
    attributes: { axis: numberAttribute(-1) },
    infer: inferSoftmax,
    evaluator: whole(evaluateSoftmax),
    quantized: "softmax",
  },
  batch_norm: {
    docs: "(x - mean) / sqrt(variance + epsilon) * scale + bias per channel; folded by a pass.",
    inputs: [5, 5],
    attributes: { epsilon: numberAttribute(1e-5) },
    infer: inferBatchNorm,
    evaluator: element(batchNormElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function reduction(docs: string, fold: Fold): Operator {
  const attributes = { axes: numbersAttribute(), keepdims: numberAttribute(1) };
  const evaluator = element((call) => reduceElement(call, fold));
  return { docs, inputs: [1, 1], attributes, infer: inferReduction, evaluator, quantized: "none" };
}

function reducedAxes(axes: readonly number[], rank: number): ReadonlySet<number> {
  return new Set(
    axes.map((axis) => normalizeAxis(axis, rank) ?? reject(`axis ${axis} is not below ${rank}`)),
  );
}

function inferReduction(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const axes = reducedAxes(call.attributes.numbers("axes"), shape.length);
  return [{ dtype, shape: reducedShape(shape, axes, call.attributes.number("keepdims") !== 0) }];
}

function reducedShape(
  shape: readonly number[],
  axes: ReadonlySet<number>,
  keep: boolean,
): readonly number[] {
  const ones = shape.map((size, axis) => (axes.has(axis) ? 1 : size));
  return keep ? ones : ones.filter((_, axis) => !axes.has(axis));
}

/** Offsets of all elements spanned by the given axes, in row-major order. */
function offsetsOver(shape: readonly number[], axes: ReadonlySet<number>): number[] {
  const strides = stridesOf(shape);
  let offsets = [0];
  for (const axis of [...axes].sort((a, b) => a - b)) {
    const steps = Array.from({ length: shape[axis] ?? 0 }, (_, i) => i * (strides[axis] ?? 0));
    offsets = offsets.flatMap((offset) => steps.map((step) => offset + step));
  }
  return offsets;
}

function keptOffsets(shape: readonly number[], axes: ReadonlySet<number>): number[] {
  return offsetsOver(shape, new Set([...shape.keys()].filter((axis) => !axes.has(axis))));
}

function reduceElement(call: EvaluationCall, fold: Fold): ElementRule {
  const { type } = inputTensor(call, 0);
  const x = numeric(inputTensor(call, 0));
  const axes = reducedAxes(call.attributes.numbers("axes"), type.shape.length);
  const bases = keptOffsets(type.shape, axes);
  const offsets = offsetsOver(type.shape, axes);
  return (index) => {
    let total = fold.start;
    for (const offset of offsets) total = fold.step(total, x[(bases[index] ?? 0) + offset] ?? 0);
    return fold.finish?.(total, offsets.length) ?? total;
  };
}

function inferArgmax(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  const axes = reducedAxes([call.attributes.number("axis")], shape.length);
  const keep = call.attributes.number("keepdims") !== 0;
  return [{ dtype: "i64", shape: reducedShape(shape, axes, keep) }];
}

function argmaxElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const axes = reducedAxes([call.attributes.number("axis")], shape.length);
  const [bases, offsets] = [keptOffsets(shape, axes), offsetsOver(shape, axes)];
  return (index) => {
    const values = offsets.map((offset) => x[(bases[index] ?? 0) + offset] ?? 0);
    return values.reduce((best, value, at) => (value > (values[best] ?? 0) ? at : best), 0);
  };
}

function inferSoftmax(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const axis = call.attributes.number("axis");
  requireThat(normalizeAxis(axis, shape.length) !== undefined, `axis ${axis} is out of range`);
  const table = call.inputs[1];
  requireThat((dtype === "i8") === (table !== undefined), "exactly int8 softmax has a table");
  if (table !== undefined) {
    requireThat(table.dtype === "i32" && table.shape[0] === 256, "the table must be i32[256]");
  }
  return [{ dtype, shape }];
}

function evaluateSoftmax(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const axes = reducedAxes([call.attributes.number("axis")], shape.length);
  const [bases, offsets] = [keptOffsets(shape, axes), offsetsOver(shape, axes)];
  const result = new Float64Array(x.length);
  const row = outputType(call).dtype === "i8" ? softmaxRowInt8(call) : softmaxRow;
  for (const base of bases) {
    const values = offsets.map((offset) => x[base + offset] ?? 0);
    const outcome = row(values);
    offsets.forEach((offset, at) => {
      result[base + offset] = outcome[at] ?? 0;
    });
  }
  return [tensorFrom(outputType(call), (index) => result[index] ?? 0)];
}

function softmaxRow(values: readonly number[]): number[] {
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = values.map((value) => math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** r = fround(fround(1 / sy) / fround(sum)); out = clamp(rne(fround(fround(e) * r)) + zy). */
function softmaxRowInt8(call: EvaluationCall): (values: readonly number[]) => number[] {
  const table = numeric(inputTensor(call, 1));
  const { scale, zeroPoint } = encodingOf(outputType(call));
  return (values) => {
    const largest = values.reduce((a, b) => Math.max(a, b), -128);
    const powers = values.map((value) => table[value - largest + 255] ?? 0);
    const sum = powers.reduce((a, b) => a + b, 0);
    const ratio = fround(fround(1 / scale) / fround(sum));
    return powers.map((power) => {
      const scaled = fround(fround(power) * ratio);
      return clampI8(math.roundHalfEven(scaled) + zeroPoint);
    });
  };
}

function inferBatchNorm(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(shape.length >= 2, "input must have a channel dimension");
  for (const position of [1, 2, 3, 4]) {
    const parameter = inputType(call, position).shape;
    const fits = parameter.length === 1 && parameter[0] === shape[1];
    requireThat(fits, `parameter ${position} must have ${shape[1]} values`);
  }
  return [{ dtype, shape }];
}

function batchNormElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const read = (position: number) => numeric(inputTensor(call, position));
  const [x, scale, bias, mean, variance] = [read(0), read(1), read(2), read(3), read(4)];
  const epsilon = call.attributes.number("epsilon");
  const plane = shape.slice(2).reduce((total, size) => total * size, 1);
  const channels = shape[1] ?? 1;
  return (index) => {
    const c = floor(index / plane) % channels;
    const deviation = Math.sqrt((variance[c] ?? 0) + epsilon);
    return (((x[index] ?? 0) - (mean[c] ?? 0)) / deviation) * (scale[c] ?? 0) + (bias[c] ?? 0);
  };
}
