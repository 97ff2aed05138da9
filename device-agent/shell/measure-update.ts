/** Recompiles every registered model with the candidate, compares it with the old program, and decides. */
import type { ModelId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import type { DriverRef, ModelVerdict, ReportBody } from "../../protocol/wire/index.ts";
import { comparePrograms, judgeModel, judgeUpdate, scoreOf } from "../benchmark/index.ts";
import { driverFor, type Candidate, type UpdateDecision } from "../slots/index.ts";
import { programFor, readModels, type Compiled, type RegisteredModel } from "../workload/index.ts";
import { storedDriver, type AgentProgress, type Context } from "./context.ts";
import { modelRow, type ModelRow, type UpdateSummary } from "./update-summary.ts";

/** What compiling cost or why it failed, by model; lost in a restart, when it is done again. */
export type CompileResults = Map<ModelId, Result<CompileCost>>;
type CompileCost = Pick<Compiled, "compileMs" | "residentBytesPeak">;

/** Programs that compile are in the cache when this returns. */
export async function recompileModels(
  context: Context,
  candidate: Candidate,
): Promise<CompileResults> {
  const results: CompileResults = new Map();
  for (const model of await readModels(context.ports.files)) {
    const compiled = await compileFor(context, model, candidate.driver);
    // The session is a chip's memory: only what it cost is kept.
    results.set(model.id, compiled.ok ? succeeded(costOf(compiled.value)) : compiled);
  }
  return results;
}

function costOf({ compileMs, residentBytesPeak }: Compiled): CompileCost {
  return { compileMs, residentBytesPeak };
}

export async function compileFor(
  context: Context,
  model: RegisteredModel,
  driver: DriverRef,
): Promise<Result<Compiled>> {
  const report = progress(context, "compile", model.id);
  report(0);
  const watch = { onProgress: (_stage: string, fraction: number) => report(fraction) };
  const compiled = await programFor(context.workshop, model, {
    ...storedDriver(context, driver),
    watch,
  });
  report(1);
  return compiled;
}

export interface MeasuredUpdate {
  readonly summary: UpdateSummary;
  readonly decision: UpdateDecision;
  readonly bodies: readonly ReportBody[];
}

export async function measureModels(
  context: Context,
  candidate: Candidate,
  compiled: CompileResults,
): Promise<MeasuredUpdate> {
  const { ports, journal } = context;
  const { slots } = journal.state;
  const models = await readModels(ports.files);
  const rows: Judged[] = [];
  for (const [index, model] of models.entries()) {
    progress(context, "measure", model.id)(index / models.length);
    rows.push(await measureModel(context, model, { candidate, compiled }));
  }
  const judged = rows.map(({ row, verdict }) => ({ model: row.model, verdict }));
  const decision = judgeUpdate(judged, ports.policy, (model) => driverFor(slots, model));
  const summary = {
    from: slots.current,
    to: candidate.driver,
    models: rows.map(({ row }) => row),
    scoreBefore: score(models, rows, "beforeMicroseconds"),
    scoreAfter: score(models, rows, "afterMicroseconds"),
  };
  return {
    summary,
    decision,
    bodies: rows.map(({ row, verdict }, index) => outcomeOf(models[index], row, verdict)).flat(),
  };
}

interface Judged {
  readonly row: ModelRow;
  readonly verdict: ModelVerdict;
}

async function measureModel(
  context: Context,
  model: RegisteredModel,
  { candidate, compiled }: { readonly candidate: Candidate; readonly compiled: CompileResults },
): Promise<Judged> {
  const { ports, journal, workshop } = context;
  const { thermometer, policy } = ports;
  const cost = compiled.get(model.id);
  const facts = {
    model: model.id,
    compileMs: cost?.ok ? cost.value.compileMs : 0,
    compileBytesPeak: cost?.ok ? cost.value.residentBytesPeak : 0,
  };
  const unmeasured = (failure: Failure): Judged => {
    const verdict = { kind: "failed", code: failure.code, message: failure.message } as const;
    const ratios = { beforeSnrDb: null, againstBeforeSnrDb: null };
    const temperatureCelsius = thermometer.celsius();
    return { verdict, row: modelRow({ ...facts, ...ratios, verdict, temperatureCelsius }) };
  };
  if (cost?.ok === false) return unmeasured(cost);
  const after = await compileFor(context, model, candidate.driver);
  if (!after.ok) return unmeasured(after);
  const before = await compileFor(context, model, driverFor(journal.state.slots, model.id));
  if (!before.ok) {
    const message = `The program of the driver before is gone: ${before.message}`;
    return unmeasured(failed("NO_PROGRAM_BEFORE", message));
  }
  const sides = { before: before.value.session, after: after.value.session };
  const compared = await comparePrograms(model, sides, { blobs: workshop.blobs, thermometer });
  if (!compared.ok) return unmeasured(compared);
  const { comparison, againstBeforeSnrDb, temperatureCelsius } = compared.value;
  const verdict = judgeModel(comparison, policy);
  const ratios = { beforeSnrDb: comparison.beforeSnrDb, againstBeforeSnrDb };
  return { verdict, row: modelRow({ ...facts, ...ratios, verdict, temperatureCelsius }) };
}

function outcomeOf(
  model: RegisteredModel | undefined,
  { temperatureCelsius }: ModelRow,
  verdict: ModelVerdict,
): ReportBody[] {
  if (!model) return [];
  const { id, sha256 } = model;
  return [{ kind: "model_outcome", model: id, modelSha256: sha256, temperatureCelsius, verdict }];
}

/** Null where a model has no such time. */
function score(
  models: readonly RegisteredModel[],
  rows: readonly Judged[],
  which: "beforeMicroseconds" | "afterMicroseconds",
): number | null {
  const times = models.flatMap(({ id, referenceMicroseconds }) => {
    const microseconds = rows.find(({ row }) => row.model === id)?.row[which];
    return typeof microseconds === "number" ? [{ referenceMicroseconds, microseconds }] : [];
  });
  return times.length === models.length ? (scoreOf(times) ?? null) : null;
}

function progress(context: Context, stage: AgentProgress["stage"], subject: string) {
  return (fraction: number): void => context.ports.onProgress({ stage, subject, fraction });
}
