/** From a model file to the optimised float graph that both backends start from. */
import type { DriverHost, ModelSource } from "../../protocol/abi/index.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { importModel, modelFormat } from "../frontend/import.ts";
import { closeGraph, print as printGraph } from "../ir/index.ts";
import type { Graph } from "../ir/index.ts";
import { optimize } from "../passes/index.ts";

export interface LoadedModel {
  readonly graph: Graph;
  /** The graph's text after the pass that was asked for. */
  readonly dump: string | undefined;
}

export interface LoadOptions {
  readonly host: DriverHost;
  readonly dumpAfter: string | undefined;
}

/** All releases optimise alike: encodings name the values of this graph, so drivers share them. */
export function loadModel(source: ModelSource, options: LoadOptions): Result<LoadedModel> {
  const bytes = options.host.readBlob(source.sha256);
  const format = modelFormat(bytes);
  if (format !== source.format) {
    return failed("BAD_MODEL", `the model is said to be ${source.format}, its bytes say ${format}`);
  }
  const inputShapes = new Map(source.inputShapes.map(({ input, shape }) => [input, shape]));
  const imported = importModel(bytes, { inputShapes });
  if (!imported.ok) return imported;
  const closed = closeGraph(imported.value);
  if (!closed.ok) return closed;
  let dump: string | undefined;
  const graph = optimize(closed.value, undefined, {
    after: (pass, current) => {
      if (pass === options.dumpAfter) dump = printGraph(current);
    },
  });
  return succeeded({ graph, dump });
}
