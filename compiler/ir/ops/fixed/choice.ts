/** Which of the stored numbers along an axis is the largest, as a stored number itself. */
import { clampStored, storedFormat } from "../../fixed-point.ts";
import type { TensorType } from "../../graph.ts";
import { element, numberAttribute, outputType } from "../../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../../operator.ts";
import { chosenIndex, inferChoice } from "../along-axis.ts";

/** As many indices as an int8 holds. */
export const CHOICES_MAX = 256;

export const FIXED_CHOICE_OPS = {
  fixed_argmax: {
    docs: "The index of the largest stored number along the axis, the first of equals, plus the result's zero point.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(0), keepdims: numberAttribute(1) },
    infer: inferIndex,
    evaluator: element(indexElement),
    quantized: "fixed",
  },
} as const satisfies Record<string, Operator>;

function inferIndex(call: InferenceCall): readonly TensorType[] {
  return inferChoice(call).map(({ shape }) => ({ dtype: "i8", shape }));
}

function indexElement(call: EvaluationCall): ElementRule {
  const format = storedFormat(outputType(call));
  const index = chosenIndex(call, { better: (a, b) => a > b, last: false });
  return (at) => clampStored(index(at) + format.zeroPoint, format);
}
