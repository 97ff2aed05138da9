/** Tensor messages to tensors: views on the file where alignment allows, copies elsewhere. */
import { concatBytes } from "../../../protocol/base/bytes.ts";
import { product } from "../../../protocol/base/integers.ts";
import {
  allocate,
  DTYPE_BYTES,
  DTYPE_PACKED_BITS,
  lazyTensor,
  numberList,
  tensor,
  textTensor,
  viewElements,
} from "../../ir/index.ts";
import type { DType, Elements, Tensor } from "../../ir/index.ts";
import { integer, text } from "./decode.ts";
import type { SparseTensorProto, TensorProto } from "./decode.ts";
import { externalBytes } from "./external.ts";
import type { ReadExternal } from "./external.ts";
import { LIMITS, refuse } from "./failure.ts";

/** TensorProto.DataType of the public format. */
export const ELEMENT_TYPES: ReadonlyMap<number, DType> = new Map([
  [1, "f32"],
  [2, "u8"],
  [3, "i8"],
  [4, "u16"],
  [5, "i16"],
  [6, "i32"],
  [7, "i64"],
  [8, "string"],
  [9, "bool"],
  [10, "f16"],
  [11, "f64"],
  [12, "u32"],
  [13, "u64"],
  [16, "bf16"],
  [17, "f8e4m3fn"],
  [18, "f8e4m3fnuz"],
  [19, "f8e5m2"],
  [20, "f8e5m2fnuz"],
  [21, "u4"],
  [22, "i4"],
  [23, "f4e2m1"],
  [24, "f8e8m0"],
  [25, "u2"],
  [26, "i2"],
]);

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [14, "complex64"],
  [15, "complex128"],
]);

const EXTERNAL = 1;

export function elementType(code: number, owner: string): DType {
  const known = ELEMENT_TYPES.get(code);
  if (known !== undefined) return known;
  const name = TYPE_NAMES.get(code) ?? `type ${code}`;
  return refuse("UNSUPPORTED_TYPE", `${owner} has elements of ${name}`, { node: owner });
}

/** Throws ImportError; `owner` names the value or node in messages. */
export function readTensor(
  message: TensorProto,
  owner: string,
  readExternal?: ReadExternal,
): Tensor {
  const dtype = elementType(message.dataType ?? 0, owner);
  const shape = checkedShape((message.dims ?? []).map(integer), owner);
  const count = product(shape);
  const isExternal = message.dataLocation === EXTERNAL;
  const raw = isExternal ? externalBytes(message, owner, readExternal) : message.rawData;
  if (raw instanceof Uint8Array && isMisaligned(raw, dtype, count)) {
    // The copy that typed arrays need waits for its first reader: loading then takes no memory beside the file.
    return lazyTensor({ dtype, shape }, () => viewElements(dtype, raw.slice()));
  }
  const data =
    raw !== undefined && raw !== null && (raw.length > 0 || isExternal) && dtype !== "string"
      ? fromRaw(raw, dtype, count)
      : fromLists(message, dtype, count);
  if (data === undefined || data.length !== count) {
    const has = data?.length ?? 0;
    refuse("BAD_MODEL", `${owner} has ${has} elements, its shape says ${count}`, { node: owner });
  }
  return tensor({ dtype, shape }, data);
}

/** A sparse tensor is held dense: zeros, and the values where the indices say. */
export function readSparseTensor(message: SparseTensorProto, owner: string): Tensor {
  const shape = checkedShape((message.dims ?? []).map(integer), owner);
  if (!message.values || !message.indices) {
    return refuse("BAD_MODEL", `${owner} is sparse without values or indices`, { node: owner });
  }
  const values = readTensor(message.values, owner);
  const indices = readTensor(message.indices, owner);
  const count = values.data.length;
  const [rows = 0, width] = indices.type.shape;
  const isLinear = indices.type.shape.length === 1;
  if (indices.type.dtype !== "i64" || rows !== count || !(isLinear || width === shape.length)) {
    refuse("BAD_MODEL", `${owner} has indices that do not fit its values`, { node: owner });
  }
  const data = allocate(values.type.dtype, product(shape));
  const list = numberList(indices);
  for (let entry = 0; entry < count; entry++) {
    const at = isLinear ? (list[entry] ?? -1) : linearIndex(list, entry, shape);
    if (!(at >= 0 && at < data.length)) {
      refuse("BAD_MODEL", `${owner} has an index outside its shape`, { node: owner });
    }
    (data as (typeof values.data)[number][])[at] = values.data[entry] ?? 0;
  }
  return tensor({ dtype: values.type.dtype, shape }, data);
}

/** Row `entry` of an index matrix as a row-major index; -1 when it is outside. */
function linearIndex(list: readonly number[], entry: number, shape: readonly number[]): number {
  let at = 0;
  for (const [axis, size] of shape.entries()) {
    const index = list[entry * shape.length + axis] ?? -1;
    if (index < 0 || index >= size) return -1;
    at = at * size + index;
  }
  return at;
}

/** A shape within the limits, or a refusal that names its owner. */
export function checkedShape(shape: readonly number[], owner: string): readonly number[] {
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    refuse("BAD_MODEL", `${owner} has the shape [${shape.join(",")}]`, { node: owner });
  }
  if (shape.length > LIMITS.rankMax || product(shape) > LIMITS.elementsMax) {
    refuse("LIMIT_EXCEEDED", `${owner} has the shape [${shape.join(",")}]`, { node: owner });
  }
  return shape;
}

/** Whether the bytes hold all elements, at a place where no typed array can begin. */
function isMisaligned(bytes: Uint8Array, dtype: DType, count: number): boolean {
  const size = DTYPE_BYTES[dtype];
  const isWhole = DTYPE_PACKED_BITS[dtype] === undefined && dtype !== "string";
  return isWhole && count > 0 && bytes.length === count * size && bytes.byteOffset % size !== 0;
}

function fromRaw(bytes: Uint8Array, dtype: DType, count: number): Elements | undefined {
  const bits = DTYPE_PACKED_BITS[dtype];
  if (bits !== undefined) return unpacked(bytes, { dtype, bits, count });
  const size = DTYPE_BYTES[dtype];
  if (bytes.length % size !== 0) return undefined;
  return viewElements(dtype, bytes.byteOffset % size === 0 ? bytes : bytes.slice());
}

interface Packing {
  readonly dtype: DType;
  readonly bits: 2 | 4;
  readonly count: number;
}

/** Several elements a byte, the first in the lowest bits. */
function unpacked(bytes: Uint8Array, packing: Packing): Elements | undefined {
  const { dtype, bits, count } = packing;
  const perByte = 8 / bits;
  if (bytes.length !== Math.ceil(count / perByte)) return undefined;
  const data = allocate(dtype, count) as Uint8Array;
  const isSigned = dtype === "i4" || dtype === "i2";
  for (let index = 0; index < count; index++) {
    const byte = bytes[Math.floor(index / perByte)] ?? 0;
    const low = (byte >> ((index % perByte) * bits)) & ((1 << bits) - 1);
    data[index] = isSigned ? (low << (32 - bits)) >> (32 - bits) : low;
  }
  return data;
}

/** The typed lists of the message, as older files carry their elements. */
function fromLists(m: TensorProto, dtype: DType, count: number): Elements | undefined {
  switch (dtype) {
    case "string":
      return textTensor([m.stringData?.length ?? 0], (m.stringData ?? []).map(text)).data;
    case "f32":
      return fromRaw(joined(m.floatData), dtype, count);
    case "f64":
      return fromRaw(joined(m.doubleData), dtype, count);
    case "i64":
      return varints(m.int64Data, count);
    case "u64":
    case "u32":
      return converted(varints(m.uint64Data, count), dtype);
    default:
      return fromNarrowList(m, dtype, count);
  }
}

/** int32_data holds every narrower type; packed types come a byte at a time. */
function fromNarrowList(m: TensorProto, dtype: DType, count: number): Elements | undefined {
  const bits = DTYPE_PACKED_BITS[dtype];
  if (bits === undefined) return converted(varints(m.int32Data, count), dtype);
  const values = varints(m.int32Data, Math.ceil((count * bits) / 8));
  return values && unpacked(Uint8Array.from(values, Number), { dtype, bits, count });
}

function converted(values: BigInt64Array | undefined, dtype: DType): Elements | undefined {
  if (values === undefined) return undefined;
  const data = allocate(dtype, values.length);
  if (data instanceof BigUint64Array) data.set(values);
  else values.forEach((value, index) => (data[index] = Number(value)));
  return data;
}

function joined(chunks: readonly Uint8Array[] | null | undefined): Uint8Array {
  const [first, ...others] = chunks ?? [];
  if (first === undefined) return new Uint8Array(0);
  return others.length === 0 ? first : concatBytes([first, ...others]);
}

/** Packed signed varints; undefined when one is cut off or there are more than `count`. */
function varints(
  chunks: readonly Uint8Array[] | null | undefined,
  count: number,
): BigInt64Array | undefined {
  const bytes = joined(chunks);
  const values = new BigInt64Array(Math.min(count, bytes.length));
  let [at, length] = [0, 0];
  while (at < bytes.length) {
    let [value, shift] = [0n, 0n];
    for (let more = true; more; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n || length >= values.length) return undefined;
      value |= BigInt(byte & 127) << shift;
      more = byte >= 128;
    }
    values[length++] = BigInt.asIntN(64, value);
  }
  return values.subarray(0, length);
}
