/** Expressions that several kernels share: rounding, NaN, the way through a pointer table. */
import { f32x4, i32x4, load, op } from "../../../protocol/wasm/expression.ts";
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

/** fp16 in the upper halves of the lanes, lower halves anything, as float32; a NaN keeps its bits. */
export function halfToFloat(f: FunctionBuilder, word: Expression<"v128">): Expression<"v128"> {
  const shifted = f.local("v128");
  // Sign, exponent and fraction in their float32 places; the exponent counts from another bias, 112 less.
  f.set(shifted, op("v128.and", op("i32x4.shr_s", word, 3), i32x4(0x8fffe000)));
  const magnitude = op("v128.and", shifted, i32x4(0x0fffe000));
  const isSpecial = op("i32x4.gt_s", magnitude, i32x4(0x0f7fffff));
  const scaled = op("f32x4.mul", shifted, f32x4(2 ** 112));
  return op("v128.or", scaled, op("v128.and", isSpecial, i32x4(0x7f800000)));
}

/** fp16 bits, in the lower halves of the lanes, nearest to float32 values, ties to even; every NaN is 0x7e00. */
export function floatToHalf(f: FunctionBuilder, value: Expression<"v128">): Expression<"v128"> {
  const [bits, magnitude, result] = [f.local("v128"), f.local("v128"), f.local("v128")];
  f.set(bits, value);
  f.set(magnitude, op("v128.and", bits, i32x4(0x7fffffff)));
  const isOdd = op("v128.and", op("i32x4.shr_u", magnitude, 13), i32x4(1));
  // The exponent's bias changes by 112; adding just under half a step, and the odd bit, rounds to even.
  const normal = op("i32x4.add", op("i32x4.add", magnitude, isOdd), i32x4(0xfff - (112 << 23)));
  f.set(result, op("i32x4.shr_u", normal, 13));
  // Below 2^-14: adding a half leaves the fraction, in steps of 2^-24, in the lowest bits.
  const small = op("i32x4.sub", op("f32x4.add", magnitude, f32x4(0.5)), i32x4(0x3f000000));
  const isSmall = op("i32x4.lt_s", magnitude, i32x4(113 << 23));
  f.set(result, op("v128.bitselect", small, result, isSmall));
  const isLarge = op("i32x4.gt_s", magnitude, i32x4((143 << 23) - 1));
  f.set(result, op("v128.bitselect", i32x4(0x7c00), result, isLarge));
  const sign = op("v128.and", op("i32x4.shr_u", bits, 16), i32x4(0x8000));
  f.set(result, op("v128.or", result, sign));
  const isNan = op("i32x4.gt_s", magnitude, i32x4(0x7f800000));
  return op("v128.bitselect", i32x4(0x7e00), result, isNan);
}

/** float32 lanes rounded to fp16 and widened again. */
export function roundedToHalf(f: FunctionBuilder, value: Expression<"v128">): Expression<"v128"> {
  return halfToFloat(f, op("i32x4.shl", floatToHalf(f, value), 16));
}

/** As pixelAddress, in a 16-bit crouton: the address of channel 0; the others follow every four bytes. */
export function pixelAddress16(pixel: {
  readonly pointers: Expression<"i32">;
  readonly y: Expression<"i32">;
  readonly x: Expression<"i32">;
}): Expression<"i32"> {
  const entry = op("i32.and", pixel.x, -4);
  const crouton = load("i32.load", op("i32.add", pixel.pointers, entry));
  const inRow = op("i32.shl", op("i32.and", pixel.y, 7), 8);
  const inPair = op("i32.shl", op("i32.and", pixel.x, 2), 6);
  const inColumn = op("i32.shl", op("i32.and", pixel.x, 1), 1);
  return op("i32.add", crouton, op("i32.or", inRow, op("i32.or", inPair, inColumn)));
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
