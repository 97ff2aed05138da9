/** Tensors: allocation, reading as numbers, shapes, strides and broadcasting. */
import { assert } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import type { DType, Tensor, TensorType, TypedArray } from "./graph.ts";
import { decodeHalf, encodeHalf } from "./half.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

export type NumericArray =
  Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Int32Array;

export const DTYPE_BYTES: Readonly<Record<DType, number>> = {
  f32: 4,
  f16: 2,
  i8: 1,
  u8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  bool: 1,
};

export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f16";
}

export function elementCount(type: TensorType): number {
  return product(type.shape);
}

export function allocate(dtype: DType, count: number): TypedArray {
  switch (dtype) {
    case "f32":
      return new Float32Array(count);
    case "f16":
      return new Uint16Array(count);
    case "i8":
      return new Int8Array(count);
    case "u8":
    case "bool":
      return new Uint8Array(count);
    case "i16":
      return new Int16Array(count);
    case "i32":
      return new Int32Array(count);
    case "i64":
      return new BigInt64Array(count);
  }
}

/** A tensor around existing elements, e.g. `tensor({ dtype: "f32", shape: [2] }, data)`. */
export function tensor(type: TensorType, data: TypedArray): Tensor {
  assert(data.length === elementCount(type), `tensor of ${type.shape} has ${data.length} elements`);
  return { type, data };
}

/** A tensor whose elements are computed from their row-major index and stored in the type's width. */
export function tensorFrom(type: TensorType, rule: (index: number) => number): Tensor {
  const count = elementCount(type);
  const data = allocate(type.dtype, count);
  if (data instanceof BigInt64Array) {
    for (let index = 0; index < count; index++) data[index] = BigInt(Math.trunc(rule(index)));
  } else if (type.dtype === "f16") {
    for (let index = 0; index < count; index++) data[index] = encodeHalf(rule(index));
  } else if (type.dtype === "bool") {
    for (let index = 0; index < count; index++) data[index] = rule(index) === 0 ? 0 : 1;
  } else {
    for (let index = 0; index < count; index++) data[index] = rule(index);
  }
  return { type, data };
}

/** A tensor of the given numbers. */
export function tensorOf(type: TensorType, values: readonly number[]): Tensor {
  assert(values.length === elementCount(type), "as many numbers as elements");
  return tensorFrom(type, (index) => values[index] ?? 0);
}

/** The elements as numbers: the tensor's own array, or a converted copy for i64 and f16. */
export function numeric(source: Tensor): NumericArray {
  const { data } = source;
  if (data instanceof BigInt64Array) return Float64Array.from(data, Number);
  if (data instanceof Uint16Array) return Float32Array.from(data, decodeHalf);
  return data;
}

/** The elements as a plain list; meant for small tensors such as shapes and axes. */
export function numberList(source: Tensor): number[] {
  return Array.from(numeric(source));
}

export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return strides;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Same element type and shape; encodings are not compared. */
export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** The common shape of two operands by the rules of NumPy, or undefined when there is none. */
export function broadcastShape(
  a: readonly number[],
  b: readonly number[],
): readonly number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const sizeA = a[axis - rank + a.length] ?? 1;
    const sizeB = b[axis - rank + b.length] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) return undefined;
    shape.push(sizeA === 1 ? sizeB : sizeA);
  }
  return shape;
}

/** Maps a row-major index of `to` onto the row-major index of the operand broadcast to it. */
export function broadcastIndex(
  from: readonly number[],
  to: readonly number[],
): (index: number) => number {
  if (product(from) === 1) return () => 0;
  if (product(from) === product(to)) return (index) => index;
  const fromStrides = stridesOf(from);
  const steps = to.map((_, axis) => {
    const own = axis - to.length + from.length;
    return own >= 0 && (from[own] ?? 1) > 1 ? (fromStrides[own] ?? 0) : 0;
  });
  return (index) => {
    let rest = index;
    let offset = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const size = to[axis] ?? 1;
      offset += (rest % size) * (steps[axis] ?? 0);
      rest = floor(rest / size);
    }
    return offset;
  };
}

/** An axis counted from the end when negative; undefined when out of range. */
export function normalizeAxis(axis: number, rank: number): number | undefined {
  const counted = axis < 0 ? axis + rank : axis;
  return Number.isInteger(counted) && counted >= 0 && counted < rank ? counted : undefined;
}
