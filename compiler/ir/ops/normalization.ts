/** Normalisation by mean and variance, over channels, groups, trailing axes or neighbourhoods. */
import * as math from "../../../protocol/base/math.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  requireThat,
  whole,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { broadcastIndex, numeric, tensorFrom } from "../tensor.ts";
import {
  axesWithin,
  axisWithin,
  lanesAlong,
  likeInput,
  offsetsBeside,
  offsetsOver,
  plainType,
} from "../walk.ts";
import { product } from "../../../protocol/base/integers.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, max, min, sqrt } = Math;

const EPSILON = { epsilon: numberAttribute(1e-5) };

export const NORMALIZATION_OPS = {
  batch_norm: {
    docs: "(x - mean) / sqrt(variance + epsilon) * scale + bias per channel; folded by a pass.",
    inputs: [5, 5],
    attributes: EPSILON,
    infer: (call) => inferChannels(call, 5),
    evaluator: element(batchNormElement),
    quantized: "none",
  },
  batch_norm_training: {
    docs: "batch_norm by the batch's own mean and variance; also gives the running ones, moved by 1 - momentum.",
    inputs: [5, 5],
    attributes: { ...EPSILON, momentum: numberAttribute(0.9) },
    infer: (call) => [
      ...inferChannels(call, 5),
      plainType(inputType(call, 3)),
      plainType(inputType(call, 4)),
    ],
    evaluator: whole(evaluateBatchNormTraining),
    quantized: "none",
  },
  instance_norm: {
    docs: "x normalised over the positions of every channel of every image, times scale plus bias per channel.",
    inputs: [3, 3],
    attributes: EPSILON,
    infer: (call) => inferChannels(call, 3),
    evaluator: whole((call) => {
      const [, channels = 1] = inputTensor(call, 0).type.shape;
      return evaluateGroups(call, channels);
    }),
    quantized: "none",
  },
  group_norm: {
    docs: "x normalised over each of `groups` runs of channels, times scale plus bias per channel.",
    inputs: [3, 3],
    attributes: { ...EPSILON, groups: numberAttribute() },
    infer: inferGroupNorm,
    evaluator: whole((call) => evaluateGroups(call, call.attributes.number("groups"))),
    quantized: "none",
  },
  layer_norm: {
    docs: "x normalised over the axes from `axis` on, times scale plus bias; also the means and 1 / deviations.",
    inputs: [2, 3],
    attributes: { ...EPSILON, axis: numberAttribute(-1) },
    infer: inferLayerNorm,
    evaluator: whole(evaluateLayerNorm),
    quantized: "normalization",
  },
  rms_norm: {
    docs: "x over the root of its mean square over the axes from `axis` on, times scale.",
    inputs: [2, 2],
    attributes: { ...EPSILON, axis: numberAttribute(-1) },
    infer: likeInput(),
    evaluator: whole(evaluateRmsNorm),
    quantized: "none",
  },
  mean_variance_norm: {
    docs: "(x - mean) / (deviation + 1e-9) over the axes.",
    inputs: [1, 1],
    attributes: { axes: numbersAttribute([0, 2, 3]) },
    infer: likeInput(),
    evaluator: whole(evaluateMeanVariance),
    quantized: "none",
  },
  lp_norm: {
    docs: "x over the p-norm (p is 1 or 2) of its lane along the axis; a lane of zeros stays as it is.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(-1), p: numberAttribute(2) },
    infer: likeInput(),
    evaluator: element(lpNormElement),
    quantized: "none",
  },
  lrn: {
    docs: "x / (bias + alpha / size * the sum of squares over `size` neighbouring channels)^beta.",
    inputs: [1, 1],
    attributes: {
      size: numberAttribute(),
      alpha: numberAttribute(1e-4),
      beta: numberAttribute(0.75),
      bias: numberAttribute(1),
    },
    infer: likeInput(),
    evaluator: element(lrnElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function inferChannels(call: InferenceCall, count: number): readonly TensorType[] {
  const type = inputType(call, 0);
  requireThat(type.shape.length >= 2, "input must have a channel dimension");
  for (let position = 1; position < count; position++) {
    const parameter = inputType(call, position).shape;
    const fits = parameter.length === 1 && parameter[0] === type.shape[1];
    requireThat(fits, `parameter ${position} must have ${type.shape[1]} values`);
  }
  return [plainType(type)];
}

function inferGroupNorm(call: InferenceCall): readonly TensorType[] {
  const groups = call.attributes.number("groups");
  const types = inferChannels(call, 3);
  requireThat((types[0]?.shape[1] ?? 0) % groups === 0, "channels are no multiple of groups");
  return types;
}

function batchNormElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const read = (position: number) => numeric(inputTensor(call, position));
  const [x, scale, bias, mean, variance] = [read(0), read(1), read(2), read(3), read(4)];
  const epsilon = call.attributes.number("epsilon");
  const plane = product(shape.slice(2));
  const channels = shape[1] ?? 1;
  return (index) => {
    const c = floor(index / plane) % channels;
    const deviation = sqrt((variance[c] ?? 0) + epsilon);
    return (((x[index] ?? 0) - (mean[c] ?? 0)) / deviation) * (scale[c] ?? 0) + (bias[c] ?? 0);
  };
}

interface Moments {
  readonly mean: number;
  readonly variance: number;
}

/** Mean and variance of the elements at base + offsets. */
function momentsOf(x: ArrayLike<number>, base: number, offsets: Int32Array): Moments {
  let sum = 0;
  for (const offset of offsets) sum += x[base + offset] ?? 0;
  const mean = sum / offsets.length;
  let squares = 0;
  for (const offset of offsets) squares += ((x[base + offset] ?? 0) - mean) ** 2;
  return { mean, variance: squares / offsets.length };
}

function evaluateBatchNormTraining(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const read = (position: number) => numeric(inputTensor(call, position));
  const [x, scale, bias, mean, variance] = [read(0), read(1), read(2), read(3), read(4)];
  const { attributes, outputTypes } = call;
  const [epsilon, momentum] = [attributes.number("epsilon"), attributes.number("momentum")];
  const lanes = lanesAlong(shape, 1);
  const others = offsetsBeside(shape, new Set([1]));
  const moments = Array.from({ length: lanes.size }, (_, c) =>
    momentsOf(x, c * lanes.inner, others),
  );
  const channel = (c: number): Moments => moments[c] ?? { mean: 0, variance: 0 };
  const moved = (old: number, fresh: number) => old * momentum + fresh * (1 - momentum);
  const rules: ElementRule[] = [
    (index) => {
      const c = floor(index / lanes.inner) % lanes.size;
      const deviation = sqrt(channel(c).variance + epsilon);
      return (((x[index] ?? 0) - channel(c).mean) / deviation) * (scale[c] ?? 0) + (bias[c] ?? 0);
    },
    (c) => moved(mean[c] ?? 0, channel(c).mean),
    (c) => moved(variance[c] ?? 0, channel(c).variance),
  ];
  return outputTypes.map((type, position) => tensorFrom(type, rules[position] ?? (() => 0)));
}

/** Runs of channels that are normalised together; a run is contiguous in memory. */
function evaluateGroups(call: EvaluationCall, groups: number): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const read = (position: number) => numeric(inputTensor(call, position));
  const [x, scale, bias] = [read(0), read(1), read(2)];
  const epsilon = call.attributes.number("epsilon");
  const [batch = 1, channels = 1] = shape;
  const plane = product(shape.slice(2));
  const run = (channels / groups) * plane;
  const offsets = Int32Array.from({ length: run }, (_, index) => index);
  const result = new Float64Array(x.length);
  for (let base = 0; base < batch * channels * plane; base += run) {
    const { mean, variance } = momentsOf(x, base, offsets);
    const deviation = sqrt(variance + epsilon);
    for (let index = base; index < base + run; index++) {
      const c = floor(index / plane) % channels;
      result[index] = (((x[index] ?? 0) - mean) / deviation) * (scale[c] ?? 0) + (bias[c] ?? 0);
    }
  }
  return [tensorFrom(outputType(call), (index) => result[index] ?? 0)];
}

function inferLayerNorm(call: InferenceCall): readonly TensorType[] {
  const type = inputType(call, 0);
  const axis = axisWithin(call.attributes.number("axis"), type.shape.length);
  const shape = type.shape.map((size, other) => (other < axis ? size : 1));
  const dtype = type.dtype === "f64" ? "f64" : "f32";
  return [plainType(type), { dtype, shape }, { dtype, shape }];
}

function evaluateLayerNorm(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const epsilon = call.attributes.number("epsilon");
  const run = product(shape.slice(axis));
  const offsets = Int32Array.from({ length: run }, (_, index) => index);
  const count = run === 0 ? 0 : x.length / run;
  const moments = Array.from({ length: count }, (_, row) => momentsOf(x, row * run, offsets));
  const inverse = moments.map(({ variance }) => 1 / sqrt(variance + epsilon));
  const [scale, bias] = [broadcastOperand(call, 1), broadcastOperand(call, 2)];
  const rules: ElementRule[] = [
    (index) => {
      const row = floor(index / run);
      const centred = (x[index] ?? 0) - (moments[row]?.mean ?? 0);
      return centred * (inverse[row] ?? 0) * (scale?.(index) ?? 1) + (bias?.(index) ?? 0);
    },
    (row) => moments[row]?.mean ?? 0,
    (row) => inverse[row] ?? 0,
  ];
  return call.outputTypes.map((type, position) => tensorFrom(type, rules[position] ?? (() => 0)));
}

/** An operand read as if it had the output's shape; undefined where it is absent. */
function broadcastOperand(call: EvaluationCall, position: number) {
  const operand = call.inputs[position];
  if (operand === undefined) return undefined;
  const values = numeric(operand);
  const indexOf = broadcastIndex(operand.type.shape, outputType(call).shape);
  return (index: number): number => values[indexOf(index)] ?? 0;
}

function evaluateRmsNorm(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const epsilon = call.attributes.number("epsilon");
  const scale = broadcastOperand(call, 1);
  const run = product(shape.slice(axis));
  const roots = Float64Array.from({ length: run === 0 ? 0 : x.length / run }, (_, row) => {
    let squares = 0;
    for (let index = row * run; index < (row + 1) * run; index++) squares += (x[index] ?? 0) ** 2;
    return sqrt(squares / run + epsilon);
  });
  const rule = (index: number): number =>
    ((x[index] ?? 0) / (roots[floor(index / run)] ?? 1)) * (scale?.(index) ?? 1);
  return [tensorFrom(outputType(call), rule)];
}

function evaluateMeanVariance(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const axes = new Set(axesWithin(call.attributes.numbers("axes"), shape.length));
  const offsets = offsetsOver(shape, axes);
  const result = new Float64Array(x.length);
  for (const base of offsetsBeside(shape, axes)) {
    const { mean, variance } = momentsOf(x, base, offsets);
    for (const offset of offsets) {
      result[base + offset] = ((x[base + offset] ?? 0) - mean) / (sqrt(variance) + 1e-9);
    }
  }
  return [tensorFrom(outputType(call), (index) => result[index] ?? 0)];
}

function lpNormElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const lanes = lanesAlong(shape, axisWithin(call.attributes.number("axis"), shape.length));
  const squared = call.attributes.number("p") === 2;
  const norms = Float64Array.from({ length: lanes.count }, (_, lane) => {
    let sum = 0;
    for (let along = 0; along < lanes.size; along++) {
      const value = x[lanes.start(lane) + along * lanes.inner] ?? 0;
      sum += squared ? value * value : Math.abs(value);
    }
    return squared ? sqrt(sum) : sum;
  });
  return (index) => {
    const lane = floor(index / (lanes.inner * lanes.size)) * lanes.inner + (index % lanes.inner);
    const norm = norms[lane] ?? 0;
    return norm === 0 ? (x[index] ?? 0) : (x[index] ?? 0) / norm;
  };
}

function lrnElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const { attributes } = call;
  const size = attributes.number("size");
  const [alpha, beta, bias] = [
    attributes.number("alpha"),
    attributes.number("beta"),
    attributes.number("bias"),
  ];
  const lanes = lanesAlong(shape, 1);
  const [before, after] = [floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  return (index) => {
    const c = floor(index / lanes.inner) % lanes.size;
    let squares = 0;
    for (let other = max(0, c - before); other <= min(lanes.size - 1, c + after); other++) {
      squares += (x[index + (other - c) * lanes.inner] ?? 0) ** 2;
    }
    return (x[index] ?? 0) / math.pow(bias + (alpha / size) * squares, beta);
  };
}
