/** Arithmetic of two stored tensors that broadcast, each row with the exact rule it follows. */
import { roundHalfEven } from "../../../../protocol/base/math.ts";
import type { DType, TensorType } from "../../graph.ts";
import {
  clampedFormat,
  clampStored,
  exponentOf,
  fixedMultiplier,
  roundingShift,
  scaleFixed,
  storedFormat,
} from "../../fixed-point.ts";
import type { FixedMultiplier, StoredFormat } from "../../fixed-point.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  reject,
  requireThat,
  textAttribute,
} from "../../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../../operator.ts";
import { broadcastIndex, broadcastShape, numeric } from "../../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, floor, fround, max, min } = Math;

type PairRule = (a: number, b: number) => number;

/** Formats of the two operands and the result, the latter clamped. */
interface Formats {
  readonly a: StoredFormat;
  readonly b: StoredFormat;
  readonly y: StoredFormat;
}

const PAIR_ATTRIBUTES = {
  rule: textAttribute(),
  clamp_min: numberAttribute(-Infinity),
  clamp_max: numberAttribute(Infinity),
};

export const FIXED_PAIR_OPS = {
  fixed_add: pair(
    "a + b of stored numbers. shifted: multipliers of 21 bits, one shift; raised: operands raised by 2^20 (i16: 2^15), 31-bit multipliers.",
    { shifted: (f) => shiftedSum(f, 1), raised: (f, type) => raisedSum(f, type, 1) },
  ),
  fixed_sub: pair("a - b of stored numbers; rules as in fixed_add.", {
    shifted: (f) => shiftedSum(f, -1),
    raised: (f, type) => raisedSum(f, type, -1),
  }),
  fixed_mul: pair(
    "a * b of stored numbers. f32_rne: float32 multiplier, half to even; fixed: 31-bit multiplier, rounded twice; power: divided by the power of two that the scales say, halves away from zero.",
    { f32_rne: floatProduct, fixed: fixedProduct, power: shiftedProduct },
  ),
  fixed_squared_difference: pair(
    "(a - b)^2 of stored numbers: operands raised by 2^7, 31-bit multipliers.",
    { raised: squaredDifference },
  ),
  fixed_prelu: pair(
    "a where not negative, a * b elsewhere; 31-bit multipliers of float32 ratios for the two.",
    { fixed: slopedProduct },
  ),
  fixed_div: pair("a / b of stored numbers as one float32 division, ties away from zero.", {
    fixed: floatQuotient,
  }),
  fixed_max: pair("The larger of two numbers stored alike.", { stored: () => max }),
  fixed_min: pair("The smaller of two numbers stored alike.", { stored: () => min }),
} as const satisfies Record<string, Operator>;

type Rules = Readonly<Record<string, (formats: Formats, type: TensorType) => PairRule>>;

function pair(docs: string, rules: Rules): Operator {
  const prepare = (call: EvaluationCall): ElementRule => {
    const [a, b, y] = [inputTensor(call, 0), inputTensor(call, 1), outputType(call)];
    const [minimum, maximum] = [
      call.attributes.number("clamp_min"),
      call.attributes.number("clamp_max"),
    ];
    const limited = clampedFormat(y, { minimum, maximum });
    const formats = { a: storedFormat(a.type), b: storedFormat(b.type), y: limited };
    const rule = (rules[call.attributes.text("rule")] ?? reject("unknown rule"))(formats, y);
    const [left, right] = [numeric(a), numeric(b)];
    const [indexOfA, indexOfB] = [
      broadcastIndex(a.type.shape, y.shape),
      broadcastIndex(b.type.shape, y.shape),
    ];
    return (index) =>
      clampStored(rule(left[indexOfA(index)] ?? 0, right[indexOfB(index)] ?? 0), limited);
  };
  const infer = (call: InferenceCall): readonly TensorType[] => {
    const [a, b] = [inputType(call, 0), inputType(call, 1)];
    const rule = call.attributes.text("rule");
    requireThat(Object.hasOwn(rules, rule), `there is no rule ${rule}`);
    requireThat(a.dtype === b.dtype, `the operands are ${a.dtype} and ${b.dtype}`);
    requireThat(["i8", "u8", "i16"].includes(a.dtype), `${a.dtype} is no stored type`);
    const shape = broadcastShape(a.shape, b.shape);
    if (shape === undefined) return reject(`[${a.shape}] and [${b.shape}] do not broadcast`);
    return [{ dtype: a.dtype, shape }];
  };
  const attributes = PAIR_ATTRIBUTES;
  return {
    docs,
    inputs: [2, 2],
    attributes,
    infer,
    evaluator: element(prepare),
    quantized: "fixed",
  };
}

const MULTIPLIER_BITS = 20;

/** The numbers of a sum with multipliers of 21 bits. */
export interface ShiftedSum {
  readonly multiplierA: number;
  /** Negative for a difference. */
  readonly multiplierB: number;
  readonly shift: number;
}

interface Scales {
  readonly a: { readonly scale: number };
  readonly b: { readonly scale: number };
  readonly y: { readonly scale: number };
}

export function shiftedNumbers({ a, b, y }: Scales, sign: 1 | -1): ShiftedSum {
  const [scaleA, scaleB] = [fround(a.scale / y.scale), fround(b.scale / y.scale)];
  const shift = MULTIPLIER_BITS - exponentOf(max(scaleA, scaleB));
  const multiplier = (scale: number): number => roundHalfEven(fround(scale * 2 ** shift));
  return { multiplierA: multiplier(scaleA), multiplierB: sign * multiplier(scaleB), shift };
}

/** (a - za) * ma ± (b - zb) * mb in int32, where the larger multiplier has 21 bits; one rounded shift. */
function shiftedSum({ a, b, y }: Formats, sign: 1 | -1): PairRule {
  const { multiplierA, multiplierB, shift } = shiftedNumbers({ a, b, y }, sign);
  const half = 2 ** (shift - 1);
  return (left, right) => {
    const sum = (left - a.zeroPoint) * multiplierA + (right - b.zeroPoint) * multiplierB;
    return floor((sum + half) / 2 ** shift) + y.zeroPoint;
  };
}

/** The numbers of a sum of operands raised by 2^raise. */
export interface RaisedSum {
  readonly raise: number;
  /** Below one. */
  readonly scaleA: FixedMultiplier;
  readonly scaleB: FixedMultiplier;
  readonly scaleY: FixedMultiplier;
}

export function raisedNumbers({ a, b, y }: Scales, dtype: DType): RaisedSum {
  const raise = dtype === "i16" ? 15 : 20;
  const common = 2 * max(a.scale, b.scale);
  return {
    raise,
    scaleA: fixedMultiplier(a.scale / common),
    scaleB: fixedMultiplier(b.scale / common),
    scaleY: fixedMultiplier(common / (2 ** raise * y.scale)),
  };
}

/** Both operands are raised, scaled to twice the larger scale, added, and scaled to the output. */
function raisedSum({ a, b, y }: Formats, { dtype }: TensorType, sign: number): PairRule {
  const { raise, scaleA, scaleB, scaleY } = raisedNumbers({ a, b, y }, dtype);
  return (left, right) => {
    const raisedA = scaleFixed((left - a.zeroPoint) * 2 ** raise, scaleA);
    const raisedB = scaleFixed((right - b.zeroPoint) * 2 ** raise, scaleB);
    return scaleFixed(raisedA + sign * raisedB, scaleY) + y.zeroPoint;
  };
}

function floatProduct({ a, b, y }: Formats): PairRule {
  const factor = fround(fround(a.scale * b.scale) / y.scale);
  return (left, right) => {
    const product = (left - a.zeroPoint) * (right - b.zeroPoint);
    return roundHalfEven(fround(fround(product) * factor)) + y.zeroPoint;
  };
}

/** The 31-bit multiplier of a product. */
export function fixedProductScale({ a, b, y }: Scales): FixedMultiplier {
  return fixedMultiplier((a.scale * b.scale) / y.scale);
}

function fixedProduct({ a, b, y }: Formats): PairRule {
  const scale = fixedProductScale({ a, b, y });
  return (left, right) =>
    scaleFixed((left - a.zeroPoint) * (right - b.zeroPoint), scale) + y.zeroPoint;
}

/** The power of two by which a product is divided; `reject`s scales whose ratio is none. */
export function productShift({ a, b, y }: Scales): number {
  const ratio = y.scale / (a.scale * b.scale);
  const shift = exponentOf(ratio);
  requireThat(ratio === 2 ** shift && shift >= 0 && shift < 31, `${ratio} is no power of two`);
  return shift;
}

function shiftedProduct({ a, b, y }: Formats): PairRule {
  const shift = productShift({ a, b, y });
  return (left, right) =>
    roundingShift((left - a.zeroPoint) * (right - b.zeroPoint), shift) + y.zeroPoint;
}

function squaredDifference({ a, b, y }: Formats): PairRule {
  const raise = 2 ** 7;
  const common = 2 * max(a.scale, b.scale);
  const [scaleA, scaleB] = [fixedMultiplier(a.scale / common), fixedMultiplier(b.scale / common)];
  const scaleY = fixedMultiplier((common * common) / (raise * raise * y.scale));
  return (left, right) => {
    const raisedA = scaleFixed((left - a.zeroPoint) * raise, scaleA);
    const raisedB = scaleFixed((right - b.zeroPoint) * raise, scaleB);
    const difference = raisedA - raisedB;
    return scaleFixed(difference * difference, scaleY) + y.zeroPoint;
  };
}

function slopedProduct({ a, b, y }: Formats): PairRule {
  const positive = fixedMultiplier(fround(a.scale / y.scale));
  const negative = fixedMultiplier(fround(fround(a.scale * b.scale) / y.scale));
  return (left, right) => {
    const value = left - a.zeroPoint;
    const scaled =
      value >= 0
        ? scaleFixed(value, positive)
        : scaleFixed(value * (right - b.zeroPoint), negative);
    return scaled + y.zeroPoint;
  };
}

function floatQuotient({ a, b, y }: Formats): PairRule {
  const factor = fround(a.scale / fround(b.scale * y.scale));
  return (left, right) => {
    const quotient = fround(fround((left - a.zeroPoint) / (right - b.zeroPoint)) * factor);
    return Math.sign(quotient) * floor(abs(quotient) + 0.5) + y.zeroPoint;
  };
}
