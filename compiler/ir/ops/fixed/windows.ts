/** Means and interpolation of stored numbers. */
import { product } from "../../../../protocol/base/integers.ts";
import { roundHalfEven } from "../../../../protocol/base/math.ts";
import type { TensorType } from "../../graph.ts";
import { clampStored, storedFormat } from "../../fixed-point.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  requireThat,
  textAttribute,
} from "../../operator.ts";
import type {
  AttributeReader,
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../../operator.ts";
import { numeric, stridesOf } from "../../tensor.ts";
import { POOLING_OPS, poolGeometry } from "../pooling.ts";
import { REDUCTION_OPS } from "../reduction.ts";
import { RESIZE_OPS } from "../resize.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min, trunc } = Math;

/** The stored number that counts as zero: -128 where int8 stands for uint8. */
const ORIGIN = { origin: numberAttribute(0) };

export const FIXED_WINDOW_OPS = {
  fixed_average_pool: {
    docs: "The mean of each window of stored numbers, counted from `origin`: the whole sum by the count, ties away from it.",
    inputs: [1, 1],
    attributes: { ...POOLING_OPS.average_pool.attributes, ...ORIGIN },
    infer: POOLING_OPS.average_pool.infer,
    evaluator: element(poolElement),
    quantized: "fixed",
  },
  fixed_mean: {
    docs: "The mean over axes. whole: counted from `origin`, the whole sum by fround(fround(sx / sy) / count), the zero points as one float32, half to even; differences: the sum of (x - zx) by fround(sx / fround(sy * count)), half to even, plus zy.",
    inputs: [1, 1],
    attributes: {
      ...REDUCTION_OPS.reduce_mean.attributes,
      sum: numberAttribute(0),
      rule: textAttribute("whole"),
      ...ORIGIN,
    },
    infer: REDUCTION_OPS.reduce_mean.infer,
    evaluator: element(meanElement),
    quantized: "fixed",
  },
  fixed_resize: {
    docs: "Linear interpolation of the two spatial axes with weights of 11 bits in both directions.",
    inputs: [1, 1],
    attributes: RESIZE_OPS.resize.attributes,
    infer: inferResize,
    evaluator: element(resizeElement),
    quantized: "fixed",
  },
} as const satisfies Record<string, Operator>;

function poolElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const g = poolGeometry(call);
  const format = storedFormat(outputType(call));
  const origin = call.attributes.number("origin");
  const outPlane = g.outHeight * g.outWidth;
  return (index) => {
    const plane = floor(index / outPlane);
    const top = floor((index % outPlane) / g.outWidth) * g.strideY - g.padTop;
    const left = (index % g.outWidth) * g.strideX - g.padLeft;
    let [sum, count] = [0, 0];
    for (let y = max(top, 0); y < min(top + g.kernelHeight, g.inHeight); y++) {
      for (let column = max(left, 0); column < min(left + g.kernelWidth, g.inWidth); column++) {
        sum += (x[(plane * g.inHeight + y) * g.inWidth + column] ?? 0) - origin;
        count++;
      }
    }
    const half = floor(count / 2);
    const mean = trunc((sum > 0 ? sum + half : sum - half) / count);
    return clampStored(mean + origin, format);
  };
}

/** Offsets of the elements that one output element reads, and where each begins. */
function reducedOffsets(shape: readonly number[], axes: readonly number[]) {
  const strides = stridesOf(shape);
  const over = (which: readonly number[]): number[] =>
    which.reduce(
      (offsets, axis) =>
        offsets.flatMap((offset) =>
          Array.from({ length: shape[axis] ?? 0 }, (_, at) => offset + at * (strides[axis] ?? 0)),
        ),
      [0],
    );
  const kept = [...shape.keys()].filter((axis) => !axes.includes(axis));
  return { bases: over(kept), offsets: over(axes) };
}

function meanElement(call: EvaluationCall): ElementRule {
  const x = inputTensor(call, 0);
  const values = numeric(x);
  const rank = x.type.shape.length;
  const axes = call.attributes.numbers("axes").map((axis) => (axis < 0 ? axis + rank : axis));
  const { bases, offsets } = reducedOffsets(x.type.shape, axes);
  const to = storedFormat(outputType(call));
  const origin = call.attributes.number("origin");
  const sumFrom = (zero: number, index: number): number => {
    let sum = 0;
    for (const offset of offsets) sum += (values[(bases[index] ?? 0) + offset] ?? 0) - zero;
    return sum;
  };
  if (call.attributes.text("rule") === "differences") {
    const from = storedFormat(x.type);
    const factor = differenceFactor(x.type, outputType(call));
    return (index) => {
      const scaled = fround(fround(sumFrom(from.zeroPoint, index)) * factor);
      return clampStored(roundHalfEven(scaled) + to.zeroPoint, to);
    };
  }
  const { factor, zero } = meanNumbers(call, { from: x.type, to: outputType(call) });
  return (index) => {
    const scaled = fround(fround(sumFrom(origin, index)) * factor);
    return clampStored(roundHalfEven(fround(scaled + zero)) + origin, to);
  };
}

/** What the sum of differences is multiplied by. */
export function differenceFactor(x: TensorType, y: TensorType): number {
  const count = product(x.shape) / product(y.shape);
  return fround(storedFormat(x).scale / fround(storedFormat(y).scale * count));
}

/** What the sum is multiplied by, and what is added then; both count from the origin. */
export function meanNumbers(
  { attributes }: { readonly attributes: AttributeReader },
  types: { readonly from: TensorType; readonly to: TensorType },
): { readonly factor: number; readonly zero: number } {
  const [from, to] = [storedFormat(types.from), storedFormat(types.to)];
  const count = product(types.from.shape) / product(types.to.shape);
  const origin = attributes.number("origin");
  const share = attributes.number("sum") === 0 ? fround(1 / count) : 1;
  const factor = fround(fround(from.scale / to.scale) * share);
  const subtracted = fround(count * (from.zeroPoint - origin) * factor);
  return { factor, zero: fround(to.zeroPoint - origin - subtracted) };
}

function inferResize(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const sizes = call.attributes.numbers("sizes");
  requireThat(shape.length === 4 && sizes.length === 2, "takes images and two sizes");
  return [{ dtype, shape: [...shape.slice(0, 2), ...sizes] }];
}

const RESIZE_ONE = 2 ** 11;

interface Span {
  readonly from: number;
  readonly to: number;
  readonly coordinates: string;
}

/** The axes of an interpolation with weights in 1/2048. */
export function resizeNeighbours(
  attributes: AttributeReader,
  shape: readonly number[],
): readonly [vertical: StoredAxis, horizontal: StoredAxis] {
  const axis = (at: 0 | 1): StoredAxis => {
    const [from = 1, to = 1] = [shape[at + 2], attributes.numbers("sizes")[at]];
    const rule = neighboursOf({ from, to, coordinates: attributes.text("coordinates") });
    const places = Array.from({ length: to }, (_, index) => rule(index));
    return {
      low: Int32Array.from(places, ([low]) => low),
      high: Int32Array.from(places, ([, high]) => high),
      weight: Int32Array.from(places, ([, , weight]) => weight),
    };
  };
  return [axis(0), axis(1)];
}

/** For each output position the two input positions it lies between, and the weight of the second. */
export interface StoredAxis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Int32Array;
}

/** The two source indices around an output position, and the weight of the second in 1/2048. */
function neighboursOf({ from, to, coordinates }: Span): (at: number) => [number, number, number] {
  const less = coordinates === "align_corners" && to !== 1 ? 1 : 0;
  const scale = fround((from - less) / (to - less));
  const shift = coordinates === "half_pixel" ? fround(fround(0.5 * scale) - 0.5) : 0;
  return (at) => {
    const place = min(max(fround(fround(at * scale) + shift), 0), from - 1);
    const first = floor(place);
    return [first, min(first + 1, from - 1), roundHalfEven(fround((place - first) * RESIZE_ONE))];
  };
}

function resizeElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const [, , inHeight = 1, inWidth = 1] = inputTensor(call, 0).type.shape;
  const [, , outHeight = 1, outWidth = 1] = outputType(call).shape;
  const [vertical, horizontal] = resizeNeighbours(call.attributes, inputTensor(call, 0).type.shape);
  const between = (a: number, b: number, weight = 0): number => a * RESIZE_ONE + (b - a) * weight;
  return (index) => {
    const first = floor(index / (outHeight * outWidth)) * inHeight;
    const [row, column] = [floor(index / outWidth) % outHeight, index % outWidth];
    const across = (y = 0): number => {
      const at = (first + y) * inWidth;
      const [left, right] = [horizontal.low[column] ?? 0, horizontal.high[column] ?? 0];
      return between(x[at + left] ?? 0, x[at + right] ?? 0, horizontal.weight[column]);
    };
    const [upper, lower] = [across(vertical.low[row]), across(vertical.high[row])];
    return floor((between(upper, lower, vertical.weight[row]) + 2 ** 21) / 2 ** 22);
  };
}
