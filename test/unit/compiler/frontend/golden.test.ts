/** The orientation classifier against an independent runtime. */
import { describe, expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import { evaluate, numberList } from "../../../../compiler/ir/index.ts";
import {
  elementsOutside,
  goldenCase,
  OCR_MODELS,
  ocrModel,
  zooAbsence,
  zooPresent,
} from "./zoo.ts";

describe("the OCR classifier", () => {
  const inputShapes = new Map([["x", OCR_MODELS.classifier.shape]]);
  const graph = importOnnx(ocrModel("classifier"), { inputShapes });

  test("loads, with all shape arithmetic gone", () => {
    if (!graph.ok) throw new Error(graph.message);
    const operators = new Set(graph.value.nodes.map((node) => node.op));
    for (const op of ["cast", "slice", "gather", "concat"]) expect(operators).not.toContain(op);
    expect(graph.value.types.get("softmax_0.tmp_0")?.shape).toEqual([1, 2]);
  });

  const golden = zooPresent ? test : test.skip;
  golden.each(["case0", "case1"])(
    `matches golden ${zooPresent ? "%s" : `(%s: ${zooAbsence})`}`,
    (name) => {
      if (!graph.ok) throw new Error(graph.message);
      const { inputs, outputs } = goldenCase("ppocr2-cls", name);
      const results = evaluate(graph.value, inputs);
      for (const [output, expected] of outputs) {
        const result = results.get(output);
        expect(elementsOutside(result ? numberList(result) : [], expected)).toBe(0);
      }
    },
  );
});
