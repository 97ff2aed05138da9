/** resize: nearest and linear interpolation of the two spatial axes. */
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

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

export const COORDINATES = [
  "asymmetric",
  "half_pixel",
  "pytorch_half_pixel",
  "align_corners",
] as const;
export const NEAREST_ROUNDING = [
  "floor",
  "ceil",
  "round_prefer_floor",
  "round_prefer_ceil",
] as const;

export const RESIZE_OPS = {
  resize: {
    docs: "x [N,C,H,W] at the spatial `sizes`; `scales` are out/in as the model states them.",
    inputs: [1, 1],
    attributes: {
      sizes: numbersAttribute(),
      scales: numbersAttribute(),
      mode: textAttribute("nearest"),
      coordinates: textAttribute("half_pixel"),
      nearest: textAttribute("round_prefer_floor"),
    },
    infer: inferResize,
    evaluator: element(resizeElement),
    quantized: "movement",
  },
} as const satisfies Record<string, Operator>;

function inferResize(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(shape.length === 4, "input must have 4 dimensions");
  const { attributes } = call;
  const sizes = attributes.numbers("sizes");
  const scales = attributes.numbers("scales");
  requireThat(sizes.length === 2 && sizes.every((size) => size >= 1), "sizes must be two");
  requireThat(scales.length === 2 && scales.every((scale) => scale > 0), "scales must be two");
  const known: readonly string[] = COORDINATES;
  requireThat(known.includes(attributes.text("coordinates")), "unknown coordinate mode");
  const rounding: readonly string[] = NEAREST_ROUNDING;
  requireThat(rounding.includes(attributes.text("nearest")), "unknown rounding");
  requireThat(["nearest", "linear"].includes(attributes.text("mode")), "unknown mode");
  requireThat(dtype === "f32" || attributes.text("mode") === "nearest", "linear takes floats");
  return [{ dtype, shape: [...shape.slice(0, 2), ...sizes] }];
}

/** One axis of a resize. */
export interface ResizeAxis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly coordinates: string;
  readonly nearest: string;
}

/** The source coordinate, in elements, of output position `at`. */
export function sourceCoordinate(axis: ResizeAxis, at: number): number {
  switch (axis.coordinates) {
    case "asymmetric":
      return at / axis.scale;
    case "align_corners":
      return axis.to === 1 ? 0 : (at * (axis.from - 1)) / (axis.to - 1);
    case "pytorch_half_pixel":
      return axis.to === 1 ? 0 : (at + 0.5) / axis.scale - 0.5;
    default:
      return (at + 0.5) / axis.scale - 0.5;
  }
}

/** The source index that nearest interpolation copies to output position `at`. */
export function nearestSource(axis: ResizeAxis, at: number): number {
  const coordinate = sourceCoordinate(axis, at);
  return Math.min(Math.max(roundNearest(coordinate, axis.nearest), 0), axis.from - 1);
}

function roundNearest(coordinate: number, rule: string): number {
  switch (rule) {
    case "floor":
      return floor(coordinate);
    case "ceil":
      return Math.ceil(coordinate);
    case "round_prefer_ceil":
      return floor(coordinate + 0.5);
    default:
      return Math.ceil(coordinate - 0.5);
  }
}

/** The vertical and the horizontal axis of a resize node. */
export function resizeAxes(
  attributes: AttributeReader,
  inputShape: readonly number[],
): readonly [ResizeAxis, ResizeAxis] {
  const [height = 1, width = 1] = attributes.numbers("sizes");
  const [scaleY = 1, scaleX = 1] = attributes.numbers("scales");
  const rules = {
    coordinates: attributes.text("coordinates"),
    nearest: attributes.text("nearest"),
  };
  const vertical = { from: inputShape[2] ?? 1, to: height, scale: scaleY, ...rules };
  return [vertical, { from: inputShape[3] ?? 1, to: width, scale: scaleX, ...rules }];
}

function resizeElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const [, , outHeight = 1, outWidth = 1] = outputType(call).shape;
  const [, , inHeight = 1, inWidth = 1] = shape;
  const [vertical, horizontal] = resizeAxes(call.attributes, shape);
  const linear = call.attributes.text("mode") === "linear";
  const read = (plane: number, y: number, column: number): number =>
    x[(plane * inHeight + y) * inWidth + column] ?? 0;
  return (index) => {
    const plane = floor(index / (outHeight * outWidth));
    const y = floor(index / outWidth) % outHeight;
    const column = index % outWidth;
    if (!linear) return read(plane, nearestSource(vertical, y), nearestSource(horizontal, column));
    const [top, bottom, down] = neighbours(vertical, y);
    const [left, right, along] = neighbours(horizontal, column);
    const upper = read(plane, top, left) * (1 - along) + read(plane, top, right) * along;
    const lower = read(plane, bottom, left) * (1 - along) + read(plane, bottom, right) * along;
    return upper * (1 - down) + lower * down;
  };
}

/** The two source indices around an output position, and the weight of the second. */
export function neighbours(axis: ResizeAxis, at: number): readonly [number, number, number] {
  const coordinate = Math.min(Math.max(sourceCoordinate(axis, at), 0), axis.from - 1);
  const first = floor(coordinate);
  return [first, Math.min(first + 1, axis.from - 1), coordinate - first];
}
