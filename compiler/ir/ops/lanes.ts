/**
 * Operators over channels as a chip computes them, in fp16 and on stored integers alike: float32 steps whose
 * order, with that of the sums (lane-sums.ts), is part of their meaning.
 */
import { roundToHalf } from "../../../protocol/base/half.ts";
import * as math from "../../../protocol/base/math.ts";
import { ELEMENTARY } from "../../../protocol/isa/index.ts";
import type { Tensor, TensorType } from "../graph.ts";
import { clampI8, encodingOf } from "../int8.ts";
import { laneSum } from "../lane-sums.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  requireThat,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { normalizeAxis, numeric, stridesOf, tensorFrom } from "../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min, sqrt } = Math;

export const LANE_OPS = {
  lane_norm: {
    docs: "x normalised over its last axis, times scale plus bias (f32), in fp16 or stored integers.",
    inputs: [3, 3],
    attributes: { epsilon: numberAttribute(1e-5) },
    infer: inferNorm,
    evaluator: whole(evaluateNorm),
    quantized: "none",
  },
  lane_softmax: {
    docs: "fp16 e^(x - max) over its sum along the axis: exponentials rounded to fp16, summed in float32.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(-1) },
    infer: inferSoftmax,
    evaluator: whole(evaluateSoftmax),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function inferNorm(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  for (const position of [1, 2]) {
    const parameter = inputType(call, position);
    const fits = parameter.shape.length === 1 && parameter.shape[0] === shape.at(-1);
    requireThat(fits && parameter.dtype === "f32", `parameter ${position} must be f32[channels]`);
  }
  return [{ dtype, shape }];
}

/** The numbers that a normalisation computes with; integers are normalised as they are stored. */
export interface NormNumbers {
  readonly zeroPoint: number;
  readonly inverseCount: number;
  readonly epsilon: number;
  readonly scale: Float32Array;
  readonly bias: Float32Array;
}

export function normNumbers(
  types: { readonly input: TensorType; readonly output: TensorType },
  parameters: { readonly epsilon: number; readonly scale: Tensor; readonly bias: Tensor },
): NormNumbers {
  const inverseCount = fround(1 / (types.input.shape.at(-1) ?? 1));
  const [scale, bias] = [numeric(parameters.scale), numeric(parameters.bias)];
  if (types.input.quantization === undefined) {
    const epsilon = fround(parameters.epsilon);
    const own = { scale: Float32Array.from(scale), bias: Float32Array.from(bias) };
    return { zeroPoint: 0, inverseCount, epsilon, ...own };
  }
  const [from, to] = [encodingOf(types.input), encodingOf(types.output)];
  return {
    zeroPoint: from.zeroPoint,
    inverseCount,
    epsilon: fround(parameters.epsilon / (from.scale * from.scale)),
    scale: Float32Array.from(scale, (value) => value / to.scale),
    bias: Float32Array.from(bias, (value) => value / to.scale),
  };
}

/** d = x - mean; r = 1 / sqrt(mean of d^2 + epsilon); d * r * scale + bias, each step a float32. */
function evaluateNorm(call: EvaluationCall): readonly Tensor[] {
  const x = inputTensor(call, 0);
  const output = outputType(call);
  const channels = output.shape.at(-1) ?? 1;
  const numbers = normNumbers(
    { input: x.type, output },
    {
      epsilon: call.attributes.number("epsilon"),
      scale: inputTensor(call, 1),
      bias: inputTensor(call, 2),
    },
  );
  const values = numeric(x);
  const result = new Float64Array(values.length);
  for (let first = 0; first < values.length; first += channels) {
    const u = (channel: number): number =>
      fround((values[first + channel] ?? 0) - numbers.zeroPoint);
    const mean = fround(laneSum(channels, u) * numbers.inverseCount);
    const d = (channel: number): number => fround(u(channel) - mean);
    const squares = laneSum(channels, (channel) => fround(d(channel) * d(channel)));
    const variance = fround(squares * numbers.inverseCount);
    const inverse = fround(1 / fround(sqrt(fround(variance + numbers.epsilon))));
    for (let channel = 0; channel < channels; channel++) {
      const scaled = fround(fround(d(channel) * inverse) * (numbers.scale[channel] ?? 1));
      result[first + channel] = fround(scaled + (numbers.bias[channel] ?? 0));
    }
  }
  return [tensorFrom(output, storing(output, result))];
}

function storing(type: TensorType, real: Float64Array): (index: number) => number {
  if (type.quantization === undefined) return (index) => real[index] ?? 0;
  const { zeroPoint } = encodingOf(type);
  const clamp = type.dtype === "i8" ? clampI8 : (value: number) => max(min(value, 32767), -32768);
  return (index) => clamp(math.roundHalfEven(real[index] ?? 0) + zeroPoint);
}

function inferSoftmax(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(dtype === "f16", "input must be f16");
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length);
  requireThat(axis !== undefined, "the axis is out of range");
  return [{ dtype, shape }];
}

function evaluateSoftmax(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length) ?? 0;
  const step = stridesOf(shape)[axis] ?? 1;
  const channels = shape[axis] ?? 1;
  const result = new Float64Array(x.length);
  for (let lane = 0; lane < x.length / channels; lane++) {
    const first = floor(lane / step) * step * channels + (lane % step);
    let largest = -Infinity;
    for (let c = 0; c < channels; c++) largest = max(largest, x[first + c * step] ?? 0);
    for (let c = 0; c < channels; c++) {
      const difference = roundToHalf(fround((x[first + c * step] ?? 0) - largest));
      result[first + c * step] = roundToHalf(ELEMENTARY.exp_f16(difference));
    }
    const ratio = fround(1 / laneSum(channels, (c) => result[first + c * step] ?? 0));
    for (let c = 0; c < channels; c++) {
      result[first + c * step] = fround((result[first + c * step] ?? 0) * ratio);
    }
  }
  return [tensorFrom(outputType(call), (index) => result[index] ?? 0)];
}
