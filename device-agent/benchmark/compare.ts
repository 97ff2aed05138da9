/** One model under two programs: times, and both outputs against the goldens. */
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { hasCpuSegments, type RunCode, type Session } from "../runtime/index.ts";
import type { BlobStore } from "../slots/index.ts";
import { joinRun, runOfBytes, splitRun, type RegisteredModel } from "../workload/index.ts";
import { measureInterleaved, medianOf, type Sample, type Sides } from "./measure.ts";
import { signalToNoiseDb } from "./snr.ts";
import type { Thermometer } from "./temperature.ts";
import type { Comparison } from "./verdict.ts";

export interface ComparedModel {
  readonly comparison: Comparison;
  readonly samples: readonly Sample[];
  /** Of the new program's outputs against the old one's. */
  readonly againstBeforeSnrDb: number;
  readonly temperatureCelsius: number;
}

export type CompareCode = RunCode | "GOLDENS_MISSING";

export async function comparePrograms(
  model: RegisteredModel,
  sides: Sides,
  ports: { readonly blobs: BlobStore; readonly thermometer: Thermometer },
): Promise<Result<ComparedModel, CompareCode>> {
  const goldens: Float32Array[] = [];
  let first: Float32Array | undefined;
  const outputs = { before: [] as Float32Array[], after: [] as Float32Array[] };
  for (const golden of model.goldens) {
    const inputs = await ports.blobs.get(golden.inputs);
    const expected = await ports.blobs.get(golden.outputs);
    if (!inputs || !expected) {
      return failed(
        "GOLDENS_MISSING",
        `The goldens of ${model.id} are damaged: register it again.`,
      );
    }
    goldens.push(runOfBytes(expected));
    first ??= runOfBytes(inputs);
    for (const which of ["before", "after"] as const) {
      const run = runSession(sides[which], model, runOfBytes(inputs));
      if (!run.ok) return run;
      outputs[which].push(run.value);
    }
  }
  const inputs = splitRun(first ?? new Float32Array(0), model.inputs);
  const measured = measureInterleaved(sides, { thermometer: ports.thermometer, inputs });
  if (!measured.ok) return measured;
  const samples = measured.value;
  const before = medianOf(samples, "before");
  const after = medianOf(samples, "after");
  return succeeded({
    comparison: {
      beforeCycles: before.cycles,
      afterCycles: after.cycles,
      beforeMicroseconds: before.microseconds,
      afterMicroseconds: after.microseconds,
      outputSnrDb: signalToNoiseDb(goldens, outputs.after),
      beforeSnrDb: signalToNoiseDb(goldens, outputs.before),
      isHostTimed: [sides.before, sides.after].some(({ program }) => hasCpuSegments(program)),
    },
    samples,
    againstBeforeSnrDb: signalToNoiseDb(outputs.before, outputs.after),
    temperatureCelsius: ports.thermometer.celsius(),
  });
}

function runSession(
  session: Session,
  model: RegisteredModel,
  inputs: Float32Array,
): Result<Float32Array, RunCode> {
  const run = session.run(splitRun(inputs, model.inputs));
  return run.ok ? succeeded(joinRun(run.value.outputs, model.outputs)) : run;
}
