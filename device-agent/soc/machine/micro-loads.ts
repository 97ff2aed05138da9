/** Micro-ops that bring bytes and words from VTCM into the register file. */
import { at, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression, Place } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import type { MicroOpName } from "../../../protocol/isa/index.ts";
import { REGISTER_BYTES } from "./layout.ts";
import type { Kernel } from "./micro-kernel.ts";
import { eachLinear, eachOperandPixel } from "./micro-pixels.ts";
import type { PixelForm } from "./micro-pixels.ts";

/** Eight int8 as int16. */
function widenBytes(f: FunctionBuilder, from: Expression<"i32">, offset: number): Local<"v128"> {
  const wide = f.local("v128");
  f.set(wide, load("v128.load8x8_s", at(from, offset)));
  return wide;
}

/** Stores eight int16 as words. */
function storeWords(f: FunctionBuilder, place: Place, wide: Local<"v128">): void {
  const { base, offset } = place;
  f.store("v128.store", at(base, offset), op("i32x4.extend_low_i16x8_s", wide));
  f.store("v128.store", at(base, offset + 16), op("i32x4.extend_high_i16x8_s", wide));
}

const loadI8 =
  (form: Omit<PixelForm, "bits">): Kernel =>
  (f, p) =>
    eachOperandPixel(f, p, {
      form: { bits: 8, ...form },
      linear: () =>
        eachLinear(f, p, {
          operand: "a",
          body: (from, to) => {
            for (let byte = 0; byte < 128; byte += 8) {
              storeWords(f, at(to, byte * 4), widenBytes(f, from, byte));
            }
          },
        }),
      body: (from, to, pixel) => {
        for (let byte = 0; byte < 32; byte += 8) {
          storeWords(f, at(to, pixel * 128 + byte * 4), widenBytes(f, from, byte));
        }
      },
    });

const loadI32: Kernel = (f, p) =>
  eachLinear(f, p, {
    operand: "a",
    body: (from, to) => f.copyBytes(to, from, REGISTER_BYTES),
  });

const loadChannelI8: Kernel = (f, p) =>
  eachLinear(f, p, {
    operand: "a",
    body: (from, to) => {
      for (let byte = 0; byte < 32; byte += 8) {
        const wide = widenBytes(f, from, byte);
        for (let pixel = 0; pixel < REGISTER_BYTES; pixel += 128) {
          storeWords(f, at(to, pixel + byte * 4), wide);
        }
      }
    },
  });

const loadChannelI32: Kernel = (f, p) => {
  const words = f.local("v128");
  eachLinear(f, p, {
    operand: "a",
    body: (from, to) => {
      for (let byte = 0; byte < 128; byte += 16) {
        f.set(words, load("v128.load", at(from, byte)));
        for (let pixel = 0; pixel < REGISTER_BYTES; pixel += 128) {
          f.store("v128.store", at(to, pixel + byte), words);
        }
      }
    },
  });
};

const loadPixelBytes: Kernel = (f, p) => {
  const words = f.local("v128");
  eachLinear(f, p, {
    operand: "a",
    body: (from, to) => {
      for (let pixel = 0; pixel < 4; pixel++) {
        f.set(words, op("i32x4.splat", load("i32.load8_u", at(from, pixel))));
        for (let byte = 0; byte < 128; byte += 16) {
          f.store("v128.store", at(to, pixel * 128 + byte), words);
        }
      }
    },
  });
};

export const LOAD_KERNELS = {
  load_i8: loadI8({ immediate: "tap" }),
  load_tile_i8: loadI8({ immediate: "place" }),
  load_enlarged_i8: loadI8({ immediate: "place", enlarged: true }),
  load_pixel_u8: loadPixelBytes,
  load_i32: loadI32,
  load_channel_i8: loadChannelI8,
  load_channel_i32: loadChannelI32,
} as const satisfies Partial<Record<MicroOpName, Kernel>>;
