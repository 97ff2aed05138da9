/** Reductions over axes. */
import * as math from "../../../protocol/base/math.ts";
import type { Attribute, DType, Tensor, TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric } from "../tensor.ts";
import { INTEGER_LIMITS } from "../limits.ts";
import { axesWithin, offsetsBeside, offsetsOver } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

interface Fold {
  readonly start: number;
  readonly step: (total: number, value: number) => number;
  readonly finish?: (total: number, count: number) => number;
  /** The arithmetic on float32, where it is another. */
  readonly float?: Omit<Fold, "start" | "float">;
}

const ATTRIBUTES = {
  /** Empty: all of them, or none where `none` is 1. */
  axes: numbersAttribute([]),
  none: numberAttribute(0),
  keepdims: numberAttribute(1),
};

const sum = (total: number, value: number): number => total + value;
const floatSum = (total: number, value: number): number => fround(total + value);

export const REDUCTION_OPS = {
  reduce_mean: reduction("The mean over the axes.", {
    start: 0,
    step: sum,
    finish: (total, count) => total / count,
    // As the runtimes: float32 sums in order, times a reciprocal.
    float: { step: floatSum, finish: (total, count) => total * fround(1 / count) },
  }),
  reduce_sum: reduction("The sum over the axes.", { start: 0, step: sum }),
  reduce_prod: reduction("The product over the axes.", { start: 1, step: (total, x) => total * x }),
  reduce_max: comparing("The maximum over the axes.", {
    start: -Infinity,
    step: (total, value) => Math.max(total, value),
  }),
  reduce_min: comparing("The minimum over the axes.", {
    start: Infinity,
    step: (total, value) => Math.min(total, value),
  }),
  reduce_l1: reduction("The sum of magnitudes over the axes.", {
    start: 0,
    step: (total, value) => total + Math.abs(value),
  }),
  reduce_l2: reduction("The root of the sum of squares over the axes.", {
    start: 0,
    step: (total, value) => total + value * value,
    finish: Math.sqrt,
  }),
  reduce_sum_square: reduction("The sum of squares over the axes.", {
    start: 0,
    step: (total, value) => total + value * value,
  }),
  reduce_log_sum: reduction("The logarithm of the sum over the axes.", {
    start: 0,
    step: sum,
    finish: math.log,
  }),
  reduce_log_sum_exp: {
    docs: "The logarithm of the sum of e^x over the axes; the largest x is taken out first.",
    inputs: [1, 1],
    attributes: ATTRIBUTES,
    normal: normalReduction,
    infer: inferReduction,
    evaluator: element(logSumExpElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function reduction(docs: string, fold: Fold): Operator {
  const evaluator = element((call) => reduceElement(call, fold));
  const rules = { attributes: ATTRIBUTES, normal: normalReduction, infer: inferReduction };
  return { docs, inputs: [1, 1], ...rules, evaluator, quantized: "none" };
}

/** Elements are compared, not computed with: any encoding will do. */
function comparing(docs: string, fold: Fold): Operator {
  return { ...reduction(docs, fold), quantized: "movement" };
}

function normalReduction(call: InferenceCall): Record<string, Attribute> {
  const { attributes } = call;
  const rank = inputType(call, 0).shape.length;
  const given = axesWithin(attributes.numbers("axes"), rank);
  const keepdims = attributes.number("keepdims");
  if (given.length > 0) return { axes: given, keepdims };
  const none = attributes.number("none");
  return {
    axes: none === 0 ? Array.from({ length: rank }, (_, axis) => axis) : [],
    none,
    keepdims,
  };
}

function inferReduction(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const axes = new Set(axesWithin(call.attributes.numbers("axes"), shape.length));
  const ones = shape.map((size, axis) => (axes.has(axis) ? 1 : size));
  const keep = call.attributes.number("keepdims") !== 0;
  return [{ dtype, shape: keep ? ones : ones.filter((_, axis) => !axes.has(axis)) }];
}

interface Folding {
  readonly x: ArrayLike<number>;
  /** The first element of every result, and what is added to reach the others. */
  readonly bases: Int32Array;
  readonly offsets: Int32Array;
}

function foldingOf(call: EvaluationCall): Folding {
  const operand: Tensor = inputTensor(call, 0);
  const { shape } = operand.type;
  const axes = new Set(axesWithin(call.attributes.numbers("axes"), shape.length));
  const bases = offsetsBeside(shape, axes);
  return { x: numeric(operand), bases, offsets: offsetsOver(shape, axes) };
}

function reduceElement(call: EvaluationCall, fold: Fold): ElementRule {
  const { x, bases, offsets } = foldingOf(call);
  const { dtype } = outputType(call);
  const hold = withinType(dtype);
  const { step, finish } = (dtype === "f32" ? fold.float : undefined) ?? fold;
  return (index) => {
    const base = bases[index] ?? 0;
    let total = fold.start;
    for (let at = 0; at < offsets.length; at++) {
      total = step(total, x[base + (offsets[at] ?? 0)] ?? 0);
    }
    return hold(finish?.(total, offsets.length) ?? total);
  };
}

/** The extreme of nothing is infinite; a whole-number type holds its own limit instead. */
function withinType(dtype: DType): (value: number) => number {
  const range = INTEGER_LIMITS[dtype];
  if (range === undefined) return (value) => value;
  const [low, high] = range;
  return (value) => (value === Infinity ? high : value === -Infinity ? low : Math.trunc(value));
}

function logSumExpElement(call: EvaluationCall): ElementRule {
  const { x, bases, offsets } = foldingOf(call);
  return (index) => {
    const base = bases[index] ?? 0;
    let largest = -Infinity;
    for (const offset of offsets) largest = Math.max(largest, x[base + offset] ?? 0);
    if (!Number.isFinite(largest)) return largest;
    let total = 0;
    for (const offset of offsets) total += math.exp((x[base + offset] ?? 0) - largest);
    return largest + math.log(total);
  };
}
