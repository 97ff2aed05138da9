/** The text detector against an independent runtime: half a second of multiply-accumulates, naively. */
import { expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import { evaluate } from "../../../../compiler/ir/index.ts";
import {
  elementsOutside,
  goldenCase,
  OCR_MODELS,
  ocrModel,
  zooAbsence,
  zooPresent,
} from "./zoo.ts";

const golden = zooPresent ? test : test.skip;
golden.each(["case0", "case1"])(
  `the OCR detector matches golden ${zooPresent ? "%s" : zooAbsence}`,
  (name) => {
    const graph = importOnnx(ocrModel("detector"), {
      inputShapes: new Map([["x", OCR_MODELS.detector.shape]]),
    });
    if (!graph.ok) throw new Error(graph.message);
    const { inputs, outputs } = goldenCase("ppocr4-det", name);
    const results = evaluate(graph.value, inputs);
    for (const [output, expected] of outputs) {
      const result = results.get(output)?.data;
      expect(result).toBeInstanceOf(Float32Array);
      expect(elementsOutside(result as Float32Array, expected)).toBe(0);
    }
  },
);
