/** The networks that silicon was measured on, by their published names, as optimised float graphs. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { importModel } from "../../compiler/frontend/import.ts";
import { importOnnxMessage } from "../../compiler/frontend/onnx/index.ts";
import type { Graph } from "../../compiler/ir/index.ts";
import { blankModel, buildModel, MODELS } from "../../compiler/models/index.ts";
import type { ModelName } from "../../compiler/models/index.ts";
import { optimize } from "../../compiler/passes/index.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { DATA_FOLDER } from "../data-folder.ts";
import { withoutWeights } from "./blank-weights.ts";

/** Models of the zoo that stand beside the built networks. */
const ZOO_FILES: ReadonlyMap<string, string> = new Map([["mediapipe_selfie", "mp-selfie.tflite"]]);

export const NETWORKS: readonly string[] = [...Object.keys(MODELS), ...ZOO_FILES.keys()];

/** Without a seed built networks have weights that mean nothing: only their shape is of interest. */
export async function floatGraph(model: string, seed?: number): Promise<Result<Graph>> {
  if (Object.hasOwn(MODELS, model) && seed === undefined) {
    const built = importOnnxMessage(blankModel(model as ModelName));
    return built.ok ? succeeded(withoutWeights(optimize(built.value))) : built;
  }
  const bytes = await modelBytes(model, seed);
  if (!bytes.ok) return bytes;
  const imported = importModel(bytes.value);
  return imported.ok ? succeeded(optimize(imported.value)) : imported;
}

async function modelBytes(model: string, seed = 0): Promise<Result<Uint8Array, "INPUT_NOT_FOUND">> {
  if (Object.hasOwn(MODELS, model)) return succeeded(buildModel(model as ModelName, seed));
  const file = ZOO_FILES.get(model);
  if (file === undefined) return failed("INPUT_NOT_FOUND", `there is no network "${model}"`);
  const path = join(DATA_FOLDER, "zoo/models", file);
  try {
    return succeeded(new Uint8Array(await readFile(path)));
  } catch (error) {
    const message = `${file} is not in ${DATA_FOLDER}; set RETILE_DATA to the folder that holds the zoo`;
    return failed("INPUT_NOT_FOUND", message, { cause: String(error) });
  }
}
