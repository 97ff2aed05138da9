/** Ways through a tensor's elements that many operators share: lanes along an axis, strided views. */
import { product } from "../../protocol/base/integers.ts";
import type { Tensor, TensorType } from "./graph.ts";
import { isFloat, normalizeAxis, numeric, stridesOf } from "./tensor.ts";
import type { Stored } from "./tensor.ts";
import { inputType, reject } from "./operator.ts";
import type { InferenceCall } from "./operator.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

/** A tensor seen along one axis: `count` lanes of `size` elements that lie `inner` apart. */
export interface Lanes {
  readonly count: number;
  readonly size: number;
  readonly inner: number;
  /** The row-major index of the lane's first element. */
  readonly start: (lane: number) => number;
}

export function lanesAlong(shape: readonly number[], axis: number): Lanes {
  const inner = product(shape.slice(axis + 1));
  const size = shape[axis] ?? 1;
  const start = (lane: number) => floor(lane / inner) * size * inner + (lane % inner);
  return { count: product(shape.slice(0, axis)) * inner, size, inner, start };
}

/** An axis counted from the end when negative; refuses the node when it is out of range. */
export function axisWithin(axis: number, rank: number): number {
  return normalizeAxis(axis, rank) ?? reject(`axis ${axis} is out of range for ${rank} dimensions`);
}

/** Axes counted from the start, in the given order; refuses repetitions. */
export function axesWithin(axes: readonly number[], rank: number): readonly number[] {
  const counted = axes.map((axis) => axisWithin(axis, rank));
  if (new Set(counted).size !== counted.length) reject(`axes [${axes}] name one axis twice`);
  return counted;
}

/** Maps a row-major index of `shape` onto start + the sum of coordinate times step. */
export function stridedIndex(
  shape: readonly number[],
  steps: readonly number[],
  start = 0,
): (index: number) => number {
  return (index) => {
    let [rest, offset] = [index, start];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] ?? 1;
      offset += (rest % size) * (steps[axis] ?? 0);
      rest = floor(rest / size);
    }
    return offset;
  };
}

/** Writes the coordinates of a row-major index into `into`. */
export function coordinatesOf(shape: readonly number[], index: number, into: number[]): number[] {
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    into[axis] = rest % size;
    rest = floor(rest / size);
  }
  return into;
}

/** Row-major offsets of all elements that the given axes span, from their first one. */
export function offsetsOver(shape: readonly number[], axes: Iterable<number>): Int32Array {
  const strides = stridesOf(shape);
  const spanned = [...axes].sort((a, b) => a - b);
  const sizes = spanned.map((axis) => shape[axis] ?? 1);
  const indexOf = stridedIndex(
    sizes,
    spanned.map((axis) => strides[axis] ?? 0),
  );
  return Int32Array.from({ length: product(sizes) }, (_, index) => indexOf(index));
}

/** Offsets over all axes but the given ones. */
export function offsetsBeside(shape: readonly number[], axes: ReadonlySet<number>): Int32Array {
  return offsetsOver(
    shape,
    [...shape.keys()].filter((axis) => !axes.has(axis)),
  );
}

/** Shape rule: the type of the input at that position, without its encoding. */
export function likeInput(position = 0): (call: InferenceCall) => readonly TensorType[] {
  return (call) => [plainType(inputType(call, position))];
}

export function plainType(type: TensorType): TensorType {
  return { dtype: type.dtype, shape: type.shape };
}

/** The elements as they are stored, of any type. */
export function storedElements(source: Tensor): ArrayLike<Stored> {
  return source.data;
}

/** Elements that compare as their values do: 64-bit integers and texts stay exact. */
export function comparable(source: Tensor): ArrayLike<Stored> {
  return isFloat(source.type.dtype) ? numeric(source) : source.data;
}
