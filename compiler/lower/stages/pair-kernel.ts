/** The kernel of a sum or product of two tensors, and its parameters, by the arithmetic that the row asks for. */
import { unreachable } from "../../../protocol/base/assert.ts";
import type {
  FixedMultiplier,
  ProductFactor,
  RaisedSum,
  ShiftedSum,
  SumFactors,
} from "../../ir/index.ts";
import type { VectorRun } from "../emitter.ts";
import type { Grid } from "../grid.ts";
import { clampCount, clampParameters } from "./clamp.ts";

/** What an addition or a multiplication does, beyond which tensors it takes. */
export type PairArithmetic =
  /** int16, by float32 scales. */
  | { readonly kind: "add"; readonly scaleA: number; readonly scaleB: number }
  | { readonly kind: "multiply"; readonly scale: number }
  /** int8, in 16 bits. */
  | ({ readonly kind: "sum" } & SumFactors)
  | ({ readonly kind: "product"; readonly scaled: "a" | "b" } & ProductFactor)
  /** Of models that were quantised elsewhere. */
  | ({ readonly kind: "shifted" } & ShiftedSum)
  | ({ readonly kind: "raised"; readonly minus: 0 | 1 } & RaisedSum)
  | { readonly kind: "fixed"; readonly scaleY: FixedMultiplier }
  | { readonly kind: "power"; readonly shift: number }
  | { readonly kind: "table"; readonly table: Int8Array }
  | { readonly kind: "float"; readonly op: "add" | "subtract" | "multiply" };

export interface PairForm {
  readonly arithmetic: PairArithmetic;
  readonly grid: Grid;
  readonly zeroPointA: number;
  readonly zeroPointB: number;
  readonly zeroPointOut: number;
  readonly low: number;
  readonly high: number;
  /** Whether b has one value a channel, and whether its values are constants. */
  readonly perChannel: boolean;
  readonly isConstant: boolean;
}

type PairRun = Pick<VectorRun, "kernel" | "shape">;

export function pairKernel(from: PairForm): PairRun {
  const { arithmetic, zeroPointOut: zero_y } = from;
  const { dtype } = from.grid.format;
  const { low, high } = clampParameters(dtype, from);
  const clamp = clampCount(dtype, from);
  const variant = from.perChannel ? "_channel" : "";
  const constant = from.isConstant ? 1 : 0;
  const source = { constant, pixel: 1 - constant };
  const zeros = { minus_zero_a: -from.zeroPointA, minus_zero_b: -from.zeroPointB };
  const bounds = { zero_y, low, high };
  switch (arithmetic.kind) {
    case "float": {
      const shape = { counts: { ...source, ...clamp }, parameters: { low, high } };
      return { kernel: `${arithmetic.op}${variant}_f16`, shape };
    }
    case "table":
      return { kernel: `pair_table${variant}_i8`, shape: { parameters: { zero_y } } };
    case "sum": {
      const { factorA: factor_a, factorB: factor_b, shift } = arithmetic;
      const parameters = { ...zeros, factor_a, factor_b, shift, ...bounds };
      return { kernel: `add${variant}_i8`, shape: { counts: clamp, parameters } };
    }
    case "product": {
      const { factor, shift, scaled } = arithmetic;
      const counts = { scaled_a: Number(scaled === "a"), scaled_b: Number(scaled === "b") };
      const parameters = { ...zeros, factor, shift, ...bounds };
      return {
        kernel: `multiply${variant}_i8`,
        shape: { counts: { ...counts, ...clamp }, parameters },
      };
    }
    case "raised": {
      const { minus } = arithmetic;
      const counts = { ...source, plus: 1 - minus, minus, ...clamp };
      const parameters = { ...zeros, ...bounds, ...raisedParameters(arithmetic) };
      return { kernel: `fixed_add${variant}_i16`, shape: { counts, parameters } };
    }
    case "fixed":
    case "power": {
      const counts = { ...source, scaled: Number(arithmetic.kind === "fixed"), ...clamp };
      const parameters = { ...zeros, ...bounds, ...productParameters(arithmetic) };
      return { kernel: `fixed_multiply${variant}_i16`, shape: { counts, parameters } };
    }
    case "shifted": {
      const { multiplierA: scale_a, multiplierB: scale_b, shift } = arithmetic;
      const zeroSum = from.zeroPointA * scale_a + from.zeroPointB * scale_b;
      const offset = (2 ** (shift - 1) - zeroSum) | 0;
      const counts = { ...widthCounts(shiftedMax(arithmetic)), ...clamp };
      const parameters = { scale_a, scale_b, offset, shift, ...bounds };
      return { kernel: `fixed_add${variant}_i8`, shape: { counts, parameters } };
    }
    case "add": {
      const { scaleA: scale_a, scaleB: scale_b } = arithmetic;
      const parameters = { ...zeros, scale_a, scale_b, ...bounds };
      const counts = { ...source, ...clamp };
      return { kernel: `add${variant}_i16`, shape: { counts, parameters } };
    }
    case "multiply": {
      const counts = { ...source, ...widthCounts(65536 * arithmetic.scale + 1), ...clamp };
      const parameters = { ...zeros, scale: arithmetic.scale, ...bounds };
      const name =
        dtype === "i8"
          ? (`fixed_multiply${variant}_i8` as const)
          : (`multiply${variant}_i16` as const);
      return { kernel: name, shape: { counts, parameters } };
    }
    default:
      return unreachable(arithmetic);
  }
}

const INT16_MAX = 32767;

/** Whether the zero point can be added in 16 bits; `largest` bounds the magnitude before. */
function widthCounts(largest: number): { readonly narrow: number; readonly wide: number } {
  const narrow = largest + 128 < INT16_MAX ? 1 : 0;
  return { narrow, wide: 1 - narrow };
}

/** Differences of int8 values are below 256. */
function shiftedMax({ multiplierA, multiplierB, shift }: ShiftedSum): number {
  return (256 * (Math.abs(multiplierA) + Math.abs(multiplierB))) / 2 ** shift + 1;
}

type Parameters = Readonly<Record<string, number>>;

/** Multipliers and shifts: operands are below their common scale, so only the result may be raised. */
function raisedParameters({ raise, scaleA, scaleB, scaleY }: RaisedSum): Parameters {
  const operands = { raise, scale_a: scaleA.mantissa, right_a: -scaleA.shift };
  const right = { scale_b: scaleB.mantissa, right_b: -scaleB.shift };
  return { ...scaleParameters(scaleY), ...operands, ...right };
}

function productParameters(
  arithmetic: Extract<PairArithmetic, { kind: "fixed" | "power" }>,
): Parameters {
  if (arithmetic.kind === "fixed") return scaleParameters(arithmetic.scaleY);
  return { scale_y: 0, left_y: 0, right_y: arithmetic.shift };
}

function scaleParameters({ mantissa, shift }: FixedMultiplier): Parameters {
  return { scale_y: mantissa, left_y: Math.max(shift, 0), right_y: Math.max(-shift, 0) };
}
