/** The pipeline on real networks: what is left, and that it computes the same. */
import { expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import { evaluate, numberList, tensorFrom } from "../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../compiler/ir/index.ts";
import { buildModel } from "../../../../compiler/models/index.ts";
import { optimize } from "../../../../compiler/passes/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { OCR_MODELS, ocrModel } from "../frontend/zoo.ts";

function histogram(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

function imported(bytes: Uint8Array, shape?: readonly number[]): Graph {
  const inputShapes = new Map(shape === undefined ? [] : [["x", shape]]);
  const result = importOnnx(bytes, { inputShapes });
  if (!result.ok) throw new Error(result.message);
  return result.value;
}

test("the OCR classifier: hard-swish found, squeeze-and-excite kept, results equal", () => {
  const graph = imported(ocrModel("classifier"), OCR_MODELS.classifier.shape);
  const optimized = optimize(graph);
  expect(histogram(optimized)).toEqual({
    conv: 53,
    pointwise: 18,
    global_average_pool: 10,
    hard_sigmoid: 9,
    mul: 9,
    add: 7,
    max_pool: 1,
    reshape: 1,
    matmul: 1,
    softmax: 1,
  });
  const random = seededRandom(11);
  const type = { dtype: "f32" as const, shape: OCR_MODELS.classifier.shape };
  const inputs = new Map([["x", tensorFrom(type, () => random.normal() / 2)]]);
  const [before, after] = [evaluate(graph, inputs), evaluate(optimized, inputs)];
  for (const [name, value] of before) {
    const result = after.get(name);
    expect(result && numberList(result)[0]).toBeCloseTo(numberList(value)[0] ?? 0, 5);
  }
});

test("the OCR detector: affine maps folded or fused, no batch normalisation left", () => {
  const graph = imported(ocrModel("detector"), OCR_MODELS.detector.shape);
  expect(histogram(optimize(graph))).toEqual({
    conv: 62,
    pointwise: 24,
    add: 11,
    global_average_pool: 10,
    hard_sigmoid: 10,
    mul: 10,
    resize: 6,
    conv_transpose: 2,
    concat: 1,
    sigmoid: 1,
  });
});

test("the builder's networks: convolutions with their clamps, and little else", () => {
  const rest = { global_average_pool: 1, reshape: 1 };
  expect(histogram(optimize(imported(buildModel("mobilenet_v2", 1))))).toEqual({
    conv: 52,
    add: 10,
    matmul: 1,
    ...rest,
  });
  expect(histogram(optimize(imported(buildModel("squeezenet1_1", 1))))).toEqual({
    conv: 26,
    concat: 8,
    max_pool: 3,
    ...rest,
  });
});
