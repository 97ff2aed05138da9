/**
 * Registration: the recovery driver's float32 path gives, once, the goldens that every later driver is
 * compared with and the encodings that every later driver quantises with.
 */
import type { ReferenceSummary } from "../../protocol/abi/index.ts";
import { assert, present } from "../../protocol/base/assert.ts";
import type { ModelId, Sha256 } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { DriverRef } from "../../protocol/wire/index.ts";
import type { DriverCode, DriverOutcome, Watch } from "../host/index.ts";
import { programFor, type CompileCode, type StoredDriver, type Workshop } from "./compile.ts";
import { sourceOf, type RegisteredModel } from "./model.ts";
import { bytesOfRun, seededRun } from "./runs.ts";

export interface ModelToRegister {
  readonly id: ModelId;
  readonly format: "onnx" | "tflite";
  readonly bytes: Uint8Array;
  /** Binds dynamic dimensions. */
  readonly inputShapes: RegisteredModel["inputShapes"];
  /** A run each: the float32 values of all inputs in the model's order. None: seeded standard normal values. */
  readonly calibration: readonly Float32Array[];
  /** Inputs that outputs are compared on; none: seeded ones again, different from the calibration's. */
  readonly goldenInputs: readonly Float32Array[];
}

export interface RegistrationDrivers {
  /** Makes goldens and encodings. */
  readonly recovery: StoredDriver & { readonly ref: DriverRef };
  /** Its time is what later scores are relative to. */
  readonly current: StoredDriver;
}

export type RegisterCode = CompileCode | DriverCode | "MODEL_TOO_LARGE";

const MODEL_BYTES_MAX = 1 << 29;
const SEEDED_CALIBRATION_RUNS = 4;
const SEEDED_GOLDEN_RUNS = 2;
/** Apart from the calibration's seeds, which count from one. */
const GOLDEN_SEED = 1001;

export async function registerModel(
  workshop: Workshop,
  model: ModelToRegister,
  options: RegistrationDrivers & { readonly watch?: Watch | undefined },
): Promise<Result<RegisteredModel, RegisterCode>> {
  const { blobs } = workshop;
  if (model.bytes.length > MODEL_BYTES_MAX) {
    return failed("MODEL_TOO_LARGE", `A model may have ${MODEL_BYTES_MAX} bytes at most.`);
  }
  const { id, format, inputShapes } = model;
  const source = sourceOf({ id, format, inputShapes, sha256: await blobs.put(model.bytes) });
  const ask = (inputs: readonly Sha256[], calibrate: boolean) =>
    options.recovery.hosted.reference({ model: source, inputs, calibrate }, options.watch);

  const runs = await runsOf(model, () => ask([], false));
  if (!runs.ok) return runs;
  const { calibration, goldens } = runs.value;

  const calibrated = await ask(await putRuns(workshop, calibration), true);
  if (!calibrated.ok) return calibrated;
  const goldenInputs = await putRuns(workshop, goldens);
  const referenced = await ask(goldenInputs, false);
  if (!referenced.ok) return referenced;

  const { summary } = referenced.value;
  for (const outputs of summary.outputs) {
    await blobs.put(present(referenced.value.blobs.get(outputs), "golden outputs"));
  }
  const encodings = present(calibrated.value.summary.encodings, "encodings");
  await blobs.put(present(calibrated.value.blobs.get(encodings), "encodings"));
  const registered = { ...draft(source, summary, goldenInputs), encodings };
  const unmeasured = { ...registered, goldensFrom: options.recovery.ref, referenceMicroseconds: 1 };
  const compiled = await programFor(workshop, unmeasured, {
    ...options.current,
    watch: options.watch,
  });
  if (!compiled.ok) return compiled;
  return succeeded({ ...unmeasured, referenceMicroseconds: compiled.value.microseconds });
}

function draft(
  source: ReturnType<typeof sourceOf>,
  summary: ReferenceSummary,
  goldenInputs: readonly Sha256[],
) {
  const { name, format, sha256, inputShapes } = source;
  assert(summary.outputs.length === goldenInputs.length, "the host has checked the runs");
  return {
    id: name as ModelId,
    format,
    sha256,
    inputShapes,
    inputs: summary.inputPorts,
    outputs: summary.outputPorts,
    goldens: goldenInputs.map((inputs, index) => ({
      inputs,
      outputs: present(summary.outputs[index], "golden outputs"),
    })),
  };
}

interface Runs {
  readonly calibration: readonly Float32Array[];
  readonly goldens: readonly Float32Array[];
}

/** Only a model that comes without inputs of its own has to be asked for their shapes. */
async function runsOf(
  model: ModelToRegister,
  describe: () => Promise<DriverOutcome<ReferenceSummary>>,
): Promise<Result<Runs, DriverCode>> {
  const { calibration, goldenInputs } = model;
  if (calibration.length > 0 && goldenInputs.length > 0) {
    return succeeded({ calibration, goldens: goldenInputs });
  }
  const described = await describe();
  if (!described.ok) return described;
  const ports = described.value.summary.inputPorts;
  const seeded = (count: number, seed: number): Float32Array[] =>
    Array.from({ length: count }, (_, index) => seededRun(ports, seed + index));
  return succeeded({
    calibration: calibration.length > 0 ? calibration : seeded(SEEDED_CALIBRATION_RUNS, 1),
    goldens: goldenInputs.length > 0 ? goldenInputs : seeded(SEEDED_GOLDEN_RUNS, GOLDEN_SEED),
  });
}

async function putRuns(
  { blobs }: Workshop,
  runs: readonly Float32Array[],
): Promise<readonly Sha256[]> {
  const names: Sha256[] = [];
  for (const run of runs) names.push(await blobs.put(bytesOfRun(run)));
  return names;
}
