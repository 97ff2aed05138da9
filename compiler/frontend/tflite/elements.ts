/** Bytes of the file as elements. */
import { DTYPE_BYTES, viewElements } from "../../ir/index.ts";
import type { DType, TypedArray } from "../../ir/index.ts";

/** `count` elements over the bytes themselves where they are aligned, over a copy elsewhere. */
export function elements(bytes: Uint8Array, dtype: DType, count: number): TypedArray | undefined {
  if (dtype === "string" || bytes.length !== count * DTYPE_BYTES[dtype]) return undefined;
  const aligned = bytes.byteOffset % DTYPE_BYTES[dtype] === 0 ? bytes : bytes.slice();
  return viewElements(dtype, aligned) as TypedArray;
}
