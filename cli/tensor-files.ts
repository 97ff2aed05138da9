/**
 * Tensors on disk: one raw little-endian .bin file a tensor, named after it, with shapes and types in
 * tensors.json: `{"tensors": [{"name", "dtype", "shape", "file"}]}`.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { product } from "../protocol/base/integers.ts";
import { failed, succeeded } from "../protocol/base/result.ts";
import type { Result } from "../protocol/base/result.ts";

export interface FloatTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export type TensorFileCode = "INPUTS_MISSING" | "INPUTS_INVALID";

const SIDECAR = "tensors.json";
const sidecarSchema = z.object({
  tensors: z.array(
    z.object({
      name: z.string(),
      dtype: z.literal("f32"),
      shape: z.array(z.int().min(0)),
      /** Default: the tensor's name with other characters than letters, digits, dot, dash replaced. */
      file: z.string().optional(),
    }),
  ),
});

/** A file name that any file system takes: "a/b:0" becomes "a_b_0.bin". */
function tensorFileName(tensor: string): string {
  return `${tensor.replace(/[^A-Za-z0-9._-]/g, "_")}.bin`;
}

export async function readTensors(
  folder: string,
): Promise<Result<Map<string, FloatTensor>, TensorFileCode>> {
  const sidecar = await readSidecar(folder);
  if (!sidecar.ok) return sidecar;
  const tensors = new Map<string, FloatTensor>();
  for (const { name, shape, file } of sidecar.value.tensors) {
    const path = join(folder, file ?? tensorFileName(name));
    const bytes = await readIfThere(path);
    if (bytes === undefined) return failed("INPUTS_MISSING", `there is no ${path}`, { name });
    const expected = product(shape) * 4;
    if (bytes.length !== expected) {
      const message = `${path} has ${bytes.length} bytes, its shape needs ${expected}`;
      return failed("INPUTS_INVALID", message, { name });
    }
    const values = new Float32Array(bytes.slice().buffer, 0, product(shape));
    tensors.set(name, { shape, values });
  }
  return succeeded(tensors);
}

export async function writeTensors(
  folder: string,
  tensors: ReadonlyMap<string, FloatTensor>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const entries = [];
  for (const [name, { shape, values }] of tensors) {
    const file = tensorFileName(name);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    await writeFile(join(folder, file), bytes);
    entries.push({ name, dtype: "f32", shape, file });
  }
  await writeFile(join(folder, SIDECAR), `${JSON.stringify({ tensors: entries }, null, 2)}\n`);
}

async function readSidecar(
  folder: string,
): Promise<Result<z.infer<typeof sidecarSchema>, TensorFileCode>> {
  const path = join(folder, SIDECAR);
  const bytes = await readIfThere(path);
  if (bytes === undefined) {
    return failed("INPUTS_MISSING", `there is no ${path}; it lists each tensor's name and shape`);
  }
  try {
    return succeeded(sidecarSchema.parse(JSON.parse(new TextDecoder().decode(bytes))));
  } catch (error) {
    return failed("INPUTS_INVALID", `${path} is not valid: ${(error as Error).message}`);
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
