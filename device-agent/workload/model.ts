/** A registered model as it lies on disk: what to compile, what to compare with, and since when. */
import { z } from "zod";
import type { ModelSource } from "../../protocol/abi/index.ts";
import type { ModelId, Sha256 } from "../../protocol/base/brand.ts";
import { fromUtf8, utf8 } from "../../protocol/base/bytes.ts";
import { driverRefSchema, modelIdSchema, sha256Schema, type FileSystem } from "../slots/index.ts";

const MODELS_DIRECTORY = "models";

const sizes = z.array(z.int().min(1)).readonly();
const port = z.strictObject({ name: z.string(), dtype: z.string(), shape: sizes }).readonly();
const run = z.strictObject({ inputs: sha256Schema, outputs: sha256Schema }).readonly();

const registeredModelSchema = z
  .strictObject({
    id: modelIdSchema,
    format: z.enum(["onnx", "tflite"]),
    sha256: sha256Schema,
    inputShapes: z.array(z.strictObject({ input: z.string(), shape: sizes }).readonly()).readonly(),
    inputs: z.array(port).readonly(),
    outputs: z.array(port).readonly(),
    /** Made once, by the recovery driver: every driver quantises alike. */
    encodings: sha256Schema,
    /** Float32 inputs and the recovery driver's float32 outputs, made once. */
    goldens: z.array(run).min(1).readonly(),
    goldensFrom: driverRefSchema,
    /** Chip time under the driver that it was registered with: what scores are relative to. */
    referenceMicroseconds: z.number().positive(),
  })
  .readonly();
export type RegisteredModel = z.output<typeof registeredModelSchema>;

export async function readModels(files: FileSystem): Promise<readonly RegisteredModel[]> {
  const models: RegisteredModel[] = [];
  for (const name of await files.list(MODELS_DIRECTORY)) {
    const bytes = name.endsWith(".json") && (await files.read(`${MODELS_DIRECTORY}/${name}`));
    const model = bytes && parseModel(bytes);
    if (model) models.push(model);
  }
  return models;
}

/** Undefined when the file is damaged: its application finds the model unknown and registers it again. */
function parseModel(bytes: Uint8Array): RegisteredModel | undefined {
  try {
    return registeredModelSchema.parse(JSON.parse(fromUtf8(bytes)));
  } catch {
    return undefined;
  }
}

export async function writeModel(files: FileSystem, model: RegisteredModel): Promise<void> {
  await files.replaceFile(`${MODELS_DIRECTORY}/${model.id}.json`, utf8(JSON.stringify(model)));
}

export async function removeModel(files: FileSystem, id: ModelId): Promise<void> {
  await files.remove(`${MODELS_DIRECTORY}/${id}.json`);
}

export function sourceOf(
  model: Pick<RegisteredModel, "id" | "format" | "sha256" | "inputShapes">,
): ModelSource {
  const { id, format, sha256, inputShapes } = model;
  return { format, sha256, name: id, inputShapes };
}

/** Blobs that a model needs, whatever driver compiles it. */
export function blobsOfModel(model: RegisteredModel): readonly Sha256[] {
  const runs = model.goldens.flatMap(({ inputs, outputs }) => [inputs, outputs]);
  return [model.sha256, model.encodings, ...runs];
}
