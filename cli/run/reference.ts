/** The naive evaluator on a model as it came, without a single pass: slow, and right by inspection. */
import { evaluate, fromReal, toReal } from "../../compiler/ir/index.ts";
import type { Tensor } from "../../compiler/ir/index.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { ModelFile } from "../models/model-file.ts";
import type { FloatTensor } from "../tensor-files.ts";
import { importBound } from "./inputs.ts";

export function runReference(
  model: ModelFile,
  inputs: ReadonlyMap<string, FloatTensor>,
): Result<Map<string, FloatTensor>> {
  const graph = importBound(model);
  if (!graph.ok) return graph;
  const feeds = new Map(
    [...inputs].map(([name, { shape, values }]): [string, Tensor] => [
      name,
      fromReal(graph.value.types.get(name) ?? { dtype: "f32", shape }, values),
    ]),
  );
  const outputs = new Map<string, FloatTensor>();
  for (const [name, value] of evaluate(graph.value, feeds)) {
    const { type } = value;
    if (type.dtype === "string") {
      return failed(
        "OUTPUT_NOT_FLOAT",
        `output ${name} is ${type.dtype}; only numbers are written`,
      );
    }
    outputs.set(name, { shape: type.shape, values: toReal(value) });
  }
  return succeeded(outputs);
}
