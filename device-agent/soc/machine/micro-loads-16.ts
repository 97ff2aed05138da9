/** Micro-ops that bring fp16 and int16, and one word a pixel, from VTCM into the register file. */
import { at, lane, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import type { MicroOpName } from "../../../protocol/isa/index.ts";
import { canonicalNan, halfToFloat } from "./lanes.ts";
import { REGISTER_BYTES } from "./layout.ts";
import type { Kernel, Vector } from "./micro-kernel.ts";
import { eachLinear, eachOperandPixel } from "./micro-pixels.ts";
import type { PixelForm } from "./micro-pixels.ts";

/** The lane's value from its upper half. */
type Widen = (f: FunctionBuilder, word: Vector) => Vector;

const widenHalf: Widen = (f, word) => canonicalNan(f, halfToFloat(f, word));
const widenInt: Widen = (_, word) => op("i32x4.shr_s", word, 16);

/** Two pixels whose channels alternate: 128 bytes from `from`, two times 128 bytes from `to`. */
function loadPair(
  f: FunctionBuilder,
  widen: Widen,
  place: { readonly from: Local<"i32">; readonly to: Local<"i32">; readonly pair: number },
): void {
  const { from, to, pair } = place;
  const words = f.local("v128");
  for (let quad = 0; quad < 8; quad++) {
    f.set(words, load("v128.load", at(from, pair * 128 + quad * 16)));
    const even = pair * 256 + quad * 16;
    f.store("v128.store", at(to, even), widen(f, op("i32x4.shl", words, 16)));
    f.store("v128.store", at(to, even + 128), widen(f, words));
  }
}

const loadPixels =
  (widen: Widen, form: Pick<PixelForm, "enlarged"> = {}): Kernel =>
  (f, p) =>
    eachOperandPixel(f, p, {
      form: { bits: 16, immediate: "place", ...form },
      linear: () =>
        eachLinear(f, p, {
          operand: "a",
          body: (from, to) => [0, 1].forEach((pair) => loadPair(f, widen, { from, to, pair })),
        }),
      body: (from, to, pixel) => loadOneOfPair(f, widen, { from, to, pixel }),
    });

/** 32 channels, four bytes apart: the pair's words, moved so that the pixel's half is the upper one. */
function loadOneOfPair(
  f: FunctionBuilder,
  widen: Widen,
  place: { readonly from: Expression<"i32">; readonly to: Local<"i32">; readonly pixel: number },
): void {
  const [words, shift] = [f.local("i32"), f.local("i32")];
  f.set(words, op("i32.and", place.from, -4));
  f.set(shift, op("i32.sub", 16, op("i32.shl", op("i32.and", place.from, 2), 3)));
  for (let quad = 0; quad < 8; quad++) {
    const word = op("i32x4.shl", load("v128.load", at(words, quad * 16)), shift);
    f.store("v128.store", at(place.to, place.pixel * 128 + quad * 16), widen(f, word));
  }
}

/** Eight 16-bit values in a row, as the upper halves of two vectors of lanes. */
function spread(f: FunctionBuilder, from: Local<"i32">, offset: number): [Vector, Vector] {
  const halves = f.local("v128");
  f.set(halves, load("v128.load", at(from, offset)));
  const upper = (words: Vector): Vector => op("i32x4.shl", words, 16);
  return [
    upper(op("i32x4.extend_low_i16x8_u", halves)),
    upper(op("i32x4.extend_high_i16x8_u", halves)),
  ];
}

const loadPlain =
  (widen: Widen): Kernel =>
  (f, p) =>
    eachLinear(f, p, {
      operand: "a",
      body: (from, to) => {
        for (let byte = 0; byte < 256; byte += 16) {
          spread(f, from, byte).forEach((word, half) =>
            f.store("v128.store", at(to, byte * 2 + half * 16), widen(f, word)),
          );
        }
      },
    });

const loadChannels =
  (widen: Widen): Kernel =>
  (f, p) => {
    const value = f.local("v128");
    eachLinear(f, p, {
      operand: "a",
      body: (from, to) => {
        for (let byte = 0; byte < 64; byte += 16) {
          spread(f, from, byte).forEach((word, half) => {
            f.set(value, widen(f, word));
            for (let pixel = 0; pixel < REGISTER_BYTES; pixel += 128) {
              f.store("v128.store", at(to, pixel + byte * 2 + half * 16), value);
            }
          });
        }
      },
    });
  };

const loadPixelWords: Kernel = (f, p) => {
  const [words, word] = [f.local("v128"), f.local("v128")];
  eachLinear(f, p, {
    operand: "a",
    body: (from, to) => {
      f.set(words, load("v128.load", from));
      for (let pixel = 0; pixel < 4; pixel++) {
        f.set(word, op("i32x4.splat", lane("i32x4.extract_lane", pixel, words)));
        for (let byte = 0; byte < 128; byte += 16) {
          f.store("v128.store", at(to, pixel * 128 + byte), word);
        }
      }
    },
  });
};

export const LOAD_KERNELS_16 = {
  load_f16: loadPixels(widenHalf),
  load_i16: loadPixels(widenInt),
  load_enlarged_f16: loadPixels(widenHalf, { enlarged: true }),
  load_enlarged_i16: loadPixels(widenInt, { enlarged: true }),
  load_channel_f16: loadChannels(widenHalf),
  load_channel_i16: loadChannels(widenInt),
  load_plain_f16: loadPlain(widenHalf),
  load_plain_i16: loadPlain(widenInt),
  load_pixel_i32: loadPixelWords,
} as const satisfies Partial<Record<MicroOpName, Kernel>>;
