/** Linear resizing of images as a chip computes it, in fp16 and on stored integers alike. */
import { roundHalfEven } from "../../../protocol/base/math.ts";
import type { TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numbersAttribute,
  outputType,
  requireThat,
  textAttribute,
} from "../operator.ts";
import type {
  AttributeReader,
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../operator.ts";
import { numeric } from "../tensor.ts";
import { sourceCoordinate } from "./resize.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min } = Math;

export const LERP_OPS = {
  lerp_resize: {
    docs: "x [1,C,H,W] at the spatial sizes by linear interpolation in float32: across, then down, rounded once. int8: by weights of 7 bits, ((128 - v) * upper + v * lower + 2^13) div 2^14 of upper and lower (128 - h) * left + h * right.",
    inputs: [1, 1],
    attributes: {
      sizes: numbersAttribute(),
      scales: numbersAttribute(),
      coordinates: textAttribute("half_pixel"),
    },
    infer: inferLerp,
    evaluator: element(lerpElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function inferLerp(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const sizes = call.attributes.numbers("sizes");
  requireThat(shape.length === 4 && sizes.length === 2, "images are resized to two sizes");
  return [{ dtype, shape: [...shape.slice(0, 2), ...sizes] }];
}

/** For each output position the two input positions it lies between, and how near it is to the second. */
export interface LerpAxis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** float32 in [0, 1). */
  readonly weight: Float32Array;
}

export function lerpAxes(
  attributes: AttributeReader,
  shape: readonly number[],
): readonly [vertical: LerpAxis, horizontal: LerpAxis] {
  const axis = (at: 0 | 1): LerpAxis => {
    const [from = 1, to = 1] = [shape[at + 2], attributes.numbers("sizes")[at]];
    const scale = attributes.numbers("scales")[at] ?? to / from;
    const coordinates = attributes.text("coordinates");
    const rule = { from, to, scale, coordinates, nearest: "floor", roi: [0, 1] as const };
    const places = Float64Array.from({ length: to }, (_, index) =>
      min(max(sourceCoordinate(rule, index), 0), from - 1),
    );
    return {
      low: Int32Array.from(places, floor),
      high: Int32Array.from(places, (place, index) => {
        // What lies before the first element is as the first.
        return sourceCoordinate(rule, index) < 0 ? 0 : min(floor(place) + 1, from - 1);
      }),
      weight: Float32Array.from(places, (place) => place - floor(place)),
    };
  };
  return [axis(0), axis(1)];
}

/** What weights of int8 are fractions of. */
export const LERP_ONE = 128;

/** A weight of int8 as a whole number of steps. */
export function lerpSteps(weight: number): number {
  return roundHalfEven(weight * LERP_ONE);
}

type Between = (a: number, b: number, weight: number) => number;

const betweenFloats: Between = (a, b, weight) => fround(a + fround(fround(b - a) * weight));
const betweenBytes: Between = (a, b, weight) => {
  const steps = lerpSteps(weight);
  return (LERP_ONE - steps) * a + steps * b;
};

/** Between two neighbours, and what becomes of the result. */
function lerpRule({
  dtype,
  quantization,
}: TensorType): readonly [Between, (value: number) => number] {
  if (quantization === undefined) return [betweenFloats, (value) => value];
  if (dtype !== "i8") return [betweenFloats, roundHalfEven];
  const square = LERP_ONE * LERP_ONE;
  return [betweenBytes, (value) => floor((value + square / 2) / square)];
}

function lerpElement(call: EvaluationCall): ElementRule {
  const { type } = inputTensor(call, 0);
  const x = numeric(inputTensor(call, 0));
  const [, , height = 1, width = 1] = type.shape;
  const [, , outHeight = 1, outWidth = 1] = outputType(call).shape;
  const [vertical, horizontal] = lerpAxes(call.attributes, type.shape);
  const [between, store] = lerpRule(outputType(call));
  return (index) => {
    const plane = floor(index / (outHeight * outWidth)) * height * width;
    const y = floor(index / outWidth) % outHeight;
    const column = index % outWidth;
    const [left = 0, right = 0] = [horizontal.low[column], horizontal.high[column]];
    const across = (row: number): number => {
      const at = plane + row * width;
      return between(x[at + left] ?? 0, x[at + right] ?? 0, horizontal.weight[column] ?? 0);
    };
    const [top, bottom] = [across(vertical.low[y] ?? 0), across(vertical.high[y] ?? 0)];
    return store(between(top, bottom, vertical.weight[y] ?? 0));
  };
}
