/** The optimised float graph of a model on the command line: what drivers start from, and bounds are taken of. */
import { loadModel } from "../../compiler/driver/model.ts";
import { modelFormat } from "../../compiler/frontend/import.ts";
import type { Graph } from "../../compiler/ir/index.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/hash.ts";
import type { ModelFile } from "../models/model-file.ts";

export function floatGraphOf({ name, bytes, inputShapes }: ModelFile): Result<Graph> {
  const host = { readBlob: () => bytes, readFile: never, sha256: never, reply: never };
  const source = { format: modelFormat(bytes), sha256: sha256Hex(bytes), name, inputShapes };
  const loaded = loadModel(source, { host, dumpAfter: undefined });
  return loaded.ok ? succeeded(loaded.value.graph) : loaded;
}

function never(): never {
  throw new Error("bug: importing a model only reads it");
}
