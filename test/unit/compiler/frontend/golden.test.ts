/** The orientation classifier against an independent runtime. */
import { describe, expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { OCR_MODELS, ocrModel, testGoldens } from "./zoo.ts";

describe("the OCR classifier", () => {
  const inputShapes = new Map([["x", OCR_MODELS.classifier.shape]]);
  const graph = unwrap(importOnnx(ocrModel("classifier"), { inputShapes }));

  test("loads, with all shape arithmetic gone", () => {
    const operators = new Set(graph.nodes.map((node) => node.op));
    for (const op of ["cast", "slice", "gather", "concat"]) expect(operators).not.toContain(op);
    expect(graph.types.get("softmax_0.tmp_0")?.shape).toEqual([1, 2]);
  });

  testGoldens("matches golden", "ppocr2-cls", () => graph);
});
