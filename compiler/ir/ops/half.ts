/** Operators on fp16 as a chip computes them: the order of every rounding is part of their meaning. */
import type { Expression } from "../expression.ts";
import { parseExpression } from "../expression.ts";
import { compileHalf } from "../half-function.ts";
import { element, inputTensor, inputType, requireThat, textAttribute } from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import type { TensorType } from "../graph.ts";
import { numeric } from "../tensor.ts";

export const HALF_OPS = {
  half_function: {
    docs: "The function of x that the text `expr` spells, in fp16 steps (half-function.ts).",
    inputs: [1, 1],
    attributes: { expr: textAttribute() },
    infer: inferFunction,
    evaluator: element(functionElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function formula(call: Pick<InferenceCall, "attributes">): Expression {
  return parseExpression(call.attributes.text("expr"));
}

function inferFunction(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(dtype === "f16", "input must be f16");
  formula(call);
  return [{ dtype, shape }];
}

function functionElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const rule = compileHalf(formula(call));
  return (index) => rule(x[index] ?? 0);
}
