/** Model bytes of any known format to the compiler's graph. */
import type { Result } from "../../protocol/base/result.ts";
import type { Graph } from "../ir/index.ts";
import type { ImportCode } from "./failure.ts";
import { importOnnx } from "./onnx/index.ts";
import { importTflite, isTflite } from "./tflite/index.ts";

export type ModelFormat = "onnx" | "tflite";

export interface ModelOptions {
  /** Shapes of graph inputs by name; they bind dimensions that the model leaves open. */
  readonly inputShapes?: ReadonlyMap<string, readonly number[]>;
  /** TFLite: the key of the signature to import. */
  readonly signature?: string;
}

/** TFLite files carry their name; everything else is taken for ONNX, which has none. */
export function modelFormat(bytes: Uint8Array): ModelFormat {
  return isTflite(bytes) ? "tflite" : "onnx";
}

export function importModel(
  bytes: Uint8Array,
  options: ModelOptions = {},
): Result<Graph, ImportCode> {
  return modelFormat(bytes) === "tflite"
    ? importTflite(bytes, options)
    : importOnnx(bytes, options);
}
