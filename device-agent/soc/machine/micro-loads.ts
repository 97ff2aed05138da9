/** Micro-ops that bring bytes from VTCM into the register file. Operand descriptions: see operandWords in hvx.ts. */
import { at, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression, Place } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import type { MicroOpName } from "../../../protocol/isa/index.ts";
import { pixelAddress } from "./lanes.ts";
import { REGISTER_BYTES, VTCM } from "./layout.ts";
import { eachVector } from "./micro-kernel.ts";
import type { Kernel, KernelArguments } from "./micro-kernel.ts";

/** What the first words of an operand's description say. */
export const OPERAND = {
  linear: { address: 0, stride: 4, isWindow: 28 },
  pixels: { table: 0, offset: 4 },
  window: { table: 0, originY: 4, originX: 8, rowPitch: 12, strideY: 16, strideX: 20 },
} as const;

/** Visits the strip's vectors of a linear operand: `from` is the vector's address, `to` its place in register d. */
function eachLinear(
  f: FunctionBuilder,
  p: KernelArguments,
  body: (from: Local<"i32">, to: Expression<"i32">) => void,
): void {
  const [from, stride] = [f.local("i32"), f.local("i32")];
  f.set(stride, load("i32.load", at(p.a, OPERAND.linear.stride)));
  const begin = load("i32.load", at(p.a, OPERAND.linear.address));
  f.set(from, op("i32.add", begin, op("i32.mul", p.first, stride)));
  eachVector(f, p, (offset) => {
    body(from, op("i32.add", p.d, offset));
    f.increment(from, stride);
  });
}

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

const loadLinear = (f: FunctionBuilder, p: KernelArguments): void =>
  eachLinear(f, p, (from, to) => {
    for (let byte = 0; byte < 128; byte += 8) {
      storeWords(f, at(to, byte * 4), widenBytes(f, from, byte));
    }
  });

/** Four pixels of 32 channels, each through the pointer table. */
function loadWindow(f: FunctionBuilder, p: KernelArguments): void {
  const { table, originY, originX, rowPitch, strideY, strideX } = OPERAND.window;
  const field = (offset: number): Expression<"i32"> => load("i32.load", at(p.a, offset));
  const [vector, x, y] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [pointers, from, to] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.set(vector, p.first);
  f.set(to, p.d);
  eachVector(f, p, () => {
    const row = op("i32.shr_u", op("i32.and", vector, 15), 1);
    const dy = op("i32.shr_u", p.immediate, 8);
    f.set(y, op("i32.add", op("i32.add", field(originY), dy), op("i32.mul", row, field(strideY))));
    const crouton = op("i32.shl", op("i32.shr_u", vector, 4), 3);
    const column = op("i32.or", crouton, op("i32.shl", op("i32.and", vector, 1), 2));
    const dx = op("i32.and", p.immediate, 255);
    f.set(
      x,
      op("i32.add", op("i32.add", field(originX), dx), op("i32.mul", column, field(strideX))),
    );
    const line = op("i32.mul", op("i32.shr_u", y, 3), field(rowPitch));
    f.set(pointers, op("i32.add", field(table), op("i32.shl", line, 2)));
    for (let pixel = 0; pixel < 4; pixel++) {
      f.set(from, pixelAddress({ pointers, y, x }));
      for (let byte = 0; byte < 32; byte += 8) {
        storeWords(f, at(to, pixel * 128 + byte * 4), widenBytes(f, from, VTCM + byte));
      }
      if (pixel < 3) f.increment(x, field(strideX));
    }
    f.increment(vector, 1);
    f.increment(to, REGISTER_BYTES);
  });
}

const loadI8: Kernel = (f, p) =>
  f.if(
    load("i32.load", at(p.a, OPERAND.linear.isWindow)),
    () => loadWindow(f, p),
    () => loadLinear(f, p),
  );

const loadI32: Kernel = (f, p) =>
  eachLinear(f, p, (from, to) => f.copyBytes(to, from, REGISTER_BYTES));

const loadChannelI8: Kernel = (f, p) =>
  eachLinear(f, p, (from, to) => {
    for (let byte = 0; byte < 32; byte += 8) {
      const wide = widenBytes(f, from, byte);
      for (let pixel = 0; pixel < REGISTER_BYTES; pixel += 128) {
        storeWords(f, at(to, pixel + byte * 4), wide);
      }
    }
  });

const loadChannelI32: Kernel = (f, p) => {
  const words = f.local("v128");
  eachLinear(f, p, (from, to) => {
    for (let byte = 0; byte < 128; byte += 16) {
      f.set(words, load("v128.load", at(from, byte)));
      for (let pixel = 0; pixel < REGISTER_BYTES; pixel += 128) {
        f.store("v128.store", at(to, pixel + byte), words);
      }
    }
  });
};

export const LOAD_KERNELS = {
  load_i8: loadI8,
  load_i32: loadI32,
  load_channel_i8: loadChannelI8,
  load_channel_i32: loadChannelI32,
} as const satisfies Partial<Record<MicroOpName, Kernel>>;
