/** `retile agent register`: a model from the zoo or a file, with the runs to calibrate and compare on. */
import { modelFormat } from "../../compiler/frontend/import.ts";
import type { ModelToRegister } from "../../device-agent/index.ts";
import { brand, isIdentifier } from "../../protocol/base/brand.ts";
import type { ModelId } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { loadModelFile } from "../models/model-file.ts";
import type { ModelFile } from "../models/model-file.ts";
import { zooInputs, zooModel } from "../models/zoo.ts";
import { chooseInputs, importBound, joined } from "../run/inputs.ts";
import { readTensors } from "../tensor-files.ts";

export interface RegisterOptions {
  readonly model: string;
  readonly name?: string;
  readonly shape?: string;
  /** Folders as `retile run --inputs` takes them, one a run. */
  readonly calibration?: readonly string[];
  readonly goldens?: readonly string[];
}

const ZOO_CALIBRATION_RUNS = 4;
const ZOO_GOLDEN_RUNS = 2;
/** Apart from the seed of the calibration. */
const ZOO_GOLDEN_SEED = 1001;

export async function modelToRegister(options: RegisterOptions): Promise<Result<ModelToRegister>> {
  const loaded = await loadModelFile(options.model, options.shape);
  if (!loaded.ok) return loaded;
  const file = loaded.value;
  const name = options.name ?? file.name;
  if (!isIdentifier(name)) {
    return failed("USAGE", `"${name}" is no name for a model; --name gives it one`);
  }
  const runs = await runsFor(file, options);
  if (!runs.ok) return runs;
  const { bytes, inputShapes } = file;
  const format = modelFormat(bytes);
  return succeeded({ id: brand<ModelId>(name), format, bytes, inputShapes, ...runs.value });
}

type Runs = Pick<ModelToRegister, "calibration" | "goldenInputs">;

/** Zoo models bring pictures of their own; where neither gives any, the agent draws seeded noise. */
async function runsFor(file: ModelFile, options: RegisterOptions): Promise<Result<Runs>> {
  const calibration = await readRuns(file, options.calibration ?? []);
  if (!calibration.ok) return calibration;
  const goldens = await readRuns(file, options.goldens ?? []);
  if (!goldens.ok) return goldens;
  const runs = { calibration: calibration.value, goldenInputs: goldens.value };
  const zoo = options.shape === undefined ? zooModel(options.model) : undefined;
  if (zoo === undefined) return succeeded(runs);
  return succeeded({
    calibration: orElse(runs.calibration, () => zooInputs(zoo, ZOO_CALIBRATION_RUNS)),
    goldenInputs: orElse(runs.goldenInputs, () => zooInputs(zoo, ZOO_GOLDEN_RUNS, ZOO_GOLDEN_SEED)),
  });
}

function orElse<T>(given: readonly T[], otherwise: () => readonly T[]): readonly T[] {
  return given.length > 0 ? given : otherwise();
}

async function readRuns(
  file: ModelFile,
  folders: readonly string[],
): Promise<Result<readonly Float32Array[]>> {
  if (folders.length === 0) return succeeded([]);
  const graph = importBound(file);
  if (!graph.ok) return graph;
  const runs: Float32Array[] = [];
  for (const folder of folders) {
    const given = await readTensors(folder);
    if (!given.ok) return given;
    const inputs = chooseInputs(graph.value, given.value);
    if (!inputs.ok) return inputs;
    runs.push(joined([...inputs.value.values()]));
  }
  return succeeded(runs);
}
