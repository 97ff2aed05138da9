/** The text detector against an independent runtime: half a second of multiply-accumulates, naively. */
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { OCR_MODELS, ocrModel, testGoldens } from "./zoo.ts";

const inputShapes = new Map([["x", OCR_MODELS.detector.shape]]);
testGoldens("the OCR detector matches golden", "ppocr4-det", () =>
  unwrap(importOnnx(ocrModel("detector"), { inputShapes })),
);
