/**
 * Micro-ops of 16-bit integer arithmetic, and loads of enlarged images. Resources by the Hexagon V73 HVX Programmer's
 * Reference Manual: a product of 64 halfwords (vmpy, Vdd.w) takes both multiplying pipes; a narrowing shift (vasr,
 * Vd.h of two Vu.w) one slot; vrdelta brings any byte of a vector to any places of it.
 */
import { BINARY, micro, uses } from "./micro-row.ts";
import type { MicroRow } from "./micro-row.ts";

/** A vector of the enlarged image lies in two aligned ones: both are loaded, aligned, and its pixels spread. */
const enlarged = (
  code: number,
  what: string,
  rest: Pick<MicroRow, "uses" | "feature"> & { readonly pixelBits: 8 | 16 },
): MicroRow =>
  micro(code, ["register", "operand", "-", "place"], {
    uses: rest.uses,
    access: {
      kind: "load",
      bytes: 16 * rest.pixelBits,
      pixelBits: rest.pixelBits,
      enlarged: true,
    },
    ...(rest.feature === undefined ? {} : { feature: rest.feature }),
    doc:
      `d <- 128 ${what}. A window's strides divide: position (row, column) and tap (dy, dx) read pixel ` +
      "(originY + (row + dy) div strideY, originX + (column + dx) div strideX), row and column at least 0. " +
      "Otherwise as loads with a tile.",
  });

export const FIXED_ROWS = {
  multiply_i16: micro(0x19, BINARY, {
    uses: { multiply: 4 },
    doc: "d <- a * b, where a and b hold int16 values.",
  }),
  narrow_i16: micro(0x1a, ["register", "register", "-", "i32"], {
    uses: { alu: 2 },
    doc: "d <- a / 2^s, rounded to nearest, halves upwards, saturated to int16; s is the immediate mod 16.",
  }),
  maximum_i16: micro(0x1f, BINARY, {
    uses: { alu: 2 },
    doc: "d <- max(a, b), where a and b hold int16 values.",
  }),
  minimum_i16: micro(0x26, BINARY, {
    uses: { alu: 2 },
    doc: "d <- min(a, b), where a and b hold int16 values.",
  }),
  load_pixel_u8: micro(0x1b, ["register", "operand", "-", "-"], {
    uses: { load: 1, permute: 1 },
    access: { kind: "load", bytes: 4 },
    doc: "d <- four uint8, one for each pixel, the same for each of its 32 channels.",
  }),
  load_enlarged_i8: enlarged(0x1c, "int8, sign-extended", {
    uses: uses({ load: 2, permute: 2 }),
    pixelBits: 8,
  }),
  load_enlarged_i16: enlarged(0x1d, "int16, sign-extended", {
    uses: uses({ load: 3, permute: 4 }),
    pixelBits: 16,
  }),
  load_enlarged_f16: enlarged(0x1e, "fp16, widened", {
    uses: uses({ load: 3, permute: 4 }),
    pixelBits: 16,
    feature: "fp16",
  }),
} as const satisfies Readonly<Record<string, MicroRow>>;
