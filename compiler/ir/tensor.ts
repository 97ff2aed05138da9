/** Tensors: allocation, reading as numbers, shapes, strides and broadcasting. */
import { assert } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import { CodedError } from "../../protocol/base/result.ts";
import type { DType, Elements, Tensor, TensorType } from "./graph.ts";
import { encodeNarrow, isNarrowFloat, narrowValues } from "./narrow-floats.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** One element as it is stored: bits of a narrow float, BigInt for 64-bit integers, or text. */
export type Stored = number | bigint | string;

/** Bytes of one element in memory; strings have no width of their own. */
export const DTYPE_BYTES: Readonly<Record<DType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  f8e4m3fn: 1,
  f8e4m3fnuz: 1,
  f8e5m2: 1,
  f8e5m2fnuz: 1,
  f8e8m0: 1,
  f4e2m1: 1,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  i4: 1,
  i2: 1,
  u64: 8,
  u32: 4,
  u16: 2,
  u8: 1,
  u4: 1,
  u2: 1,
  bool: 1,
  string: 0,
};

/** Bits of an element where formats pack several into a byte. */
export const DTYPE_PACKED_BITS: Readonly<Partial<Record<DType, 2 | 4>>> = {
  i4: 4,
  u4: 4,
  f4e2m1: 4,
  i2: 2,
  u2: 2,
};

export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f64" || isNarrowFloat(dtype);
}

export function isInteger(dtype: DType): boolean {
  return !isFloat(dtype) && dtype !== "bool" && dtype !== "string";
}

export function elementCount(type: TensorType): number {
  return product(type.shape);
}

const ARRAYS = {
  f64: Float64Array,
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  f8e4m3fn: Uint8Array,
  f8e4m3fnuz: Uint8Array,
  f8e5m2: Uint8Array,
  f8e5m2fnuz: Uint8Array,
  f8e8m0: Uint8Array,
  f4e2m1: Uint8Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  i4: Int8Array,
  i2: Int8Array,
  u64: BigUint64Array,
  u32: Uint32Array,
  u16: Uint16Array,
  u8: Uint8Array,
  u4: Uint8Array,
  u2: Uint8Array,
  bool: Uint8Array,
} as const;

/** Zeros; empty texts for strings. */
export function allocate(dtype: DType, count: number): Elements {
  return dtype === "string" ? new Array<string>(count).fill("") : new ARRAYS[dtype](count);
}

/** A view on bytes as the elements of a type; the offset must suit the type's width. */
export function viewElements(dtype: DType, bytes: Uint8Array): Elements {
  assert(dtype !== "string", "texts are no bytes");
  const count = bytes.length / DTYPE_BYTES[dtype];
  return new ARRAYS[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, count);
}

/** The bytes of a tensor's elements, shared. */
export function elementBytes({ data }: Tensor): Uint8Array {
  assert(!Array.isArray(data), "texts are no bytes");
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A tensor around existing elements, e.g. `tensor({ dtype: "f32", shape: [2] }, data)`. */
export function tensor(type: TensorType, data: Elements): Tensor {
  assert(data.length === elementCount(type), `tensor of ${type.shape} has ${data.length} elements`);
  return { type, data };
}

/** A tensor whose elements are fetched when somebody first looks: weights of which only the shape is asked cost nothing. */
export function lazyTensor(type: TensorType, fetch: () => Elements): Tensor {
  return {
    type,
    get data() {
      const { data } = tensor(type, fetch());
      Object.defineProperty(this, "data", { value: data, enumerable: true });
      return data;
    },
  };
}

/** Whether the elements are there: `lazyTensor` checks their number when it fetches them. */
export function isFetched(value: Tensor): boolean {
  return Object.getOwnPropertyDescriptor(value, "data")?.get === undefined;
}

/** A tensor whose elements are computed from their row-major index and stored in the type's width. */
export function tensorFrom(type: TensorType, rule: (index: number) => number): Tensor {
  const data = allocate(type.dtype, elementCount(type));
  const { length } = data;
  const store = storing(type.dtype);
  if (Array.isArray(data)) {
    for (let index = 0; index < length; index++) data[index] = String(rule(index));
  } else if (store === undefined) {
    const plain = data as NumericArray;
    for (let index = 0; index < length; index++) plain[index] = rule(index);
  } else {
    const array = data as { [index: number]: Stored };
    for (let index = 0; index < length; index++) array[index] = store(rule(index));
  }
  return { type, data };
}

/** A tensor whose elements are given as they are stored: copying without conversion. */
export function tensorStored(type: TensorType, rule: (index: number) => Stored): Tensor {
  const data = allocate(type.dtype, elementCount(type));
  const array = data as { [index: number]: Stored };
  for (let index = 0; index < data.length; index++) array[index] = rule(index);
  return { type, data };
}

/** A tensor of the given numbers. */
export function tensorOf(type: TensorType, values: readonly number[]): Tensor {
  assert(values.length === elementCount(type), "as many numbers as elements");
  return tensorFrom(type, (index) => values[index] ?? 0);
}

/** A tensor of texts. */
export function textTensor(shape: readonly number[], values: readonly string[]): Tensor {
  return tensor({ dtype: "string", shape }, [...values]);
}

/** How a number becomes an element of the type. Whole numbers wrap, fractions are cut off. */
export function storedFrom(dtype: DType): (value: number) => Stored {
  if (dtype === "string") return String;
  const scratch = new ARRAYS[dtype](1) as { [index: number]: Stored };
  const store = storing(dtype);
  return (value) => {
    scratch[0] = store === undefined ? value : store(value);
    return scratch[0];
  };
}

/** The conversion that the typed array does not do by itself. */
function storing(dtype: DType): ((value: number) => Stored) | undefined {
  if (isNarrowFloat(dtype)) return (value) => encodeNarrow(dtype, value);
  switch (dtype) {
    case "i64":
    case "u64":
      return (value) => (Number.isFinite(value) ? BigInt(Math.trunc(value)) : -(2n ** 63n));
    case "i4":
    case "i2":
      return dtype === "i4" ? (value) => (value << 28) >> 28 : (value) => (value << 30) >> 30;
    case "u4":
    case "u2":
      return dtype === "u4" ? (value) => value & 15 : (value) => value & 3;
    case "bool":
      return (value) => (value === 0 ? 0 : 1);
    default:
      return undefined;
  }
}

/**
 * The elements as numbers: the tensor's own array, or a converted copy for 64-bit integers (beyond
 * 2^53 rounded) and narrow floats. Throws BAD_NODE for texts.
 */
export function numeric({ type, data }: Tensor): NumericArray {
  if (Array.isArray(data)) throw new CodedError("BAD_NODE", "texts are no numbers");
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Float64Array.from(data as BigInt64Array, Number);
  }
  if (!isNarrowFloat(type.dtype)) return data;
  const values = narrowValues(type.dtype);
  return Float32Array.from(data, (code) => values[code] ?? 0);
}

/** The elements as a plain list; meant for small tensors such as shapes and axes. */
export function numberList(source: Tensor): number[] {
  return Array.from(numeric(source));
}

/** The elements of a tensor of texts; throws BAD_NODE for any other. */
export function textList({ data }: Tensor): readonly string[] {
  if (Array.isArray(data)) return data;
  throw new CodedError("BAD_NODE", "the elements are numbers, not texts");
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
