/** Golden cases on disk: case.json with raw little-endian tensors beside it, in steps where there are any. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { product } from "../../protocol/base/integers.ts";
import { assert, present } from "../../protocol/base/assert.ts";
import { DTYPE_BYTES, tensor, viewElements } from "../../compiler/ir/index.ts";
import type { DType, Tensor } from "../../compiler/ir/index.ts";

export interface GoldenTensor {
  readonly name: string;
  readonly value: Tensor;
}

/** One run of a model; the steps of a case follow each other with the state of the one before. */
export interface GoldenStep {
  readonly inputs: readonly GoldenTensor[];
  readonly outputs: readonly GoldenTensor[];
}

interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: string;
}

interface CaseFile {
  readonly inputs: readonly TensorEntry[];
  readonly outputs: readonly TensorEntry[];
}

const DTYPES: ReadonlyMap<string, DType> = new Map([
  ["float32", "f32"],
  ["float16", "f16"],
  ["int8", "i8"],
  ["uint8", "u8"],
  ["int16", "i16"],
  ["int32", "i32"],
  ["int64", "i64"],
  ["bool", "bool"],
]);

/** The cases of a model's golden folder, each a list of steps. */
export function readCases(folder: string): readonly (readonly GoldenStep[])[] {
  return numbered(folder, "case").map((path) => readCase(path));
}

export function readCase(folder: string): readonly GoldenStep[] {
  if (existsSync(join(folder, "case.json"))) return [readStep(folder)];
  return numbered(folder, "step").map(readStep);
}

/** Subfolders `prefix`0, `prefix`1, … in the order of their numbers. */
function numbered(folder: string, prefix: string): readonly string[] {
  const number = (name: string): number => Number(name.slice(prefix.length));
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && Number.isInteger(number(name)))
    .sort((a, b) => number(a) - number(b))
    .map((name) => join(folder, name));
}

function readStep(folder: string): GoldenStep {
  const file = JSON.parse(readFileSync(join(folder, "case.json"), "utf8")) as CaseFile;
  const read = (entry: TensorEntry): GoldenTensor => readTensor(folder, entry);
  return { inputs: file.inputs.map(read), outputs: file.outputs.map(read) };
}

function readTensor(folder: string, { name, dtype, shape, file }: TensorEntry): GoldenTensor {
  const type = { dtype: present(DTYPES.get(dtype), `type ${dtype}`), shape };
  const bytes = Uint8Array.from(readFileSync(join(folder, file)));
  assert(bytes.length === product(shape) * DTYPE_BYTES[type.dtype], `${file} fills [${shape}]`);
  return { name, value: tensor(type, viewElements(type.dtype, bytes)) };
}
