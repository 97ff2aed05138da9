/** Means and interpolation of stored numbers. */
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
} from "../../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../../operator.ts";
import { numeric, stridesOf } from "../../tensor.ts";
import { POOLING_OPS, poolGeometry } from "../pooling.ts";
import { REDUCTION_OPS } from "../reduction.ts";
import { RESIZE_OPS } from "../resize.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min, trunc } = Math;

export const FIXED_WINDOW_OPS = {
  fixed_average_pool: {
    docs: "The mean of each window of stored numbers: the whole sum by the count, ties away from zero.",
    inputs: [1, 1],
    attributes: POOLING_OPS.average_pool.attributes,
    infer: POOLING_OPS.average_pool.infer,
    evaluator: element(poolElement),
    quantized: "fixed",
  },
  fixed_mean: {
    docs: "The mean over axes: the whole sum by fround(fround(sx / sy) / count), the zero points as one float32, half to even.",
    inputs: [1, 1],
    attributes: { ...REDUCTION_OPS.reduce_mean.attributes, sum: numberAttribute(0) },
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
  const outPlane = g.outHeight * g.outWidth;
  return (index) => {
    const plane = floor(index / outPlane);
    const top = floor((index % outPlane) / g.outWidth) * g.strideY - g.padTop;
    const left = (index % g.outWidth) * g.strideX - g.padLeft;
    let [sum, count] = [0, 0];
    for (let y = max(top, 0); y < min(top + g.kernelHeight, g.inHeight); y++) {
      for (let column = max(left, 0); column < min(left + g.kernelWidth, g.inWidth); column++) {
        sum += x[(plane * g.inHeight + y) * g.inWidth + column] ?? 0;
        count++;
      }
    }
    const half = floor(count / 2);
    return clampStored(trunc((sum > 0 ? sum + half : sum - half) / count), format);
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
  const [from, to] = [storedFormat(x.type), storedFormat(outputType(call))];
  const share = call.attributes.number("sum") === 0 ? fround(1 / offsets.length) : 1;
  const factor = fround(fround(from.scale / to.scale) * share);
  const zero = fround(to.zeroPoint - fround(offsets.length * from.zeroPoint * factor));
  return (index) => {
    let sum = 0;
    for (const offset of offsets) sum += values[(bases[index] ?? 0) + offset] ?? 0;
    return clampStored(roundHalfEven(fround(fround(fround(sum) * factor) + zero)), to);
  };
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
  const coordinates = call.attributes.text("coordinates");
  const vertical = neighboursOf({ from: inHeight, to: outHeight, coordinates });
  const horizontal = neighboursOf({ from: inWidth, to: outWidth, coordinates });
  return (index) => {
    const first = floor(index / (outHeight * outWidth)) * inHeight;
    const [top, bottom, down] = vertical(floor(index / outWidth) % outHeight);
    const [left, right, along] = horizontal(index % outWidth);
    const across = (row: number): number => {
      const a = x[(first + row) * inWidth + left] ?? 0;
      return a * RESIZE_ONE + ((x[(first + row) * inWidth + right] ?? 0) - a) * along;
    };
    const upper = across(top);
    const sum = upper * RESIZE_ONE + (across(bottom) - upper) * down;
    return floor((sum + 2 ** 21) / 2 ** 22);
  };
}
