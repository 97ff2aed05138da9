/** Stored numbers in another type or under another encoding. */
import { clampStored, storedFormat } from "../../fixed-point.ts";
import type { DType, TensorType } from "../../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  outputType,
  requireThat,
  textAttribute,
} from "../../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../../operator.ts";
import { numeric } from "../../tensor.ts";

export const FIXED_CAST_OPS = {
  fixed_cast: {
    docs: "x as it is stored (i8, i16), in the type `to`, saturated; what it stands for is the result's encoding.",
    inputs: [1, 1],
    attributes: { to: textAttribute() },
    infer: inferCast,
    evaluator: element(castElement),
    quantized: "fixed",
  },
} as const satisfies Record<string, Operator>;

function inferCast(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const to = call.attributes.text("to");
  for (const stored of [dtype, to]) {
    requireThat(stored === "i8" || stored === "i16", `${stored} is neither i8 nor i16`);
  }
  return [{ dtype: to as DType, shape }];
}

function castElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const format = storedFormat(outputType(call));
  return (index) => clampStored(x[index] ?? 0, format);
}
