/** Resizing along any axes: nearest, linear and cubic interpolation, cropping and antialiasing. */
import type { Attribute, TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
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
import { isFloat, numeric, stridesOf } from "../tensor.ts";
import { axesWithin } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, ceil, floor, max, min } = Math;

export const COORDINATES = [
  "asymmetric",
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "crop_and_resize",
  "tf_half_pixel",
] as const;

const NEAREST_ROUNDING = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"] as const;

const MODES = ["nearest", "linear", "cubic"] as const;

export const RESIZE_OPS = {
  resize: {
    docs: "x at the sizes, or at its own times the scales, along the axes (the last ones when empty).",
    inputs: [1, 1],
    attributes: {
      sizes: numbersAttribute([]),
      scales: numbersAttribute([]),
      axes: numbersAttribute([]),
      /** stretch, not_larger or not_smaller: how sizes keep the proportions. */
      policy: textAttribute("stretch"),
      mode: textAttribute("nearest"),
      coordinates: textAttribute("half_pixel"),
      nearest: textAttribute("round_prefer_floor"),
      /** The coefficient of cubic interpolation. */
      cubic: numberAttribute(-0.75),
      antialias: numberAttribute(0),
      /** 1: taps outside have no weight, and the others share theirs. */
      exclude_outside: numberAttribute(0),
      /** For crop_and_resize: starts, then ends, as parts of each axis. */
      roi: numbersAttribute([]),
      extrapolation: numberAttribute(0),
    },
    normal: normalResize,
    infer: inferResize,
    evaluator: element(resizeElement),
    quantized: "movement",
  },
} as const satisfies Record<string, Operator>;

interface Target {
  readonly axis: number;
  readonly size: number;
  readonly scale: number;
  readonly roi: readonly [number, number];
}

/** Sizes, scales and region of the axes that change; an image keeps both of its axes. */
function normalResize(call: InferenceCall): Record<string, Attribute> {
  const { shape } = inputType(call, 0);
  const { attributes } = call;
  const read = (name: string) => attributes.numbers(name);
  const crops = attributes.text("coordinates") === "crop_and_resize";
  const all = targetsOf(call);
  const changed = all.filter((to) => crops || to.size !== shape[to.axis] || to.scale !== 1);
  const isImage = shape.length === 4 && changed.every(({ axis }) => axis >= 2);
  const image = [2, 3].map((axis) => all.find((to) => to.axis === axis) ?? kept(shape, axis));
  const targets = isImage ? image : changed;
  return {
    sizes: targets.map((to) => to.size),
    scales: targets.map((to) => to.scale),
    axes: lastAxes(targets, shape.length) ? [] : targets.map((to) => to.axis),
    roi: crops
      ? [0, 1].flatMap((side) => targets.map((to) => to.roi[side as 0 | 1]))
      : read("roi").slice(0, 0),
    mode: attributes.text("mode"),
    coordinates: attributes.text("coordinates"),
    nearest: attributes.text("nearest"),
    cubic: attributes.number("cubic"),
    antialias: attributes.number("antialias"),
    exclude_outside: attributes.number("exclude_outside"),
    extrapolation: attributes.number("extrapolation"),
  };
}

function lastAxes(targets: readonly Target[], rank: number): boolean {
  return targets.every(({ axis }, at) => axis === rank - targets.length + at);
}

function kept(shape: readonly number[], axis: number): Target {
  return { axis, size: shape[axis] ?? 1, scale: 1, roi: [0, 1] };
}

function targetsOf(call: InferenceCall): readonly Target[] {
  const { shape } = inputType(call, 0);
  const { attributes } = call;
  const [sizes, scales, roi] = [
    attributes.numbers("sizes"),
    attributes.numbers("scales"),
    attributes.numbers("roi"),
  ];
  const count = max(sizes.length, scales.length);
  requireThat(count <= shape.length, `${count} sizes for ${shape.length} axes`);
  const axes = namedAxes(attributes, shape.length);
  requireThat(axes.length === count, "one size or scale per axis");
  const from = axes.map((axis) => shape[axis] ?? 1);
  const wanted = sizes.map((size, at) => size / (from[at] ?? 1));
  const policy = attributes.text("policy");
  const common = policy === "not_larger" ? min(...wanted) : max(...wanted);
  return axes.map((axis, at): Target => {
    const size = from[at] ?? 1;
    const cut = [roi[at] ?? 0, roi[at + count] ?? 1] as const;
    if (sizes.length === 0) {
      const scale = scales[at] ?? 1;
      const part = roi.length > 0 ? cut[1] - cut[0] : 1;
      return { axis, size: floor(size * part * scale), scale, roi: cut };
    }
    if (policy === "stretch") {
      return { axis, size: sizes[at] ?? 1, scale: scales[at] ?? wanted[at] ?? 1, roi: cut };
    }
    return { axis, size: floor(common * size + 0.5), scale: common, roi: cut };
  });
}

function namedAxes(attributes: AttributeReader, rank: number): readonly number[] {
  const count = max(attributes.numbers("sizes").length, attributes.numbers("scales").length);
  const last = Array.from({ length: count }, (_, at) => rank - count + at);
  const named = attributes.numbers("axes");
  return axesWithin(named.length === 0 ? last : named, rank);
}

function inferResize(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const { attributes } = call;
  const read = (name: string) => attributes.numbers(name);
  const [sizes, scales] = [read("sizes"), read("scales")];
  const axes = namedAxes(attributes, shape.length);
  requireThat(
    sizes.every((size) => Number.isInteger(size) && size >= 0),
    "sizes must be whole",
  );
  requireThat(
    scales.every((scale) => scale > 0),
    "scales must be positive",
  );
  requireKnown("mode", MODES, attributes);
  requireKnown("coordinates", COORDINATES, attributes);
  requireKnown("nearest", NEAREST_ROUNDING, attributes);
  const floats = isFloat(dtype) || attributes.text("mode") === "nearest" || dtype !== "i8";
  requireThat(floats, "int8 is resized by nearest alone");
  const out = [...shape];
  for (const [at, axis] of axes.entries()) out[axis] = sizes[at] ?? 1;
  return [{ dtype, shape: out }];
}

function requireKnown(name: string, known: readonly string[], attributes: AttributeReader): void {
  requireThat(known.includes(attributes.text(name)), `${name} ${attributes.text(name)} is unknown`);
}

/** One axis of a resize. */
export interface ResizeAxis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly coordinates: string;
  readonly nearest: string;
  readonly roi?: readonly [number, number];
}

/** The source coordinate, in elements, of output position `at`. */
export function sourceCoordinate(axis: ResizeAxis, at: number): number {
  const { from, scale } = axis;
  // The length before it was rounded down to whole elements.
  const length = from * scale;
  switch (axis.coordinates) {
    case "asymmetric":
      return at / scale;
    case "align_corners":
      return axis.to === 1 ? 0 : (at * (from - 1)) / (length - 1);
    case "pytorch_half_pixel":
      return axis.to === 1 ? 0 : (at + 0.5) / scale - 0.5;
    case "tf_half_pixel":
      return (at + 0.5) / scale;
    case "half_pixel_symmetric":
      return (from / 2) * (1 - axis.to / length) + (at + 0.5) / scale - 0.5;
    case "crop_and_resize": {
      const [start, end] = axis.roi ?? [0, 1];
      if (axis.to === 1) return 0.5 * (start + end) * (from - 1);
      return (start + (at * (end - start)) / (axis.to - 1)) * (from - 1);
    }
    default:
      return (at + 0.5) / scale - 0.5;
  }
}

/** The source index that nearest interpolation copies to output position `at`. */
export function nearestSource(axis: ResizeAxis, at: number): number {
  const coordinate = sourceCoordinate(axis, at);
  return min(max(roundNearest(coordinate, axis.nearest), 0), axis.from - 1);
}

function roundNearest(coordinate: number, rule: string): number {
  switch (rule) {
    case "floor":
      return floor(coordinate);
    case "ceil":
      return ceil(coordinate);
    case "round_prefer_ceil":
      return floor(coordinate + 0.5);
    default:
      return ceil(coordinate - 0.5);
  }
}

/** Whether a resize in normal form is of the last two axes, by nearest or by linear interpolation alone. */
export function isPlainResize(attributes: AttributeReader): boolean {
  const image = attributes.numbers("sizes").length === 2 && attributes.numbers("axes").length === 0;
  const special = attributes.number("antialias") + attributes.number("exclude_outside");
  const crops = attributes.text("coordinates") === "crop_and_resize";
  return image && special === 0 && !crops && attributes.text("mode") !== "cubic";
}

/** The vertical and the horizontal axis of a plain resize. */
export function resizeAxes(
  attributes: AttributeReader,
  inputShape: readonly number[],
): readonly [ResizeAxis, ResizeAxis] {
  const [vertical, horizontal] = axesOf(attributes, inputShape);
  const plain = isPlainResize(attributes) && inputShape.length === 4;
  requireThat(plain && !!vertical && !!horizontal, "this is no plain resize of an image");
  return [vertical, horizontal];
}

function axesOf(attributes: AttributeReader, shape: readonly number[]): readonly ResizeAxis[] {
  const [sizes, scales] = [attributes.numbers("sizes"), attributes.numbers("scales")];
  const [axes, roi] = [namedAxes(attributes, shape.length), attributes.numbers("roi")];
  const coordinates = attributes.text("coordinates");
  const nearest = attributes.text("nearest");
  return axes.map((axis, at) => ({
    from: shape[axis] ?? 1,
    to: sizes[at] ?? 1,
    scale: scales[at] ?? 1,
    coordinates,
    nearest,
    roi: [roi[at] ?? 0, roi[at + axes.length] ?? 1],
  }));
}

/** What an output position along one axis is made of; no taps where it lies outside the region. */
interface Taps {
  readonly sources: readonly number[];
  readonly weights: readonly number[];
}

function resizeElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const { attributes } = call;
  const strides = stridesOf(shape);
  const out = outputType(call).shape;
  const tables = new Map<number, readonly Taps[]>();
  const resized = axesOf(attributes, shape);
  for (const [at, axis] of namedAxes(attributes, shape.length).entries()) {
    const rule = resized[at];
    if (rule === undefined) continue;
    const taps = Array.from({ length: rule.to }, (_, to) => tapsOf(attributes, rule, to));
    tables.set(axis, taps);
  }
  const extrapolation = attributes.number("extrapolation");
  // Sums over the taps of this axis and of those before it; NaN cannot stand for "outside" here.
  const sum = (axis: number, rest: number, offset: number): number | undefined => {
    if (axis < 0) return x[offset] ?? 0;
    const size = out[axis] ?? 1;
    const [at, outer, stride] = [rest % size, floor(rest / size), strides[axis] ?? 1];
    const taps = tables.get(axis)?.[at];
    if (taps === undefined) return sum(axis - 1, outer, offset + at * stride);
    let total: number | undefined;
    for (let tap = 0; tap < taps.sources.length; tap++) {
      const part = sum(axis - 1, outer, offset + (taps.sources[tap] ?? 0) * stride);
      if (part === undefined) return undefined;
      // From negative zero on, which leaves every number as it is: one that is copied keeps its sign.
      total = (total ?? -0) + part * (taps.weights[tap] ?? 0);
    }
    return total;
  };
  return (index) => sum(out.length - 1, index, 0) ?? extrapolation;
}

function tapsOf(attributes: AttributeReader, axis: ResizeAxis, at: number): Taps {
  const coordinate = sourceCoordinate(axis, at);
  const outside = coordinate < 0 || coordinate > axis.from - 1;
  if (axis.coordinates === "crop_and_resize" && outside) return { sources: [], weights: [] };
  const mode = attributes.text("mode");
  if (mode === "nearest") return { sources: [nearestSource(axis, at)], weights: [1] };
  const cubic = attributes.number("cubic");
  const kernel = mode === "linear" ? linearKernel : (x: number) => cubicKernel(x, cubic);
  // Antialiasing widens the kernel by as much as the axis shrinks.
  const narrowing = attributes.number("antialias") === 0 ? 1 : min(1, axis.scale);
  const reach = mode === "linear" ? 1 : 2;
  const first = floor(coordinate);
  const start = floor(-reach / narrowing) + 1;
  const taps = Array.from({ length: 2 - 2 * start }, (_, tap) => first + start + tap);
  const isInside = (source: number): boolean => source >= 0 && source < axis.from;
  const drop = attributes.number("exclude_outside") !== 0;
  const raw = taps.map((source) =>
    drop && !isInside(source) ? 0 : kernel((source - coordinate) * narrowing),
  );
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  return {
    sources: taps.map((source) => min(max(source, 0), axis.from - 1)),
    weights: raw.map((weight) => weight / total),
  };
}

function linearKernel(x: number): number {
  return max(0, 1 - abs(x));
}

function cubicKernel(x: number, a: number): number {
  const far = abs(x);
  if (far <= 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
  return far < 2 ? ((a * far - 5 * a) * far + 8 * a) * far - 4 * a : 0;
}

/** The two source indices around an output position, and the weight of the second. */
export function neighbours(axis: ResizeAxis, at: number): readonly [number, number, number] {
  const coordinate = min(max(sourceCoordinate(axis, at), 0), axis.from - 1);
  const first = floor(coordinate);
  return [first, min(first + 1, axis.from - 1), coordinate - first];
}
