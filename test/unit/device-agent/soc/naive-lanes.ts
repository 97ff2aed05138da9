/** Micro-ops that look at one lane only. */
import type { MicroOpName } from "../../../../protocol/isa/index.ts";
import { cos, erf, exp, log, sin, tanh } from "../../../../protocol/base/math.ts";
import { nearestHalf } from "./naive-half.ts";
import { clamp, toInt32 } from "./naive-memory.ts";

const SCALAR = new DataView(new ArrayBuffer(4));
export const asFloat = (bits: number): number => {
  SCALAR.setInt32(0, bits);
  return SCALAR.getFloat32(0);
};
/** Rounds to float32. */
export const asBits = (value: number): number => {
  SCALAR.setFloat32(0, value);
  return Number.isNaN(value) ? 0x7fc00000 : SCALAR.getInt32(0);
};

type LaneOp = (a: number, b: number, d: number) => number;

const float =
  (of: (a: number, b: number) => number): LaneOp =>
  (a, b) =>
    asBits(of(asFloat(a), asFloat(b)));

/** Computed in float32, then rounded to fp16. */
const half =
  (of: (a: number, b: number) => number): LaneOp =>
  (a, b) =>
    asBits(nearestHalf(Math.fround(of(asFloat(a), asFloat(b)))));

const elementary =
  (of: (x: number) => number): LaneOp =>
  (a) =>
    asBits(nearestHalf(of(nearestHalf(asFloat(a)))));

/** The exact rational a * b / 2^31, to the nearest, halves up. */
function highProduct(a: number, b: number): number {
  const product = BigInt(a) * BigInt(b);
  const nudged = product + (product >= 0n ? 2n ** 30n : 1n - 2n ** 30n);
  return clamp(Number(nudged / 2n ** 31n), -(2 ** 31), 2 ** 31 - 1);
}

/** Halves away from zero. */
function dividePower(a: number, power: number): number {
  const quotient = Math.abs(a) / 2 ** power;
  return Math.sign(a) * Math.floor(quotient + 0.5);
}

export const LANE_OPS: Partial<Record<MicroOpName, LaneOp>> = {
  add_i32: (a, b) => a + b,
  add_i8: (a, b) => a + b,
  subtract_i32: (a, b) => a - b,
  multiply_i32: (a, b) => Math.imul(a, b),
  multiply_i16: (a, b) => Math.imul(a, b),
  multiply_add_i8: (a, b, d) => d + Math.imul(a, b),
  multiply_add_i16: (a, b, d) => d + Math.imul(a, b),
  multiply_add_i32: (a, b, d) => d + Math.imul(a, b),
  minimum_i32: (a, b) => Math.min(a, b),
  minimum_i16: (a, b) => Math.min(a, b),
  maximum_i32: (a, b) => Math.max(a, b),
  maximum_i8: (a, b) => Math.max(a, b),
  maximum_i16: (a, b) => Math.max(a, b),
  add_f32: float((a, b) => a + b),
  subtract_f32: float((a, b) => a - b),
  multiply_f32: float((a, b) => a * b),
  minimum_f32: float((a, b) => Math.min(a, b)),
  maximum_f32: float((a, b) => Math.max(a, b)),
  divide_f32: float((a, b) => a / b),
  sqrt_f32: float((a) => Math.sqrt(a)),
  floor_f32: float((a) => Math.floor(a)),
  i32_to_f32: (a) => asBits(a),
  f32_to_i32: (a) => toInt32(asFloat(a)),
  accumulate_add: (a, _b, d) => d + a,
  accumulate_max: (a, _b, d) => Math.max(d, a),
  accumulate_add_f32: (a, _b, d) => asBits(asFloat(d) + asFloat(a)),
  accumulate_max_f32: (a, _b, d) => asBits(Math.max(asFloat(d), asFloat(a))),
  add_f16: half((a, b) => a + b),
  subtract_f16: half((a, b) => a - b),
  multiply_f16: half((a, b) => a * b),
  minimum_f16: half((a, b) => Math.min(a, b)),
  maximum_f16: half((a, b) => Math.max(a, b)),
  multiply_add_f16: (a, b, d) => asBits(asFloat(d) + Math.fround(asFloat(a) * asFloat(b))),
  round_f16: half((a) => a),
  exp_f16: elementary(exp),
  reciprocal_f16: elementary((x) => 1 / x),
  sqrt_f16: elementary(Math.sqrt),
  rsqrt_f16: elementary((x) => 1 / Math.sqrt(x)),
  sigmoid_f16: elementary((x) => (x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)))),
  silu_f16: elementary((x) => {
    if (x === -Infinity) return 0;
    return x * (x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)));
  }),
  gelu_f16: elementary((x) => (x === -Infinity ? 0 : (x / 2) * (1 + erf(x / Math.SQRT2)))),
  log_f16: elementary(log),
  tanh_f16: elementary(tanh),
  erf_f16: elementary(erf),
  sin_f16: elementary(sin),
  cos_f16: elementary(cos),
  shift_left_i32: (a, b) => a << (b & 31),
  shift_right_i32: (a, b) => a >> (b & 31),
  multiply_high_i32: highProduct,
  divide_power_i32: (a, b) => dividePower(a, b & 31),
};
