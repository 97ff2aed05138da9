/** Carries an accepted update out, from whatever step it stands at, until it is committed, refused or has to wait. */
import { unreachable } from "../../protocol/base/assert.ts";
import { failed, type Result } from "../../protocol/base/result.ts";
import type { DriverRef } from "../../protocol/wire/index.ts";
import { sandboxLevel } from "../host/index.ts";
import {
  advance,
  checkFit,
  commit,
  decide,
  downloadAgain,
  downloadPath,
  isOpen,
  stageBundle,
  type Candidate,
  type UpdateDecision,
  type UpdateStep,
} from "../slots/index.ts";
import { abandon, step } from "./abandon.ts";
import { interfacesOf, persist, type Context } from "./context.ts";
import { collectGarbage } from "./garbage.ts";
import { measureModels, recompileModels, type CompileResults } from "./measure-update.ts";
import { isTransient, obtainBundle } from "./obtain-bundle.ts";
import type { PollOutcome } from "./poll-outcome.ts";
import { tryDriver } from "./start.ts";
import type { UpdateSummary } from "./update-summary.ts";

/** Undefined: the step is done, the next one follows. */
type StepOutcome = PollOutcome | undefined;

/** `ask` says whether the server still stands by the update: before every step that follows a long one. */
export async function carryOut(
  context: Context,
  ask: (context: Context) => Promise<PollOutcome | undefined>,
): Promise<PollOutcome> {
  // Once in a while a restart loses this: it is only what compiling cost.
  const compiled: CompileResults = new Map();
  for (;;) {
    const { update } = context.journal.state.slots;
    const done = await nextStep(context, compiled);
    const outcome = done ?? (LONG_STEPS.has(update.kind) ? await ask(context) : undefined);
    if (!outcome) continue;
    if (outcome.kind !== "waiting") await collectGarbage(context);
    return outcome;
  }
}

/** Downloading, compiling, measuring: much may have changed when they are done. */
const LONG_STEPS: ReadonlySet<UpdateStep["kind"]> = new Set(["downloading", "staged", "compiled"]);

async function nextStep(context: Context, compiled: CompileResults): Promise<StepOutcome> {
  const { update } = context.journal.state.slots;
  switch (update.kind) {
    case "idle":
      return { kind: "nothing", because: "No update is under way." };
    case "downloading":
      return downloadStep(context, update.candidate);
    case "downloaded":
      return (await untilAgreed(context, update.candidate)) ?? stageStep(context, update.candidate);
    case "staged":
      return (
        untilOpen(context, update.candidate) ?? compileStep(context, update.candidate, compiled)
      );
    case "compiled":
      return measureStep(context, update.candidate, compiled);
    case "measured":
      return (
        untilOpen(context, update.candidate) ??
        decideStep(context, update.candidate, update.decision)
      );
    default:
      return unreachable(update);
  }
}

async function downloadStep(context: Context, candidate: Candidate): Promise<StepOutcome> {
  const isBegun =
    (await context.ports.files.stat(downloadPath(candidate.driver.sha256))) !== undefined;
  const isTooLateToBegin = !isBegun && context.ports.clock.now() >= candidate.startBefore;
  if (isTooLateToBegin || isTooLate(context, candidate)) {
    return abandon(context, candidate, TOO_LATE);
  }
  const done = await obtainBundle(context, candidate);
  if (done.ok) {
    await step(context, candidate, { slots: advance(context.journal.state.slots, "downloading") });
    return undefined;
  }
  const { code, message } = done;
  if (isTransient(done)) return { kind: "waiting", to: candidate.driver, code, message };
  return abandon(context, candidate, done);
}

async function untilAgreed({ ports }: Context, { driver }: Candidate): Promise<StepOutcome> {
  if (await ports.consent.mayInstall(driver)) return undefined;
  const { version } = driver;
  const message = `The device's owner has not agreed to it: retile agent settings --agree ${version}`;
  return { kind: "waiting", to: driver, code: "CONSENT_PENDING", message };
}

/** Past the last moment of its assignment an update ends, whether the window is open or not. */
function untilOpen(context: Context, candidate: Candidate): StepOutcome {
  const { ports } = context;
  const { window } = ports.consent;
  if (!window || isOpen(window, ports.clock.now()) || isTooLate(context, candidate))
    return undefined;
  const message = "The maintenance window is closed; the update goes on when it opens.";
  return { kind: "waiting", to: candidate.driver, code: "OUTSIDE_WINDOW", message };
}

async function stageStep(context: Context, candidate: Candidate): Promise<StepOutcome> {
  const { ports, journal } = context;
  const installed = await stage(context, candidate);
  if (!installed.ok && installed.code === "BUNDLE_HASH_MISMATCH") {
    await ports.files.discard(downloadPath(candidate.driver.sha256));
    await step(context, candidate, { slots: downloadAgain(journal.state.slots) });
    return undefined;
  }
  if (!installed.ok) return abandon(context, candidate, installed);
  const slots = advance(journal.state.slots, "downloaded");
  await step(context, candidate, { slots, stage: { kind: "installed" } });
  await ports.files.discard(downloadPath(candidate.driver.sha256));
  return undefined;
}

async function stage(context: Context, { driver }: Candidate): Promise<Result<void>> {
  const { files, soc, consent, tools } = context.ports;
  if (consent.sandboxMin === "strong" && sandboxLevel(tools) !== "strong") {
    const message = "This machine has no strong sandbox, and its owner asks for one.";
    return failed("SANDBOX_TOO_WEAK", message);
  }
  const archive = (await files.read(downloadPath(driver.sha256))) ?? new Uint8Array(0);
  const staged = await stageBundle(files, archive, driver.sha256);
  if (!staged.ok) return staged;
  const fit = checkFit(staged.value, interfacesOf(soc));
  return fit.ok ? tryDriver(context, driver) : fit;
}

async function compileStep(
  context: Context,
  candidate: Candidate,
  compiled: CompileResults,
): Promise<StepOutcome> {
  const results = await recompileModels(context, candidate);
  for (const [model, result] of results) compiled.set(model, result);
  const slots = advance(context.journal.state.slots, "staged");
  await step(context, candidate, { slots, stage: { kind: "compiled" } });
  return undefined;
}

async function measureStep(
  context: Context,
  candidate: Candidate,
  compiled: CompileResults,
): Promise<StepOutcome> {
  const { summary, decision, bodies } = await measureModels(context, candidate, compiled);
  const { slots } = context.journal.state;
  await persist(context, {
    slots: decide(slots, decision),
    bodies: [...bodies, { kind: "lifecycle", stage: { kind: "measured" } }],
    from: slots.current,
    to: candidate.driver,
    rollout: candidate.rollout,
    lastUpdate: summary,
  });
  return undefined;
}

async function decideStep(
  context: Context,
  candidate: Candidate,
  decision: UpdateDecision,
): Promise<StepOutcome> {
  const { slots, lastUpdate } = context.journal.state;
  if (decision.kind === "refuse") return abandon(context, candidate, decision);
  if (isTooLate(context, candidate)) return abandon(context, candidate, TOO_LATE);
  const next = commit(slots, decision.pins);
  await step(context, candidate, { slots: next, stage: { kind: "committed" } });
  const summary = lastUpdate ?? emptySummary(slots.current, candidate.driver);
  return { kind: "committed", from: slots.current, to: candidate.driver, summary };
}

const TOO_LATE = {
  code: "ASSIGNMENT_EXPIRED",
  message: "The assignment ran out, and nothing had renewed it.",
};

function isTooLate({ ports }: Context, { activateBefore }: Candidate): boolean {
  return ports.clock.now() >= activateBefore;
}

function emptySummary(from: DriverRef, to: DriverRef): UpdateSummary {
  return { from, to, models: [], scoreBefore: null, scoreAfter: null };
}
