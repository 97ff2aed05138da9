/**
 * The int8 arithmetic that the evaluator defines and every backend must reproduce bit for bit.
 * F32_RNE: the int32 accumulator to float32, times a float32 multiplier, half to even, plus the
 * zero point, clamped. Every step is one float32 operation, so that WebAssembly f32x4 agrees.
 */
import { assert } from "../../protocol/base/assert.ts";
import { exp, roundHalfEven } from "../../protocol/base/math.ts";
import type { DType, Quantization, TensorType } from "./graph.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

/** What stands for one in the exponentials of a softmax: words for int8, so that their sums stay exact in int32. */
const SOFTMAX_ONE = { i8: 2 ** 20, i16: 32767 } as const;

/** The encoding of a tensor that has one scale. */
export interface Encoding {
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

export function encodingOf(type: TensorType): Encoding {
  const { quantization } = type;
  assert(quantization?.scales.length === 1, "the tensor has one encoding");
  return { scale: quantization.scales[0] ?? 1, zeroPoint: quantization.zeroPoints[0] ?? 0 };
}

export function perTensor(encoding: Encoding): Quantization {
  return { scales: [encoding.scale], zeroPoints: [encoding.zeroPoint] };
}

export function sameEncoding(a: TensorType, b: TensorType): boolean {
  const [one, other] = [encodingOf(a), encodingOf(b)];
  return one.scale === other.scale && one.zeroPoint === other.zeroPoint;
}

export function clampI8(value: number): number {
  return value < -128 ? -128 : value > 127 ? 127 : value;
}

/** Element types of activations that stand for real numbers. */
export type ActivationType = "i8" | "i16";

export function clampActivation(value: number, dtype: ActivationType): number {
  const limit = dtype === "i8" ? 128 : 32768;
  return value < -limit ? -limit : value > limit - 1 ? limit - 1 : value;
}

/** The types that weights and biases have beside an activation's: int16 is multiplied by int8. */
export function weightTypeOf(dtype: DType): DType {
  return dtype === "i16" ? "i8" : dtype;
}

export function biasTypeOf(dtype: DType): DType {
  return dtype === "i8" || dtype === "i16" ? "i32" : dtype;
}

/** What a stored type computes like: everything but int16 like int8. */
export function activationOf(type: TensorType): ActivationType {
  return type.dtype === "i16" ? "i16" : "i8";
}

/** The stored value of a real one: clamp(rne(fround(real / scale)) + zeroPoint). Infinities saturate. */
export function quantizeValue(
  real: number,
  encoding: Encoding,
  dtype: ActivationType = "i8",
): number {
  const scaled = roundHalfEven(fround(fround(real) / encoding.scale));
  return clampActivation(scaled + encoding.zeroPoint, dtype);
}

export function dequantizeValue(stored: number, encoding: Encoding): number {
  return fround((stored - encoding.zeroPoint) * encoding.scale);
}

/** F32_RNE of an int32 accumulator; of an int64 one for int16 activations. */
export function requantize(accumulator: number, multiplier: number, to: Encoding): number {
  const scaled = fround(fround(accumulator) * multiplier);
  return roundHalfEven(scaled) + to.zeroPoint;
}

export function clampTo(value: number, bounds: Bounds): number {
  return value < bounds.low ? bounds.low : value > bounds.high ? bounds.high : value;
}

/** The stored limits of a result clamped to the real range [minimum, maximum]. */
export function storedBounds(
  [minimum, maximum]: readonly [number, number],
  encoding: Encoding,
  dtype: ActivationType = "i8",
): Bounds {
  const low = quantizeValue(minimum, encoding, dtype);
  return { low, high: quantizeValue(maximum, encoding, dtype) };
}

/** The multiplier of an accumulating operator per output channel: fround(fround(sx * sw[c]) / sy). */
export function accumulatorMultipliers(
  input: TensorType,
  weights: TensorType,
  output: TensorType,
): Float32Array {
  const scaleIn = encodingOf(input).scale;
  const scaleOut = encodingOf(output).scale;
  const scales = weights.quantization?.scales ?? [];
  return Float32Array.from(scales, (scale) => fround(scaleIn * scale) / scaleOut);
}

/** The multiplier of a mean over `count` elements: fround(sx / (sy * count)). */
export function meanMultiplier(input: Encoding, output: Encoding, count: number): number {
  return fround(input.scale / (output.scale * count));
}

/** fround(fround(sa * sb) / sy). */
export function productMultiplier(a: Encoding, b: Encoding, output: Encoding): number {
  return fround(fround(a.scale * b.scale) / output.scale);
}

/** The factor that brings an operand of an addition to the output's scale: fround(sa / sy). */
export function sumMultiplier(operand: Encoding, output: Encoding): number {
  return fround(operand.scale / output.scale);
}

/** The outputs of a function of one element, one for every stored input from the lowest on. */
export function functionTable(
  rule: (real: number) => number,
  { from, to }: { readonly from: Encoding; readonly to: Encoding },
  dtype: ActivationType = "i8",
): Int8Array | Int16Array {
  const table = dtype === "i8" ? new Int8Array(256) : new Int16Array(65536);
  const half = table.length / 2;
  for (let index = 0; index < table.length; index++) {
    table[index] = quantizeValue(rule(dequantizeValue(index - half, from)), to, dtype);
  }
  return table;
}

/** The last entry is for x - max = 0, the one before for -1: round(exp(scale * (x - max)) * 2^20), * 32,767 in int16. */
export function softmaxTable(scale: number, dtype: ActivationType = "i8"): Int32Array | Int16Array {
  const table = dtype === "i8" ? new Int32Array(256) : new Int16Array(65536);
  const one = SOFTMAX_ONE[dtype];
  for (let index = 0; index < table.length; index++) {
    table[index] = roundHalfEven(exp(scale * (index + 1 - table.length)) * one);
  }
  return table;
}
