/** Micro-ops that write the register file to VTCM: linear operands only. */
import { at, i32, load, op, select, shuffle } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import type { MicroOpName } from "../../../protocol/isa/index.ts";
import { floatToHalf } from "./lanes.ts";
import { REGISTER_BYTES, RUN_COLUMNS, RUN_ROWS } from "./layout.ts";
import { vectorPlace } from "./micro-kernel.ts";
import type { Kernel, KernelArguments, Vector } from "./micro-kernel.ts";
import { eachLinear } from "./micro-pixels.ts";

/** Visits the strip's vectors with, for each pixel, whether it lies outside rows x columns. */
function eachImageVector(
  f: FunctionBuilder,
  p: KernelArguments,
  body: (
    from: Local<"i32">,
    to: Local<"i32">,
    isOutside: (pixel: number) => Expression<"i32">,
  ) => void,
): void {
  const [vector, row, column] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.set(vector, p.first);
  eachLinear(f, p, {
    operand: "b",
    body: (to, from) => {
      const place = vectorPlace(vector);
      f.set(row, place.row);
      f.set(column, place.column);
      const isBelow = op("i32.ge_s", row, load("i32.load", RUN_ROWS));
      body(from, to, (pixel) => {
        const x = op("i32.add", column, pixel);
        return op("i32.or", isBelow, op("i32.ge_s", x, load("i32.load", RUN_COLUMNS)));
      });
      f.increment(vector, 1);
    },
  });
}

const storeI8: Kernel = (f, p) =>
  eachImageVector(f, p, (from, to, isOutside) => {
    for (let byte = 0; byte < 128; byte += 16) {
      f.store("v128.store", at(to, byte), narrowed(from, byte * 4));
    }
    for (let pixel = 0; pixel < 4; pixel++) {
      f.if(isOutside(pixel), () => {
        const fill = op("i8x16.splat", p.immediate);
        f.store("v128.store", at(to, pixel * 32), fill);
        f.store("v128.store", at(to, pixel * 32 + 16), fill);
      });
    }
  });

/** Sixteen words, saturated to bytes. */
function narrowed(from: Expression<"i32">, offset: number): Vector {
  const words = (index: number): Vector => load("v128.load", at(from, offset + index * 16));
  const low = op("i16x8.narrow_i32x4_s", words(0), words(1));
  return op("i8x16.narrow_i16x8_s", low, op("i16x8.narrow_i32x4_s", words(2), words(3)));
}

/** Eight 16-bit values of lanes of words, or of two such vectors. */
type Narrow = (f: FunctionBuilder, low: Vector, high: Vector) => Vector;

const narrowInts: Narrow = (_, low, high) => op("i16x8.narrow_i32x4_s", low, high);
const narrowHalves: Narrow = (f, low, high) =>
  op("i16x8.narrow_i32x4_u", floatToHalf(f, low), floatToHalf(f, high));

/** Bytes of low and high 16-bit lanes in turn. */
const INTERLEAVE = [0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15];

const storePixels =
  (narrow: Narrow, fillOf: (f: FunctionBuilder, p: KernelArguments) => Vector): Kernel =>
  (f, p) => {
    const [fill, mask, halves] = [f.local("v128"), f.local("v128"), f.local("v128")];
    f.set(fill, fillOf(f, p));
    eachImageVector(f, p, (from, to, isOutside) => {
      for (const pair of [0, 1]) {
        const half = (pixel: number): Expression<"i32"> =>
          select(isOutside(pair * 2 + pixel), CONSTANT.all, CONSTANT.none);
        const low = op("i32.and", half(0), 0xffff);
        f.set(mask, op("i32x4.splat", op("i32.or", low, op("i32.shl", half(1), 16))));
        for (let byte = 0; byte < 128; byte += 16) {
          const word = (pixel: number): Vector =>
            load("v128.load", at(from, (pair * 2 + pixel) * 128 + byte));
          f.set(halves, narrow(f, word(0), word(1)));
          const mixed = shuffle(INTERLEAVE, halves, halves);
          f.store("v128.store", at(to, pair * 128 + byte), op("v128.bitselect", fill, mixed, mask));
        }
      }
    });
  };

const CONSTANT = { all: i32(-1), none: i32(0) } as const;

/** The immediate's bits are those of a float32. */
const halfFill = (f: FunctionBuilder, p: KernelArguments): Vector => {
  const halves = floatToHalf(f, op("i32x4.splat", p.immediate));
  return op("v128.or", halves, op("i32x4.shl", halves, 16));
};

const storePlain =
  (narrow: Narrow): Kernel =>
  (f, p) =>
    eachLinear(f, p, {
      operand: "b",
      body: (to, from) => {
        for (let byte = 0; byte < 256; byte += 16) {
          const word = (half: number): Vector => load("v128.load", at(from, byte * 2 + half * 16));
          f.store("v128.store", at(to, byte), narrow(f, word(0), word(1)));
        }
      },
    });

const copyWords =
  (bytes: number): Kernel =>
  (f, p) =>
    eachLinear(f, p, { operand: "b", body: (to, from) => f.copyBytes(to, from, bytes) });

const storePixelWords: Kernel = (f, p) =>
  eachLinear(f, p, {
    operand: "b",
    body: (to, from) => {
      for (let pixel = 0; pixel < 4; pixel++) {
        f.store("i32.store", at(to, pixel * 4), load("i32.load", at(from, pixel * 128)));
      }
    },
  });

export const STORE_KERNELS = {
  store_i8: storeI8,
  store_i32: copyWords(REGISTER_BYTES),
  store_channel_i32: copyWords(128),
  store_i16: storePixels(narrowInts, (_, p) => op("i16x8.splat", p.immediate)),
  store_f16: storePixels(narrowHalves, halfFill),
  store_plain_i16: storePlain(narrowInts),
  store_plain_f16: storePlain(narrowHalves),
  store_pixel_i32: storePixelWords,
} as const satisfies Partial<Record<MicroOpName, Kernel>>;
