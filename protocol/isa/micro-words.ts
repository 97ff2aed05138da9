/** Micro-ops over bytes, words and float32: instruction set 1.0. */
import { micro } from "./micro-row.ts";
import type { MicroRow } from "./micro-row.ts";

/**
 * A register holds 128 lanes of 32 bits. Resources are those of the narrowest native form: 128 lanes
 * are one vector of bytes or four of words; lane l is pixel l div 32, channel l mod 32.
 */
export const WORD_ROWS = {
  load_i8: micro(0x01, ["register", "operand", "-", "tap"], {
    uses: { load: 1 },
    access: { kind: "load", bytes: 128, pixelBits: 8 },
    doc: "d <- 128 int8, sign-extended. From a window, the tap (dy, dx) is added; an unaligned or strided window costs more loads and permutes.",
  }),
  load_i32: micro(0x02, ["register", "operand", "-", "-"], {
    uses: { load: 4 },
    access: { kind: "load", bytes: 512 },
    doc: "d <- 128 words (512 bytes).",
  }),
  load_channel_i8: micro(0x03, ["register", "operand", "-", "-"], {
    uses: { load: 1 },
    access: { kind: "load", bytes: 32 },
    doc: "d <- 32 int8, sign-extended, the same for each of the four pixels.",
  }),
  load_channel_i32: micro(0x04, ["register", "operand", "-", "-"], {
    uses: { load: 1 },
    access: { kind: "load", bytes: 128 },
    doc: "d <- 32 words, the same for each of the four pixels.",
  }),
  splat_i32: micro(0x05, ["register", "-", "-", "i32"], {
    uses: { alu: 1 },
    doc: "d <- immediate, in every lane.",
  }),
  splat_f32: micro(0x06, ["register", "-", "-", "f32"], {
    uses: { alu: 1 },
    doc: "d <- immediate, in every lane.",
  }),
  add_i32: micro(0x10, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- a + b, wrapping.",
  }),
  subtract_i32: micro(0x11, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- a - b, wrapping.",
  }),
  multiply_i32: micro(0x12, ["register", "register", "register", "-"], {
    uses: { multiply: 2 },
    doc: "d <- a * b, wrapping; priced for factors of at most 16 bits.",
  }),
  multiply_add_i8: micro(0x13, ["register", "register", "register", "-"], {
    uses: { multiply: 2 },
    destination: "accumulates",
    doc: "d <- d + a * b, wrapping; a and b hold int8 or int9 values.",
  }),
  minimum_i32: micro(0x14, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- min(a, b).",
  }),
  maximum_i32: micro(0x15, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- max(a, b).",
  }),
  maximum_i8: micro(0x16, ["register", "register", "register", "-"], {
    uses: { alu: 1 },
    doc: "d <- max(a, b), where a and b hold int8 values.",
  }),
  add_i8: micro(0x17, ["register", "register", "register", "-"], {
    uses: { alu: 2 },
    doc: "d <- a + b, where the sum fits 16 bits.",
  }),
  multiply_add_i32: micro(0x18, ["register", "register", "register", "-"], {
    uses: { multiply: 4 },
    destination: "accumulates",
    doc: "d <- d + a * b, wrapping; priced for an a of at most 16 bits and a b of 32.",
  }),
  add_f32: micro(0x20, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- a + b, float32.",
  }),
  subtract_f32: micro(0x21, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- a - b, float32.",
  }),
  multiply_f32: micro(0x22, ["register", "register", "register", "-"], {
    uses: { multiply: 4 },
    doc: "d <- a * b, float32.",
  }),
  minimum_f32: micro(0x23, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- min(a, b), float32.",
  }),
  maximum_f32: micro(0x24, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- max(a, b), float32.",
  }),
  divide_f32: micro(0x25, ["register", "register", "register", "-"], {
    uses: { multiply: 24, alu: 24 },
    doc: "d <- a / b, float32, correctly rounded; priced as a reciprocal estimate with Newton steps.",
  }),
  i32_to_f32: micro(0x30, ["register", "register", "-", "-"], {
    uses: { alu: 4 },
    doc: "d <- float32(a), nearest even.",
  }),
  f32_to_i32: micro(0x31, ["register", "register", "-", "-"], {
    uses: { alu: 4 },
    doc: "d <- a rounded half to even, saturated to int32.",
  }),
  table_i8: micro(0x40, ["register", "register", "operand", "i32"], {
    uses: { permute: 8 },
    access: { kind: "lookup", bytes: 256 },
    doc: "d <- int8 at byte (a + immediate) mod 256 of the 256 bytes that operand b starts at.",
  }),
  table_i32: micro(0x41, ["register", "register", "operand", "i32"], {
    uses: { permute: 16 },
    access: { kind: "lookup", bytes: 1024 },
    doc: "d <- the word at index (a + immediate) mod 256 of the 1,024 bytes that operand b starts at.",
  }),
  sum_pixels: micro(0x50, ["register", "register", "-", "-"], {
    uses: { alu: 4, permute: 4 },
    doc: "d <- sum over the four pixels of a, wrapping int32, in each pixel.",
  }),
  sum_channels: micro(0x51, ["register", "register", "-", "-"], {
    uses: { alu: 20, permute: 20 },
    doc: "d <- sum over the 32 channels of a's pixel, wrapping int32, in each channel.",
  }),
  maximum_channels: micro(0x52, ["register", "register", "-", "-"], {
    uses: { alu: 20, permute: 20 },
    doc: "d <- maximum over the 32 channels of a's pixel, int32, in each channel.",
  }),
  accumulate_add: micro(0x58, ["register", "register", "-", "-"], {
    uses: { alu: 4 },
    destination: "reduces",
    doc: "Declared reduction over vectors: d <- d + a, wrapping int32. Body only; d starts from the prologue and is read in the epilogue.",
  }),
  accumulate_max: micro(0x59, ["register", "register", "-", "-"], {
    uses: { alu: 4 },
    destination: "reduces",
    doc: "Declared reduction over vectors: d <- max(d, a), int32. As accumulate_add.",
  }),
  store_i8: micro(0x60, ["-", "register", "operand", "i32"], {
    uses: { store: 1, permute: 2 },
    access: { kind: "store", bytes: 128 },
    doc: "Operand b <- a saturated to int8 (128 bytes, linear); lanes outside rows x columns get the immediate.",
  }),
  store_i32: micro(0x61, ["-", "register", "operand", "-"], {
    uses: { store: 4 },
    access: { kind: "store", bytes: 512 },
    doc: "Operand b <- 128 words (512 bytes, linear).",
  }),
  store_channel_i32: micro(0x62, ["-", "register", "operand", "-"], {
    uses: { store: 1 },
    access: { kind: "store", bytes: 128 },
    doc: "Operand b <- the 32 words of pixel 0 (128 bytes, linear).",
  }),
} as const satisfies Readonly<Record<string, MicroRow>>;
