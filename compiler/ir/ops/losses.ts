/** Losses over class scores [batch, classes, ...] and target classes [batch, ...]. */
import * as math from "../../../protocol/base/math.ts";
import { product } from "../../../protocol/base/integers.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  requireThat,
  textAttribute,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";
import { lanesAlong, plainType } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

const ATTRIBUTES = {
  /** none, sum or mean; the mean weighs by the weights. */
  reduction: textAttribute("mean"),
  /** Targets of this class count nothing. */
  ignored: numberAttribute(-Infinity),
};

export const LOSS_OPS = {
  negative_log_likelihood: {
    docs: "-weight * x at the target class, of log probabilities x; reduced over all targets.",
    inputs: [2, 3],
    attributes: ATTRIBUTES,
    infer: (call) => inferLoss(call).slice(0, 1),
    evaluator: whole((call) => {
      const type = inputTensor(call, 0).type;
      return [lossOf(call, { type, data: numeric(inputTensor(call, 0)) })];
    }),
    quantized: "none",
  },
  softmax_cross_entropy: {
    docs: "-weight * log softmax of x at the target class; also gives the log probabilities.",
    inputs: [2, 3],
    attributes: ATTRIBUTES,
    infer: inferLoss,
    evaluator: whole(evaluateCrossEntropy),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function inferLoss(call: InferenceCall): readonly TensorType[] {
  const [x, target] = [inputType(call, 0), inputType(call, 1)];
  const [batch, , ...rest] = x.shape;
  const fits = product([batch ?? 0, ...rest]) === product(target.shape);
  requireThat(x.shape.length >= 2 && fits, "one target per score row");
  const none = call.attributes.text("reduction") === "none";
  return [{ dtype: x.dtype, shape: none ? target.shape : [] }, plainType(x)];
}

interface Scores {
  readonly type: TensorType;
  readonly data: ArrayLike<number>;
}

function lossOf(call: EvaluationCall, scores: Scores): Tensor {
  const targets = numeric(inputTensor(call, 1));
  const weights = call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]);
  const ignored = call.attributes.number("ignored");
  const lanes = lanesAlong(scores.type.shape, 1);
  const losses = new Float64Array(lanes.count);
  let weightSum = 0;
  for (let lane = 0; lane < lanes.count; lane++) {
    const target = targets[lane] ?? 0;
    if (target === ignored) continue;
    requireThat(target >= 0 && target < lanes.size, `target ${target} is no class`);
    const weight = weights?.[target] ?? 1;
    weightSum += weight;
    losses[lane] = -weight * (scores.data[lanes.start(lane) + target * lanes.inner] ?? 0);
  }
  const { dtype } = scores.type;
  const reduction = call.attributes.text("reduction");
  if (reduction === "none") {
    const { shape } = inputTensor(call, 1).type;
    return tensorFrom({ dtype, shape }, (index) => losses[index] ?? 0);
  }
  const sum = losses.reduce((total, loss) => total + loss, 0);
  const value = reduction === "sum" ? sum : sum / weightSum;
  return tensorFrom({ dtype, shape: [] }, () => value);
}

function evaluateCrossEntropy(call: EvaluationCall): readonly Tensor[] {
  const { type } = inputTensor(call, 0);
  const x = numeric(inputTensor(call, 0));
  const lanes = lanesAlong(type.shape, 1);
  const logarithms = Float64Array.from({ length: lanes.count }, (_, lane) => {
    const start = lanes.start(lane);
    let largest = -Infinity;
    for (let at = 0; at < lanes.size; at++) {
      largest = Math.max(largest, x[start + at * lanes.inner] ?? 0);
    }
    let sum = 0;
    for (let at = 0; at < lanes.size; at++) {
      sum += math.exp((x[start + at * lanes.inner] ?? 0) - largest);
    }
    return largest + math.log(sum);
  });
  const data = Float64Array.from(x, (value, index) => {
    const lane = floor(index / (lanes.inner * lanes.size)) * lanes.inner + (index % lanes.inner);
    return value - (logarithms[lane] ?? 0);
  });
  return [lossOf(call, { type, data }), tensorFrom(type, (index) => data[index] ?? 0)];
}
