/** The micro-ops of HVX, each over `count` vectors of the register file: 32 quadruples of 32-bit lanes a vector. */
import { at, i32, load, op, shuffle } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { MicroOpName } from "../../../protocol/isa/index.ts";
import { HALF_KERNELS } from "./micro-halves.ts";
import { canonicalNan, roundedHalfEven } from "./lanes.ts";
import { REGISTER_BYTES } from "./layout.ts";
import { binary, eachQuad, eachVector, reduction, unary } from "./micro-kernel.ts";
import type { Kernel, Vector } from "./micro-kernel.ts";
import { LOAD_KERNELS_16 } from "./micro-loads-16.ts";
import { LOAD_KERNELS } from "./micro-loads.ts";
import { STORE_KERNELS } from "./micro-stores.ts";

const float = (mnemonic: `f32x4.${"add" | "sub" | "mul" | "div" | "min" | "max"}`): Kernel =>
  binary((a, b, f) => canonicalNan(f, op(mnemonic, a, b)));

const multiplyAdd: Kernel = (f, p) =>
  eachQuad(f, p, (quad) => op("i32x4.add", quad(p.d), op("i32x4.mul", quad(p.a), quad(p.b))));
const splat: Kernel = (f, p) => eachQuad(f, p, () => op("i32x4.splat", p.immediate));
const add = binary((a, b) => op("i32x4.add", a, b));
const minimum = binary((a, b) => op("i32x4.min_s", a, b));
const maximum = binary((a, b) => op("i32x4.max_s", a, b));

/** What is cut off adds its highest bit, so that no sum overflows. */
const narrow: Kernel = (f, p) => {
  const [shift, below, half] = [f.local("i32"), f.local("i32"), f.local("v128")];
  f.set(shift, op("i32.and", p.immediate, 15));
  f.set(below, op("i32.sub", shift, 1));
  f.set(half, op("i32x4.splat", op("i32.ne", shift, 0)));
  eachQuad(f, p, (quad) => {
    const cut = op("v128.and", op("i32x4.shr_s", quad(p.a), below), half);
    const rounded = op("i32x4.add", op("i32x4.shr_s", quad(p.a), shift), cut);
    const bounded = op("i32x4.max_s", rounded, op("i32x4.splat", i32(-32768)));
    return op("i32x4.min_s", bounded, op("i32x4.splat", i32(32767)));
  });
};

const sumPixels =
  (add: "i32x4.add" | "f32x4.add"): Kernel =>
  (f, p) => {
    const sum = f.local("v128");
    eachVector(f, p, (offset) => {
      for (let channels = 0; channels < 128; channels += 16) {
        const pixel = (index: number): Vector =>
          load("v128.load", at(op("i32.add", p.a, offset), index * 128 + channels));
        const both = op(add, op(add, pixel(0), pixel(1)), op(add, pixel(2), pixel(3)));
        f.set(sum, add === "f32x4.add" ? canonicalNan(f, both) : both);
        for (let index = 0; index < 4; index++) {
          f.store("v128.store", at(op("i32.add", p.d, offset), index * 128 + channels), sum);
        }
      }
    });
  };

/** Folds the 32 channels of each pixel into one value, written to all of them. */
const overChannels =
  (combine: (a: Vector, b: Vector) => Vector, isFloat = false): Kernel =>
  (f, p) => {
    const fold = f.local("v128");
    const swapped = (lanes: readonly number[]): Vector => shuffle(lanes, fold, fold);
    eachVector(f, p, (offset) => {
      for (let pixel = 0; pixel < REGISTER_BYTES; pixel += 128) {
        const part = (index: number): Vector =>
          load("v128.load", at(op("i32.add", p.a, offset), pixel + index * 16));
        f.set(fold, part(0));
        for (let index = 1; index < 8; index++) f.set(fold, combine(fold, part(index)));
        f.set(fold, combine(fold, swapped(SWAP_HALVES)));
        f.set(fold, combine(fold, swapped(SWAP_NEIGHBOURS)));
        if (isFloat) f.set(fold, canonicalNan(f, fold));
        for (let index = 0; index < 8; index++) {
          f.store("v128.store", at(op("i32.add", p.d, offset), pixel + index * 16), fold);
        }
      }
    });
  };

const SWAP_HALVES = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const SWAP_NEIGHBOURS = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];

/** d <- entry (a + immediate) mod 256 of the table that operand b starts at. */
const table =
  (entry: (index: Expression<"i32">, base: Expression<"i32">) => Expression<"i32">): Kernel =>
  (f, p) => {
    const [base, offset, limit] = [f.local("i32"), f.local("i32"), f.local("i32")];
    f.set(base, load("i32.load", p.b));
    f.set(limit, op("i32.mul", p.count, REGISTER_BYTES));
    f.forRange(offset, { begin: 0, end: limit, step: 16 }, () => {
      for (let lane = 0; lane < 16; lane += 4) {
        const value = load("i32.load", at(op("i32.add", p.a, offset), lane));
        const index = op("i32.and", op("i32.add", value, p.immediate), 255);
        f.store("i32.store", at(op("i32.add", p.d, offset), lane), entry(index, base));
      }
    });
  };

export const MICRO_KERNELS = {
  ...LOAD_KERNELS,
  ...LOAD_KERNELS_16,
  ...STORE_KERNELS,
  ...HALF_KERNELS,
  splat_i32: splat,
  splat_f32: splat,
  add_i32: add,
  subtract_i32: binary((a, b) => op("i32x4.sub", a, b)),
  multiply_i32: binary((a, b) => op("i32x4.mul", a, b)),
  multiply_add_i8: multiplyAdd,
  multiply_add_i32: multiplyAdd,
  multiply_i16: binary((a, b) => op("i32x4.mul", a, b)),
  narrow_i16: narrow,
  minimum_i32: minimum,
  minimum_i16: minimum,
  maximum_i32: maximum,
  maximum_i8: maximum,
  maximum_i16: maximum,
  add_i8: add,
  add_f32: float("f32x4.add"),
  subtract_f32: float("f32x4.sub"),
  multiply_f32: float("f32x4.mul"),
  minimum_f32: float("f32x4.min"),
  maximum_f32: float("f32x4.max"),
  divide_f32: float("f32x4.div"),
  i32_to_f32: unary((a) => op("f32x4.convert_i32x4_s", a)),
  f32_to_i32: unary(roundedHalfEven),
  table_i8: table((index, base) => load("i32.load8_s", op("i32.add", base, index))),
  table_i32: table((index, base) => load("i32.load", op("i32.add", base, op("i32.shl", index, 2)))),
  sum_pixels: sumPixels("i32x4.add"),
  sum_pixels_f32: sumPixels("f32x4.add"),
  sum_channels_f32: overChannels((a, b) => op("f32x4.add", a, b), true),
  maximum_channels_f32: overChannels((a, b) => op("f32x4.max", a, b), true),
  maximum_channels_f16: overChannels((a, b) => op("f32x4.max", a, b), true),
  accumulate_add_f32: reduction((d, a, f) => canonicalNan(f, op("f32x4.add", d, a))),
  accumulate_max_f32: reduction((d, a, f) => canonicalNan(f, op("f32x4.max", d, a))),
  sum_channels: overChannels((a, b) => op("i32x4.add", a, b)),
  maximum_channels: overChannels((a, b) => op("i32x4.max_s", a, b)),
  accumulate_add: reduction((d, a) => op("i32x4.add", d, a)),
  accumulate_max: reduction((d, a) => op("i32x4.max_s", d, a)),
} as const satisfies Readonly<Record<MicroOpName, Kernel>>;

/** Position in this list = the number that selects the kernel. */
export const MICRO_KERNEL_NAMES = Object.keys(MICRO_KERNELS) as readonly MicroOpName[];
