/** How a whole sum becomes a stored number: the rules that the rows of this folder name. */
import { roundHalfEven } from "../../../../protocol/base/math.ts";
import type { FixedMultiplier } from "../../fixed-point.ts";
import type { Tensor, TensorType } from "../../graph.ts";
import {
  clampedFormat,
  clampStored,
  fixedMultiplier,
  scaleFixed,
  scaleFixedWide,
} from "../../fixed-point.ts";
import {
  inputTensor,
  numberAttribute,
  outputType,
  requireThat,
  textAttribute,
} from "../../operator.ts";
import type { AttributeReader, EvaluationCall } from "../../operator.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

/**
 * - f32_rne: float32 of the sum times fround(fround(sx * sw) / sy), half to even;
 * - fixed: a sum of 32 bits, wrapping, times the 31-bit multiplier of sx * sw / sy, rounded twice;
 * - fixed_wide: a sum of 48 bits times the upper 16 bits of that multiplier, rounded once.
 */
export const RULES = ["f32_rne", "fixed", "fixed_wide"] as const;
export type RequantizeRule = (typeof RULES)[number];

export const RULE_ATTRIBUTES = {
  rule: textAttribute("f32_rne"),
  clamp_min: numberAttribute(-Infinity),
  clamp_max: numberAttribute(Infinity),
};

export function ruleOf(attributes: AttributeReader): RequantizeRule {
  const name = attributes.text("rule");
  const rule = RULES.find((known) => known === name);
  requireThat(rule !== undefined, `there is no rule ${name}`);
  return rule;
}

/** The stored output of a sum of products for an output channel. */
export function productFinish(
  call: EvaluationCall,
  { rounded }: { readonly rounded: boolean } = { rounded: false },
): (sum: number, channel: number) => number {
  const [x, w] = [inputTensor(call, 0).type, inputTensor(call, 1).type];
  const output = outputType(call);
  const rule = ruleOf(call.attributes);
  const format = clampedFormat(output, {
    minimum: call.attributes.number("clamp_min"),
    maximum: call.attributes.number("clamp_max"),
  });
  const scaleX = scaleOf(x);
  const scales = w.quantization?.scales ?? [1];
  const of = <T>(list: ArrayLike<T>, channel: number): T =>
    list[list.length === 1 ? 0 : channel] as T;
  if (rule === "f32_rne") {
    const factors = Float32Array.from(scales, (scale) => fround(scaleX * scale) / format.scale);
    return (sum, channel) => {
      const scaled = roundHalfEven(fround(fround(sum) * of(factors, channel)));
      return clampStored(scaled + format.zeroPoint, format);
    };
  }
  const multipliers = productMultipliers([x, w, output], rounded);
  const scaled = (sum: number, multiplier: FixedMultiplier): number =>
    rule === "fixed" ? scaleFixed(sum | 0, multiplier) : scaleFixedWide(sum, multiplier);
  return (sum, channel) =>
    clampStored(scaled(sum, of(multipliers, channel)) + format.zeroPoint, format);
}

/**
 * The fixed multiplier of each output channel, or of all. Matrix products take the product of the scales in
 * float32 (`rounded`), convolutions in float64.
 */
export function productMultipliers(
  [x, w, y]: readonly [TensorType, TensorType, TensorType],
  rounded: boolean,
): readonly FixedMultiplier[] {
  const scaleX = scaleOf(x);
  const both = (scale: number): number => (rounded ? fround(scaleX * scale) : scaleX * scale);
  const scales = w.quantization?.scales ?? [1];
  return scales.map((scale) => fixedMultiplier(both(scale) / scaleOf(y)));
}

export function scaleOf(type: TensorType): number {
  return type.quantization?.scales[0] ?? 1;
}

/** The zero point of a tensor with one encoding, or of symmetric weights. */
export function zeroPointOf({ type }: Tensor): number {
  return type.quantization?.zeroPoints[0] ?? 0;
}
