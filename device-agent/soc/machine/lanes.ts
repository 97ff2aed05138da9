/** Expressions that several kernels share: rounding, NaN, the way through a pointer table. */
import { f32x4, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder } from "../../../protocol/wasm/function.ts";

/** float32 lanes rounded half to even and saturated to int32; NaN gives 0. */
export function roundedHalfEven(value: Expression<"v128">): Expression<"v128"> {
  return op("i32x4.trunc_sat_f32x4_s", op("f32x4.nearest", value));
}

/** The canonical NaN in place of any: engines differ in the bits they make. */
export function canonicalNan(f: FunctionBuilder, value: Expression<"v128">): Expression<"v128"> {
  const result = f.local("v128");
  f.set(result, value);
  return op("v128.bitselect", result, f32x4(NaN), op("f32x4.eq", result, result));
}

/** Address, less VTCM, of a pixel's 32 channels; `pointers` is the table's entry for column 0 of the pixel's row. */
export function pixelAddress(pixel: {
  readonly pointers: Expression<"i32">;
  readonly y: Expression<"i32">;
  readonly x: Expression<"i32">;
}): Expression<"i32"> {
  const entry = op("i32.shl", op("i32.shr_u", pixel.x, 3), 2);
  const crouton = load("i32.load", op("i32.add", pixel.pointers, entry));
  const inRow = op("i32.shl", op("i32.and", pixel.y, 7), 8);
  const inColumn = op("i32.shl", op("i32.and", pixel.x, 7), 5);
  return op("i32.add", crouton, op("i32.or", inRow, inColumn));
}
