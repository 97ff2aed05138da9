/** Micro-ops that write the register file to VTCM: linear operands only. */
import { at, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import type { MicroOpName } from "../../../protocol/isa/index.ts";
import { REGISTER_BYTES, RUN_COLUMNS, RUN_ROWS } from "./layout.ts";
import { eachVector } from "./micro-kernel.ts";
import type { Kernel, KernelArguments, Vector } from "./micro-kernel.ts";
import { OPERAND } from "./micro-loads.ts";

/** Visits the strip's vectors: `from` is the vector's place in register a, `to` its address. */
function eachLinear(
  f: FunctionBuilder,
  p: KernelArguments,
  body: (from: Local<"i32">, to: Local<"i32">) => void,
): void {
  const [from, to, stride] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.set(stride, load("i32.load", at(p.b, OPERAND.linear.stride)));
  const begin = load("i32.load", at(p.b, OPERAND.linear.address));
  f.set(to, op("i32.add", begin, op("i32.mul", p.first, stride)));
  eachVector(f, p, (offset) => {
    f.set(from, op("i32.add", p.a, offset));
    body(from, to);
    f.increment(to, stride);
  });
}

const storeI8: Kernel = (f, p) => {
  const [vector, row, column] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.set(vector, p.first);
  eachLinear(f, p, (from, to) => {
    for (let byte = 0; byte < 128; byte += 16) {
      f.store("v128.store", at(to, byte), narrowed(from, byte * 4));
    }
    f.set(row, op("i32.shr_u", op("i32.and", vector, 15), 1));
    const crouton = op("i32.shl", op("i32.shr_u", vector, 4), 3);
    f.set(column, op("i32.or", crouton, op("i32.shl", op("i32.and", vector, 1), 2)));
    for (let pixel = 0; pixel < 4; pixel++) {
      const isOutside = op(
        "i32.or",
        op("i32.ge_s", row, load("i32.load", RUN_ROWS)),
        op("i32.ge_s", op("i32.add", column, pixel), load("i32.load", RUN_COLUMNS)),
      );
      f.if(isOutside, () => {
        const fill = op("i8x16.splat", p.immediate);
        f.store("v128.store", at(to, pixel * 32), fill);
        f.store("v128.store", at(to, pixel * 32 + 16), fill);
      });
    }
    f.increment(vector, 1);
  });
};

/** Sixteen words, saturated to bytes. */
function narrowed(from: Expression<"i32">, offset: number): Vector {
  const words = (index: number): Vector => load("v128.load", at(from, offset + index * 16));
  const low = op("i16x8.narrow_i32x4_s", words(0), words(1));
  return op("i8x16.narrow_i16x8_s", low, op("i16x8.narrow_i32x4_s", words(2), words(3)));
}

const copyWords =
  (bytes: number): Kernel =>
  (f, p) =>
    eachLinear(f, p, (from, to) => f.copyBytes(to, from, bytes));

export const STORE_KERNELS = {
  store_i8: storeI8,
  store_i32: copyWords(REGISTER_BYTES),
  store_channel_i32: copyWords(128),
} as const satisfies Partial<Record<MicroOpName, Kernel>>;
