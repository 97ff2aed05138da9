/** Windows that move over one to three spatial axes: attributes, geometry, and what each one covers. */
import { divCeil } from "../../../protocol/base/integers.ts";
import type { Attribute } from "../graph.ts";
import { numbersAttribute, requireThat, textAttribute } from "../operator.ts";
import type { AttributeReader } from "../operator.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { ceil, floor, max } = Math;

/** Lists have one number a spatial axis, pads all begins and then all ends; empty lists mean ones, or no pads. */
export const WINDOW_ATTRIBUTES = {
  strides: numbersAttribute([]),
  dilations: numbersAttribute([]),
  pads: numbersAttribute([]),
  /** none, valid, same_upper or same_lower: how pads follow from the sizes. */
  auto_pad: textAttribute("none"),
};

/** Windows over an image in numbers, as convolutions and poolings have them; sizes in elements. */
export interface WindowGeometry {
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** A window along one axis; sizes in elements. */
export interface WindowAxis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  /** How many places the window takes. */
  readonly count: number;
}

/** Depth, height and width; an axis that the input does not have is of size 1. */
export type WindowAxes = readonly [WindowAxis, WindowAxis, WindowAxis];

const ABSENT: WindowAxis = {
  size: 1,
  kernel: 1,
  stride: 1,
  dilation: 1,
  before: 0,
  after: 0,
  count: 1,
};

export function lifted(axes: readonly WindowAxis[]): WindowAxes {
  requireThat(axes.length >= 1 && axes.length <= 3, `${axes.length} spatial dimensions`);
  const [z = ABSENT, y = ABSENT, x = ABSENT] = [
    ...[ABSENT, ABSENT].slice(axes.length - 1),
    ...axes,
  ];
  return [z, y, x];
}

/** One number per axis; all the same one where the attribute is empty. */
export function perAxis(
  attributes: AttributeReader,
  name: string,
  usual: { readonly count: number; readonly value: number },
): readonly number[] {
  const values = attributes.numbers(name);
  if (values.length === 0) return new Array<number>(usual.count).fill(usual.value);
  requireThat(values.length === usual.count, `${name} must be ${usual.count} numbers`);
  return values;
}

interface Extent {
  readonly sizes: readonly number[];
  readonly kernel: readonly number[];
}

/** Strides, dilations and pads spelled out, one an axis. */
export function spelledOut(attributes: AttributeReader, extent: Extent) {
  const count = extent.sizes.length;
  const strides = perAxis(attributes, "strides", { count, value: 1 });
  const dilations = perAxis(attributes, "dilations", { count, value: 1 });
  const mode = attributes.text("auto_pad");
  if (mode === "none") {
    const pads = perAxis(attributes, "pads", { count: 2 * count, value: 0 });
    return { strides, dilations, pads };
  }
  const totals = extent.sizes.map((size, axis) => {
    if (mode === "valid") return 0;
    const [stride, covered] = [strides[axis] ?? 1, coveredBy(extent, dilations, axis)];
    return max(0, (divCeil(size, stride) - 1) * stride + covered - size);
  });
  return { strides, dilations, pads: sharedPads(totals, mode) };
}

/** Lists of ones and lists of no pads are empty. */
function normalWindow(
  attributes: AttributeReader,
  extent: Extent,
): Readonly<Record<"strides" | "dilations" | "pads", readonly number[]>> {
  return briefly(spelledOut(attributes, extent));
}

export function briefly<K extends string>(
  lists: Readonly<Record<K, readonly number[]>>,
): Readonly<Record<K, readonly number[]>> {
  const brief = Object.entries<readonly number[]>(lists).map(([name, values]) => {
    const usual = name === "strides" || name === "dilations" ? 1 : 0;
    return [name, values.every((value) => value === usual) ? [] : values];
  });
  return Object.fromEntries(brief) as Readonly<Record<K, readonly number[]>>;
}

/** An odd total gives its last element to the end, or to the start for same_lower. */
export function sharedPads(totals: readonly number[], mode: string): readonly number[] {
  requireThat(["valid", "same_upper", "same_lower"].includes(mode), `unknown auto_pad ${mode}`);
  const [smaller, larger] = [
    totals.map((total) => floor(total / 2)),
    totals.map((t) => ceil(t / 2)),
  ];
  return mode === "same_lower" ? [...larger, ...smaller] : [...smaller, ...larger];
}

function coveredBy(extent: Extent, dilations: readonly number[], axis: number): number {
  return (dilations[axis] ?? 1) * ((extent.kernel[axis] ?? 1) - 1) + 1;
}

/** The axes of a window whose attributes are in normal form. */
export function windowAxes(
  attributes: AttributeReader,
  extent: Extent,
  ceilMode = false,
): readonly WindowAxis[] {
  const { strides, dilations, pads } = spelledOut(attributes, extent);
  const rank = extent.sizes.length;
  requireThat(extent.kernel.length === rank, `a window over ${rank} axes has as many sizes`);
  const steps = [...strides, ...dilations, ...extent.kernel];
  requireThat(
    steps.every((step) => Number.isInteger(step) && step >= 1),
    "kernel, strides and dilations must be positive",
  );
  return extent.sizes.map((size, axis): WindowAxis => {
    const covered = coveredBy(extent, dilations, axis);
    const [before = 0, after = 0] = [pads[axis], pads[axis + rank]];
    requireThat(covered <= size + before + after, "the window is larger than the padded input");
    const partial = { size, kernel: extent.kernel[axis] ?? 1, before, after };
    const sides = { ...partial, stride: strides[axis] ?? 1, dilation: dilations[axis] ?? 1 };
    return { ...sides, count: placeCount(sides, covered, ceilMode) };
  });
}

function placeCount(axis: Omit<WindowAxis, "count">, covered: number, ceilMode: boolean): number {
  const steps = (axis.size + axis.before + axis.after - covered) / axis.stride;
  const count = (ceilMode ? ceil(steps) : floor(steps)) + 1;
  // A window that would begin in the padding after the image is dropped.
  const startsOutside = ceilMode && (count - 1) * axis.stride >= axis.size + axis.before;
  return startsOutside ? count - 1 : count;
}

/** The taps of one place that meet an element, and the elements' positions. */
export interface Reach {
  readonly taps: Int32Array;
  readonly sources: Int32Array;
}

/** What the window covers at each of its places. */
export function windowReach(axis: WindowAxis): readonly Reach[] {
  return reachOf(axis, (place, tap) => place * axis.stride - axis.before + tap * axis.dilation);
}

/** What reaches each place of the output of a transposed window. */
export function transposedReach(axis: WindowAxis): readonly Reach[] {
  return reachOf(axis, (place, tap) => (place + axis.before - tap * axis.dilation) / axis.stride);
}

function reachOf(
  axis: WindowAxis,
  sourceOf: (place: number, tap: number) => number,
): readonly Reach[] {
  return Array.from({ length: axis.count }, (_, place): Reach => {
    const met: [tap: number, source: number][] = [];
    for (let tap = 0; tap < axis.kernel; tap++) {
      const source = sourceOf(place, tap);
      if (Number.isInteger(source) && source >= 0 && source < axis.size) met.push([tap, source]);
    }
    const [taps, sources] = [met.map(([tap]) => tap), met.map(([, source]) => source)];
    return { taps: Int32Array.from(taps), sources: Int32Array.from(sources) };
  });
}

/** The normal form of a window's attributes beside others of the node. */
export function withWindow(
  attributes: AttributeReader,
  extent: Extent,
  others: Readonly<Record<string, Attribute>>,
): Record<string, Attribute> {
  return { ...normalWindow(attributes, extent), ...others };
}
