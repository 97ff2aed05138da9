/** A model named on the command line: a zoo name or a file, with its open dimensions bound. */
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import type { ModelSource } from "../../protocol/abi/index.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { zooModel } from "./zoo.ts";

export interface ModelFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputShapes: ModelSource["inputShapes"];
}

/** `shapes`: "input=1x3x48x192,other=1x4". */
export async function loadModelFile(model: string, shapes?: string): Promise<Result<ModelFile>> {
  const bound = parseShapes(shapes);
  if (!bound.ok) return bound;
  const known = zooModel(model);
  if (known !== undefined) {
    const bytes = await known.load();
    if (!bytes.ok) return bytes;
    const inputShapes =
      shapes === undefined ? [{ input: known.input, shape: known.shape }] : bound.value;
    return succeeded({ name: known.name, bytes: bytes.value, inputShapes });
  }
  try {
    const bytes = new Uint8Array(await readFile(model));
    return succeeded({ name: basename(model, extname(model)), bytes, inputShapes: bound.value });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EISDIR") throw error;
    return failed("INPUT_NOT_FOUND", `there is no model file ${model}`, { path: model });
  }
}

function parseShapes(text: string | undefined): Result<ModelSource["inputShapes"]> {
  const bound: { input: string; shape: number[] }[] = [];
  for (const part of text === undefined ? [] : text.split(",")) {
    const at = part.lastIndexOf("=");
    const dimensions = part.slice(at + 1);
    if (at < 1 || !/^\d+(x\d+)*$/.test(dimensions)) {
      return failed("USAGE", `"${part}" is no shape; write input=1x3x48x192`);
    }
    bound.push({ input: part.slice(0, at), shape: dimensions.split("x").map(Number) });
  }
  return succeeded(bound);
}
