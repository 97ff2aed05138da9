/** Tensor tables to types, and the values that the file holds to tensors. */
import { product } from "../../../protocol/base/integers.ts";
import { tensor } from "../../ir/index.ts";
import type { DType, Quantization, Tensor, TensorType } from "../../ir/index.ts";
import { LIMITS, refuse } from "../failure.ts";
import { elements } from "./elements.ts";
import type { FlatFile } from "./flat-buffer.ts";
import type { ModelTable, TensorTable } from "./schema.ts";
import { densified } from "./sparse.ts";

/** TensorType of the schema. Elements of fewer than eight bits are computed with as int8. */
const ELEMENT_TYPES: ReadonlyMap<number, DType> = new Map([
  [0, "f32"],
  [1, "f16"],
  [2, "i32"],
  [3, "u8"],
  [4, "i64"],
  [6, "bool"],
  [7, "i16"],
  [9, "i8"],
  [10, "f64"],
  [12, "u64"],
  [15, "u32"],
  [16, "u16"],
  [17, "i8"],
  [18, "bf16"],
]);
const INT4 = 17;
/** A handle of a variable; it has no elements. */
export const RESOURCE = 13;

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [5, "string"],
  [8, "complex64"],
  [11, "complex128"],
  [RESOURCE, "resource"],
  [14, "variant"],
]);

/** Scales that no number could be stored with are a fault of the file. */
const SCALE_MIN = 1e-38;

export function elementType(code: number, owner: string): DType {
  const known = ELEMENT_TYPES.get(code);
  if (known !== undefined) return known;
  const name = TYPE_NAMES.get(code) ?? `type ${code}`;
  return refuse("UNSUPPORTED_TYPE", `${owner} has elements of ${name}`, { node: owner });
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

/** The declared type; `shape` replaces the declared one where dimensions were open. */
export function tensorType(table: TensorTable, shape: readonly number[]): TensorType {
  const owner = table.name;
  const type = { dtype: elementType(table.type, owner), shape: checkedShape(shape, owner) };
  const quantization = encodingOf(table, shape);
  return quantization === undefined ? type : { ...type, quantization };
}

/** How stored numbers mean real ones; undefined where the file does not say. */
export function encodingOf(
  table: TensorTable,
  shape: readonly number[] = table.shape,
): Quantization | undefined {
  const { quantization: stored, name } = table;
  if (stored === undefined || stored.scales.length === 0) return undefined;
  const { scales } = stored;
  const zeroPoints = scales.map(
    (_, index) => stored.zeroPoints[index] ?? stored.zeroPoints[0] ?? 0,
  );
  const isSound = scales.every((scale) => Number.isFinite(scale) && scale >= SCALE_MIN);
  if (!isSound || !zeroPoints.every((zero) => Number.isSafeInteger(zero))) {
    // Files quantised without data leave scales of zero on what is not quantised at all.
    if (scales.every((scale) => scale === 0)) return undefined;
    refuse("BAD_MODEL", `${name} has no sound scale`, { node: name });
  }
  if (scales.length === 1) return { scales, zeroPoints };
  // Biases of rank one name the axis of the weights they belong to.
  const axis = Math.min(stored.axis, Math.max(shape.length - 1, 0));
  if (axis < 0 || shape[axis] !== scales.length) {
    refuse("BAD_MODEL", `${name} has ${scales.length} scales on axis ${axis}`, { node: name });
  }
  return { scales, zeroPoints, axis };
}

/** The value that the file holds for a tensor; undefined where it is computed at run time. */
export function storedTensor(
  file: FlatFile,
  model: ModelTable,
  table: TensorTable,
): Tensor | undefined {
  const bytes = bufferOf(file, model, table);
  if (bytes === undefined || bytes.length === 0) return undefined;
  const type = tensorType(table, table.shape);
  if (table.sparsity !== undefined) {
    return densified({ file, sparsity: table.sparsity, type, bytes, name: table.name });
  }
  const count = product(type.shape);
  const data =
    table.type === INT4 ? unpackedInt4(bytes, count) : elements(bytes, type.dtype, count);
  if (data?.length === count) return tensor(type, data);
  return refuse("BAD_MODEL", `${table.name} has ${bytes.length} bytes for [${type.shape}]`, {
    node: table.name,
  });
}

function bufferOf(file: FlatFile, model: ModelTable, table: TensorTable): Uint8Array | undefined {
  if (table.externalBuffer !== 0) {
    refuse("UNSUPPORTED_TYPE", `${table.name} keeps its data in another file`);
  }
  const buffer = model.buffers[table.buffer];
  if (buffer === undefined) {
    return refuse("BAD_MODEL", `${table.name} is in buffer ${table.buffer}, which does not exist`);
  }
  // Files beyond 2 GiB keep data after the flatbuffer; offsets 0 and 1 say that they do not.
  if (buffer.offset <= 1) return buffer.data;
  if (buffer.offset + buffer.size > file.bytes.length) {
    refuse("BAD_MODEL", `${table.name} lies beyond the end of the file`, { node: table.name });
  }
  return file.bytes.subarray(buffer.offset, buffer.offset + buffer.size);
}

/** Two elements a byte, the first in the low half. */
function unpackedInt4(bytes: Uint8Array, count: number): Int8Array | undefined {
  if (bytes.length !== Math.ceil(count / 2)) return undefined;
  return Int8Array.from({ length: count }, (_, index) => {
    const byte = bytes[index >> 1] ?? 0;
    return ((index & 1) === 0 ? byte << 28 : byte << 24) >> 28;
  });
}
