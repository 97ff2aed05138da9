/**
 * Micro-ops over fp16, int16 and pixels: instruction set 1.1. An fp16 value is held widened to float32, so that
 * float32 micro-ops apply to it; a NaN that an operation makes is the one with bits 0x7fc00000 (0x7e00 in fp16).
 * 128 fp16 or int16 lanes are two native vectors.
 */
import { BINARY, micro, UNARY } from "./micro-row.ts";
import type { MicroRow } from "./micro-row.ts";

const half = (code: number, meaning: string, uses: MicroRow["uses"]): MicroRow =>
  micro(code, BINARY, {
    uses,
    feature: "fp16",
    doc: `d <- ${meaning}, computed in float32 and rounded to fp16, nearest even.`,
  });

/**
 * Priced as piecewise polynomials of degree 4 whose five coefficients come from 16-entry tables: one vlut16 each, which
 * looks up 128 halfwords (Hexagon V73 HVX Programmer's Reference Manual, vector in-lane lookup table).
 */
const PIECEWISE = { multiply: 8, alu: 14, permute: 5 };
/** Priced as range reduction and a polynomial of degree 5. */
const POLYNOMIAL = { multiply: 12, alu: 16 };
/** Priced as an estimate from a table and one Newton step. */
const ESTIMATE = { multiply: 8, alu: 8, permute: 4 };

const elementary = (
  code: number,
  meaning: string,
  rest: { readonly uses: Partial<MicroRow["uses"]>; readonly feature?: MicroRow["feature"] },
): MicroRow =>
  micro(code, UNARY, {
    uses: rest.uses,
    feature: rest.feature ?? "fp16",
    doc: `With x = a rounded to fp16: d <- ${meaning}, computed as protocol/base/math.ts does in float64 and rounded once to fp16.`,
  });

const alu = (count: number): MicroRow["uses"] => ({
  ...{ load: 0, store: 0, multiply: 0, permute: 0 },
  alu: count,
});
const multiply = (count: number): MicroRow["uses"] => ({
  ...{ load: 0, store: 0, alu: 0, permute: 0 },
  multiply: count,
});

const PLACE =
  "From a window, tile `tile` and the tap (dy, dx) are taken; an unaligned or strided window costs more loads and permutes.";

export const HALF_ROWS = {
  load_f16: micro(0x70, ["register", "operand", "-", "place"], {
    uses: { load: 2 },
    access: { kind: "load", bytes: 256, pixelBits: 16 },
    feature: "fp16",
    doc: `d <- 128 fp16 as they lie in a row of a crouton (column pair, channel, column of the pair), widened. ${PLACE}`,
  }),
  load_i16: micro(0x71, ["register", "operand", "-", "place"], {
    uses: { load: 2 },
    access: { kind: "load", bytes: 256, pixelBits: 16 },
    doc: "d <- 128 int16 as they lie in a row of a crouton, sign-extended. As load_f16.",
  }),
  load_tile_i8: micro(0x72, ["register", "operand", "-", "place"], {
    uses: { load: 1 },
    access: { kind: "load", bytes: 128, pixelBits: 8 },
    doc: "As load_i8, from tile `tile` of the window.",
  }),
  load_channel_f16: micro(0x73, ["register", "operand", "-", "-"], {
    uses: { load: 1, permute: 1 },
    access: { kind: "load", bytes: 64 },
    feature: "fp16",
    doc: "d <- 32 fp16, widened, the same for each of the four pixels.",
  }),
  load_channel_i16: micro(0x74, ["register", "operand", "-", "-"], {
    uses: { load: 1, permute: 1 },
    access: { kind: "load", bytes: 64 },
    doc: "d <- 32 int16, sign-extended, the same for each of the four pixels.",
  }),
  load_pixel_i32: micro(0x75, ["register", "operand", "-", "-"], {
    uses: { load: 1, permute: 4 },
    access: { kind: "load", bytes: 16 },
    doc: "d <- four words, one for each pixel, the same for each of its 32 channels.",
  }),
  load_plain_f16: micro(0x76, ["register", "operand", "-", "-"], {
    uses: { load: 2, permute: 2 },
    access: { kind: "load", bytes: 256 },
    feature: "fp16",
    doc: "d <- 128 fp16, widened, lane after lane: pixel by pixel, channel fastest.",
  }),
  load_plain_i16: micro(0x77, ["register", "operand", "-", "-"], {
    uses: { load: 2, permute: 2 },
    access: { kind: "load", bytes: 256 },
    doc: "d <- 128 int16, sign-extended, lane after lane: pixel by pixel, channel fastest.",
  }),
  store_f16: micro(0x78, ["-", "register", "operand", "f32"], {
    uses: { store: 2, alu: 2 },
    access: { kind: "store", bytes: 256 },
    feature: "fp16",
    doc: "Operand b <- a rounded to fp16, nearest even (256 bytes, linear, in a crouton's order); lanes outside rows x columns get the immediate, rounded likewise.",
  }),
  store_i16: micro(0x79, ["-", "register", "operand", "i32"], {
    uses: { store: 2, permute: 2 },
    access: { kind: "store", bytes: 256 },
    doc: "Operand b <- a saturated to int16 (256 bytes, linear, in a crouton's order); lanes outside rows x columns get the immediate.",
  }),
  store_pixel_i32: micro(0x7a, ["-", "register", "operand", "-"], {
    uses: { store: 1, permute: 4 },
    access: { kind: "store", bytes: 16 },
    doc: "Operand b <- four words: channel 0 of each pixel (16 bytes, linear).",
  }),
  store_plain_f16: micro(0x7b, ["-", "register", "operand", "-"], {
    uses: { store: 2, alu: 2, permute: 2 },
    access: { kind: "store", bytes: 256 },
    feature: "fp16",
    doc: "Operand b <- a rounded to fp16, nearest even, lane after lane (256 bytes, linear).",
  }),
  store_plain_i16: micro(0x7c, ["-", "register", "operand", "-"], {
    uses: { store: 2, permute: 2 },
    access: { kind: "store", bytes: 256 },
    doc: "Operand b <- a saturated to int16, lane after lane (256 bytes, linear).",
  }),
  add_f16: half(0x80, "a + b", alu(2)),
  subtract_f16: half(0x81, "a - b", alu(2)),
  multiply_f16: half(0x82, "a * b", multiply(2)),
  minimum_f16: half(0x83, "min(a, b)", alu(2)),
  maximum_f16: half(0x84, "max(a, b)", alu(2)),
  multiply_add_f16: micro(0x85, BINARY, {
    uses: { multiply: 4 },
    destination: "accumulates",
    feature: "fp16",
    doc: "d <- d + a * b: float32 product, then float32 sum; the product of two fp16 values is exact.",
  }),
  round_f16: micro(0x86, UNARY, {
    uses: { alu: 2 },
    feature: "fp16",
    doc: "d <- a rounded to fp16, nearest even; beyond 65,504 infinity, subnormals kept.",
  }),
  multiply_add_i16: micro(0x87, BINARY, {
    uses: { multiply: 4 },
    destination: "accumulates",
    doc: "d <- d + a * b, wrapping int32; a and b hold int16 or int17 values.",
  }),
  exp_f16: elementary(0x90, "e^x", { uses: POLYNOMIAL }),
  reciprocal_f16: elementary(0x91, "1 / x", { uses: ESTIMATE }),
  sqrt_f16: elementary(0x92, "square root of x", { uses: ESTIMATE }),
  rsqrt_f16: elementary(0x93, "1 / square root of x", { uses: ESTIMATE }),
  sigmoid_f16: elementary(0x94, "1 / (1 + e^-x)", { uses: PIECEWISE }),
  silu_f16: elementary(0x95, "x / (1 + e^-x)", { uses: PIECEWISE }),
  gelu_f16: elementary(0x96, "x / 2 * (1 + erf(x / sqrt 2))", { uses: PIECEWISE }),
  log_f16: elementary(0x97, "natural logarithm of x", {
    uses: POLYNOMIAL,
    feature: "fp16_functions",
  }),
  tanh_f16: elementary(0x98, "tanh x", { uses: PIECEWISE, feature: "fp16_functions" }),
  erf_f16: elementary(0x99, "erf x", { uses: PIECEWISE, feature: "fp16_functions" }),
  sin_f16: elementary(0x9a, "sine of x", { uses: POLYNOMIAL, feature: "fp16_functions" }),
  cos_f16: elementary(0x9b, "cosine of x", { uses: POLYNOMIAL, feature: "fp16_functions" }),
  sqrt_f32: micro(0xa0, UNARY, {
    uses: { multiply: 24, alu: 24 },
    doc: "d <- square root of a, float32, correctly rounded; priced as divide_f32.",
  }),
  floor_f32: micro(0xa1, UNARY, { uses: { alu: 4 }, doc: "d <- largest whole float32 <= a." }),
  sum_pixels_f32: micro(0xa2, UNARY, {
    uses: { alu: 4, permute: 4 },
    doc: "d <- (p0 + p1) + (p2 + p3) over the four pixels of a, float32, in each pixel.",
  }),
  sum_channels_f32: micro(0xa3, UNARY, {
    uses: { alu: 20, permute: 20 },
    doc: "d <- float32 sum over the 32 channels of a's pixel, in each channel: with s[j] = a[j] + a[j + 4] + … + a[j + 28] from left to right, (s[0] + s[2]) + (s[1] + s[3]).",
  }),
  maximum_channels_f32: micro(0xa4, UNARY, {
    uses: { alu: 20, permute: 20 },
    doc: "d <- maximum over the 32 channels of a's pixel, float32, in each channel; NaN if any is.",
  }),
  maximum_channels_f16: micro(0xa5, UNARY, {
    uses: { alu: 10, permute: 10 },
    feature: "fp16",
    doc: "As maximum_channels_f32, where a holds fp16 values.",
  }),
  accumulate_add_f32: micro(0xa6, UNARY, {
    uses: { alu: 4 },
    destination: "reduces",
    doc: "Declared reduction over vectors, in their order: d <- d + a, float32. As accumulate_add; at most one in a register.",
  }),
  accumulate_max_f32: micro(0xa7, UNARY, {
    uses: { alu: 4 },
    destination: "reduces",
    doc: "Declared reduction over vectors: d <- max(d, a), float32. As accumulate_add.",
  }),
  shift_left_i32: micro(0xb0, BINARY, {
    uses: { alu: 4 },
    doc: "d <- a shifted left by b mod 32.",
  }),
  shift_right_i32: micro(0xb1, BINARY, {
    uses: { alu: 4 },
    doc: "d <- a shifted right by b mod 32, with its sign.",
  }),
  multiply_high_i32: micro(0xb2, BINARY, {
    uses: { multiply: 8, alu: 4 },
    doc: "d <- (a * b + n) / 2^31, truncated, where n is 2^30 for a * b >= 0 and 1 - 2^30 below; saturated.",
  }),
  divide_power_i32: micro(0xb3, BINARY, {
    uses: { alu: 12 },
    doc: "d <- a / 2^(b mod 32), rounded to nearest, halves away from zero.",
  }),
  shuffle_channels: micro(0xb8, ["register", "register", "operand", "-"], {
    uses: { load: 1, permute: 4 },
    access: { kind: "lookup", bytes: 32 },
    destination: "accumulates",
    doc: "With the 32 bytes s that operand b starts at: channel c of d <- channel s[c] of a's same pixel where s[c] < 32, else unchanged.",
  }),
  gather_i8: micro(0xb9, ["register", "register", "operand", "i32"], {
    uses: { load: 8, alu: 2 },
    access: { kind: "lookup", bytes: 1, counted: true },
    doc: "d <- int8 number (a, unsigned, mod immediate) of those that operand b starts at; the immediate is positive.",
  }),
  gather_i16: micro(0xba, ["register", "register", "operand", "i32"], {
    uses: { load: 8 },
    access: { kind: "lookup", bytes: 2, counted: true },
    doc: "As gather_i8, int16.",
  }),
  gather_i32: micro(0xbb, ["register", "register", "operand", "i32"], {
    uses: { load: 8 },
    access: { kind: "lookup", bytes: 4, counted: true },
    doc: "As gather_i8, words.",
  }),
} as const satisfies Readonly<Record<string, MicroRow>>;
