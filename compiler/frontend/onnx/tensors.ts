/** Tensor messages to tensors: views on the file where alignment allows, copies elsewhere. */
import { concatBytes } from "../../../protocol/base/bytes.ts";
import { product } from "../../../protocol/base/integers.ts";
import { allocate, DTYPE_BYTES, tensor, viewElements } from "../../ir/index.ts";
import type { DType, Elements, Tensor } from "../../ir/index.ts";
import { integer } from "./decode.ts";
import type { TensorProto } from "./decode.ts";
import { LIMITS, refuse } from "./failure.ts";

/** TensorProto.DataType of the public format. */
export const ELEMENT_TYPES: ReadonlyMap<number, DType> = new Map([
  [1, "f32"],
  [2, "u8"],
  [3, "i8"],
  [5, "i16"],
  [6, "i32"],
  [7, "i64"],
  [9, "bool"],
  [10, "f16"],
]);

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [4, "uint16"],
  [8, "string"],
  [11, "double"],
  [12, "uint32"],
  [13, "uint64"],
  [14, "complex64"],
  [15, "complex128"],
  [16, "bfloat16"],
]);

const EXTERNAL = 1;

export function elementType(code: number, owner: string): DType {
  const known = ELEMENT_TYPES.get(code);
  if (known !== undefined) return known;
  const name = TYPE_NAMES.get(code) ?? `type ${code}`;
  return refuse("UNSUPPORTED_TYPE", `${owner} has elements of ${name}`, { node: owner });
}

/** Throws ImportError; `owner` names the value or node in messages. */
export function readTensor(message: TensorProto, owner: string): Tensor {
  const dtype = elementType(message.dataType ?? 0, owner);
  const shape = checkedShape((message.dims ?? []).map(integer), owner);
  if (message.dataLocation === EXTERNAL) {
    refuse("UNSUPPORTED_TYPE", `${owner} keeps its data in another file`, { node: owner });
  }
  const data = readElements(message, dtype, product(shape));
  if (data === undefined || data.length !== product(shape)) {
    const [has, needs] = [data?.length ?? 0, product(shape)];
    refuse("BAD_MODEL", `${owner} has ${has} elements, its shape says ${needs}`, { node: owner });
  }
  return tensor({ dtype, shape }, data);
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

function readElements(m: TensorProto, dtype: DType, count: number): Elements | undefined {
  const raw = m.rawData;
  if (raw !== undefined && raw !== null && raw.length > 0) return fromBytes(raw, dtype);
  if (dtype === "f32") return fromBytes(joined(m.floatData), dtype);
  const values = dtype === "i64" ? varints(m.int64Data, count) : varints(m.int32Data, count);
  if (values === undefined) return undefined;
  const data = allocate(dtype, values.length);
  if (data instanceof BigInt64Array) data.set(values);
  else values.forEach((value, index) => (data[index] = Number(value)));
  return data;
}

function joined(chunks: readonly Uint8Array[] | null | undefined): Uint8Array {
  const [first, ...others] = chunks ?? [];
  if (first === undefined) return new Uint8Array(0);
  return others.length === 0 ? first : concatBytes([first, ...others]);
}

function fromBytes(bytes: Uint8Array, dtype: DType): Elements | undefined {
  const size = DTYPE_BYTES[dtype];
  if (bytes.length % size !== 0) return undefined;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return viewElements(dtype, aligned);
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
