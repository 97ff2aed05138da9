/** Functions of one element without an expression of their own, and conditions on one element. */
import * as math from "../../../protocol/base/math.ts";
import type { DType, TensorType } from "../graph.ts";
import { element, inputTensor, inputType, numberAttribute } from "../operator.ts";
import type {
  AttributeReader,
  AttributeRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../operator.ts";
import { numeric } from "../tensor.ts";

type Rule = (x: number) => number;

export const FUNCTION_OPS = {
  tan: function_("The tangent of every element.", (x) => math.sin(x) / math.cos(x)),
  asin: function_("The arc sine of every element.", math.asin),
  acos: function_("The arc cosine of every element.", math.acos),
  atan: function_("The arc tangent of every element.", math.atan),
  sinh: function_("The hyperbolic sine of every element.", math.sinh),
  cosh: function_("The hyperbolic cosine of every element.", math.cosh),
  asinh: function_("The inverse hyperbolic sine of every element.", math.asinh),
  acosh: function_("The inverse hyperbolic cosine of every element.", math.acosh),
  atanh: function_("The inverse hyperbolic tangent of every element.", math.atanh),
  thresholded_relu: shaped(
    "x above alpha, 0 elsewhere.",
    { alpha: numberAttribute(1) },
    (attributes) => {
      const alpha = attributes.number("alpha");
      return (x) => (x > alpha ? x : 0);
    },
  ),
  shrink: shaped(
    "x drawn towards 0 by bias beyond [-lambd, lambd], 0 within.",
    { lambd: numberAttribute(0.5), bias: numberAttribute(0) },
    (attributes) => {
      const [lambd, bias] = [attributes.number("lambd"), attributes.number("bias")];
      return (x) => (x < -lambd ? x + bias : x > lambd ? x - bias : 0);
    },
  ),
  binarize: shaped(
    "1 above the threshold, 0 elsewhere.",
    { threshold: numberAttribute(0) },
    (attributes) => {
      const threshold = attributes.number("threshold");
      return (x) => Number(x > threshold);
    },
  ),
  isnan: shaped("Whether x is not a number.", {}, () => (x) => Number(x !== x), "bool"),
  isinf: shaped(
    "Whether x is infinite; one sign can be left out.",
    { positive: numberAttribute(1), negative: numberAttribute(1) },
    (attributes) => {
      const [above, below] = [attributes.number("positive"), attributes.number("negative")];
      return (x) => Number((x === Infinity && above !== 0) || (x === -Infinity && below !== 0));
    },
    "bool",
  ),
} as const satisfies Record<string, Operator>;

function function_(docs: string, rule: Rule): Operator {
  return shaped(docs, {}, () => rule);
}

// Four facts make a row; a list of them would hide which is which.
// eslint-disable-next-line max-params
function shaped(
  docs: string,
  attributes: Readonly<Record<string, AttributeRule>>,
  ruleOf: (attributes: AttributeReader) => Rule,
  dtype?: DType,
): Operator {
  const infer = (call: InferenceCall): readonly TensorType[] => {
    const type = inputType(call, 0);
    return [{ dtype: dtype ?? type.dtype, shape: type.shape }];
  };
  const prepare = (call: EvaluationCall) => {
    const x = numeric(inputTensor(call, 0));
    const rule = ruleOf(call.attributes);
    return (index: number): number => rule(x[index] ?? 0);
  };
  return {
    docs,
    inputs: [1, 1],
    attributes,
    infer,
    evaluator: element(prepare),
    quantized: "none",
  };
}
