/** Arithmetic of fp16 values held as float32, functions of them, and lanes that move. */
import { at, lane, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import { ELEMENTARY } from "../../../protocol/isa/index.ts";
import type { ElementaryName, MicroOpName } from "../../../protocol/isa/index.ts";
import { dividedByPower, doublingHighProduct } from "./fixed-point.ts";
import { canonicalNan, floatToHalf, halfToFloat, roundedToHalf } from "./lanes.ts";
import { ACTIVATIONS, FUNCTION_BYTES, FUNCTIONS, REGISTER_BYTES } from "./layout.ts";
import { binary, eachQuad, eachVector, unary } from "./micro-kernel.ts";
import type { Kernel, Vector } from "./micro-kernel.ts";

const half = (mnemonic: `f32x4.${"add" | "sub" | "mul" | "min" | "max"}`): Kernel =>
  binary((a, b, f) => canonicalNan(f, roundedToHalf(f, op(mnemonic, a, b))));

const ELEMENTARY_NAMES = Object.keys(ELEMENTARY) as ElementaryName[];

export function functionTable(name: ElementaryName): number {
  return FUNCTIONS + ELEMENTARY_NAMES.indexOf(name) * FUNCTION_BYTES;
}

/** Looks every lane up in the function's table. */
const elementary =
  (name: ElementaryName): Kernel =>
  (f, p) => {
    const [bytes, result] = [f.local("v128"), f.local("v128")];
    eachQuad(f, p, (quad) => {
      f.set(bytes, op("i32x4.shl", floatToHalf(f, quad(p.a)), 1));
      const value = (index: number): Expression<"i32"> => {
        const offset = lane("i32x4.extract_lane", index, bytes);
        return load("i32.load16_u", at(offset, functionTable(name)));
      };
      f.set(result, op("i32x4.splat", value(0)));
      for (const index of [1, 2, 3]) {
        f.set(result, lane("i32x4.replace_lane", index, result, value(index)));
      }
      return halfToFloat(f, op("i32x4.shl", result, 16));
    });
  };

const elementaryKernels = Object.fromEntries(
  ELEMENTARY_NAMES.map((name) => [name, elementary(name)]),
) as Readonly<Record<ElementaryName, Kernel>>;

/** Channels of one pixel at a time, over a copy: d may be a. */
const shuffleChannels: Kernel = (f, p) => {
  const [table, channel, pixel, index] = [0, 1, 2, 3].map(() => f.local("i32"));
  f.set(table!, load("i32.load", p.b));
  eachVector(f, p, (offset) => {
    f.forRange(pixel!, { begin: 0, end: REGISTER_BYTES, step: 128 }, () => {
      const at0 = op("i32.add", op("i32.add", p.a, offset), pixel!);
      f.copyBytes(ACTIVATIONS, at0, 128);
      f.forRange(channel!, { begin: 0, end: 32, step: 1 }, () => {
        f.set(index!, load("i32.load8_u", op("i32.add", table!, channel!)));
        f.if(op("i32.lt_u", index!, 32), () => {
          const to = op("i32.add", op("i32.add", p.d, offset), pixel!);
          const value = load("i32.load", at(op("i32.shl", index!, 2), ACTIVATIONS));
          f.store("i32.store", op("i32.add", to, op("i32.shl", channel!, 2)), value);
        });
      });
    });
  });
};

/** d <- entry number (a mod immediate) of those that operand b starts at. */
const gather =
  (entry: (index: Expression<"i32">, base: Expression<"i32">) => Expression<"i32">): Kernel =>
  (f, p) => {
    const [base, offset, limit] = [f.local("i32"), f.local("i32"), f.local("i32")];
    f.set(base, load("i32.load", p.b));
    f.set(limit, op("i32.mul", p.count, REGISTER_BYTES));
    f.forRange(offset, { begin: 0, end: limit, step: 4 }, () => {
      const value = load("i32.load", op("i32.add", p.a, offset));
      const index = op("i32.rem_u", value, p.immediate);
      f.store("i32.store", op("i32.add", p.d, offset), entry(index, base));
    });
  };

/** a of each lane shifted by b mod 32: lane by lane, as the vector instructions have one count for all. */
const shift = (mnemonic: "i32.shl" | "i32.shr_s"): Kernel => lanes((a, b) => op(mnemonic, a, b));

function lanes(combine: (a: Expression<"i32">, b: Expression<"i32">) => Expression<"i32">): Kernel {
  return binary((a, b, f) => {
    const [left, right, result] = [f.local("v128"), f.local("v128"), f.local("v128")];
    f.set(left, a);
    f.set(right, b);
    f.set(result, left);
    for (let index = 0; index < 4; index++) {
      const of = (value: Vector): Expression<"i32"> => lane("i32x4.extract_lane", index, value);
      f.set(result, lane("i32x4.replace_lane", index, result, combine(of(left), of(right))));
    }
    return result;
  });
}

export const HALF_KERNELS = {
  ...elementaryKernels,
  add_f16: half("f32x4.add"),
  subtract_f16: half("f32x4.sub"),
  multiply_f16: half("f32x4.mul"),
  minimum_f16: half("f32x4.min"),
  maximum_f16: half("f32x4.max"),
  multiply_add_f16: (f, p) =>
    eachQuad(f, p, (quad) =>
      canonicalNan(f, op("f32x4.add", quad(p.d), op("f32x4.mul", quad(p.a), quad(p.b)))),
    ),
  round_f16: unary((a, f) => canonicalNan(f, roundedToHalf(f, a))),
  multiply_add_i16: (f, p) =>
    eachQuad(f, p, (quad) => op("i32x4.add", quad(p.d), op("i32x4.mul", quad(p.a), quad(p.b)))),
  sqrt_f32: unary((a, f) => canonicalNan(f, op("f32x4.sqrt", a))),
  floor_f32: unary((a, f) => canonicalNan(f, op("f32x4.floor", a))),
  shift_left_i32: shift("i32.shl"),
  shift_right_i32: shift("i32.shr_s"),
  multiply_high_i32: lanes(doublingHighProduct),
  divide_power_i32: lanes(dividedByPower),
  shuffle_channels: shuffleChannels,
  gather_i8: gather((index, base) => load("i32.load8_s", op("i32.add", base, index))),
  gather_i16: gather((index, base) =>
    load("i32.load16_s", op("i32.add", base, op("i32.shl", index, 1))),
  ),
  gather_i32: gather((index, base) =>
    load("i32.load", op("i32.add", base, op("i32.shl", index, 2))),
  ),
} as const satisfies Partial<Record<MicroOpName, Kernel>>;
