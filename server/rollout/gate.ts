/**
 * The gate of a stage: advances only on evidence, halts on evidence of harm, and otherwise waits. It sees sums
 * and counts, never single reports, so that their order cannot matter.
 *
 * Promotion needs every cell to be non-inferior (an intersection-union test: no correction for their number
 * is needed); a halt needs one cell to be inferior, each at the policy's confidence, and is looked at by a
 * person.
 */
import { expm1, log } from "../../protocol/base/math.ts";
import type { GatePolicy, RolloutStage } from "../../protocol/wire/index.ts";
import { addMoments, confidenceInterval, type Interval } from "./confidence.ts";
import type { GateCell, StageDevices, StageEvidence, Verdict } from "./model.ts";

/** This share of the reachable devices must have ended, well or badly, before a stage may. */
const SETTLED_SHARE_MIN = 0.8;

export interface JudgeInput {
  /** Of this stage and those before it. */
  readonly evidence: StageEvidence;
  readonly stage: RolloutStage;
  readonly policy: GatePolicy;
  /** Devices in contact that the stage reaches. */
  readonly reachable: number;
}

export function judgeStage(input: JudgeInput): Verdict {
  const { evidence, policy } = input;
  const cells = [...evidence.cells].sort(byName).map((cell) => ({
    cell,
    ...judgeCell(cell, policy),
  }));
  const harm = failureHarm(input) ?? cells.find(({ verdict }) => verdict === "inferior")?.because;
  if (harm !== undefined) return { kind: "halt", because: harm };
  const unsettled = tooFewCommitted(input) ?? tooFewSettled(input);
  if (unsettled !== undefined) return { kind: "wait", because: unsettled };
  const open = cells.find(({ verdict }) => verdict !== "passed");
  const doubt = open?.because ?? (cells.length === 0 ? "No model was measured." : null);
  if (doubt === null) {
    const { committed } = evidence.devices;
    const checked = count(cells.length, "pair");
    const because = `${count(committed, "device")} committed; none of ${checked} of model and hardware is slower.`;
    return { kind: "advance", because };
  }
  const everyoneEnded = settledDevices(evidence.devices) >= input.reachable;
  return { kind: everyoneEnded ? "underpowered" : "wait", because: doubt };
}

/**
 * A stage that was passed, judged again: devices roll back after they had reported well. Only what speaks
 * against it counts; cells that late reports leave in doubt are the current stage's matter, whose evidence
 * holds them too.
 */
export function judgePassedStage(input: Omit<JudgeInput, "reachable">): Verdict {
  const all = { ...input, reachable: input.stage.minimumDevices };
  const harm = failureHarm(all);
  if (harm !== undefined) return { kind: "halt", because: harm };
  const lost = tooFewCommitted(all);
  if (lost !== undefined) return { kind: "wait", because: lost };
  return { kind: "advance", because: "Nothing new speaks against this stage." };
}

export type CellVerdict = "passed" | "inferior" | "inconclusive";

export interface CellJudgement {
  readonly verdict: CellVerdict;
  /** Of the mean of ln(before/after). */
  readonly interval: Interval;
  readonly because: string;
}

/** One cell: is the model on this hardware at most the margin slower than before? */
export function judgeCell(cell: GateCell, policy: GatePolicy): CellJudgement {
  const interval = confidenceInterval(cell.moments, 1 - policy.confidence);
  const name = `${cell.model} on ${cell.hardwareClass}`;
  const margin = -log(1 + policy.nonInferiorityMargin);
  const devices = cell.moments.count;
  if (interval.upper < margin) {
    const because = `${name} takes ${percent(expm1(-interval.mean))} longer (${count(devices, "device")}).`;
    return { verdict: "inferior", interval, because };
  }
  if (devices < policy.minimumDevices) {
    const because = `${name} was measured on ${devices} of at least ${count(policy.minimumDevices, "device")}.`;
    return { verdict: "inconclusive", interval, because };
  }
  if (interval.lower < margin) {
    const because = `${name} may still be slower than the margin allows (${count(devices, "device")}).`;
    return { verdict: "inconclusive", interval, because };
  }
  const because = `${name} is ${percent(expm1(interval.mean))} faster (${count(devices, "device")}).`;
  return { verdict: "passed", interval, because };
}

/** Sums of the stages' evidence, for what is known when the last of them ends. */
export function cumulated(stages: readonly StageEvidence[]): StageEvidence {
  const cells = new Map<string, GateCell>();
  for (const cell of stages.flatMap((stage) => stage.cells)) {
    const key = `${cell.model}\n${cell.hardwareClass}`;
    const known = cells.get(key);
    cells.set(key, known ? addCells(known, cell) : cell);
  }
  const devices = stages.map((stage) => stage.devices).reduce(addDevices, NO_DEVICES);
  return { devices, cells: [...cells.values()] };
}

export const NO_DEVICES: StageDevices = {
  assigned: 0,
  accepted: 0,
  committed: 0,
  failed: 0,
  silent: 0,
};

function failureHarm({ evidence, policy, reachable }: JudgeInput): string | undefined {
  const { failed, silent, assigned } = evidence.devices;
  // The whole stage is the base, not those heard so far: the limit does not depend on who answers first.
  const base = Math.max(reachable, assigned);
  const allowed = Math.floor(policy.failureBudget * base + 1e-9);
  if (failed + silent <= allowed) return undefined;
  const worst = [...evidence.cells]
    .sort(byName)
    .reduce<GateCell | undefined>(moreFailures, undefined);
  const floor = `failed or fell below ${policy.accuracyFloorDb} dB`;
  const model =
    worst && worst.failures > 0 ? `: ${worst.model} on ${worst.hardwareClass} ${floor}` : "";
  const silence = silent > 0 ? `, ${silent} silent` : "";
  return `${failed} of ${count(base, "device")} failed${silence}, ${allowed} may${model}.`;
}

function moreFailures(worst: GateCell | undefined, cell: GateCell): GateCell | undefined {
  return worst && worst.failures >= cell.failures ? worst : cell;
}

function tooFewCommitted({ evidence, stage, reachable }: JudgeInput): string | undefined {
  const { committed } = evidence.devices;
  const enough = Math.min(stage.minimumDevices, reachable);
  if (committed >= enough) return undefined;
  return `${committed} of at least ${count(enough, "device")} committed.`;
}

function tooFewSettled({ evidence, reachable }: JudgeInput): string | undefined {
  const settled = settledDevices(evidence.devices);
  const needed = Math.ceil(SETTLED_SHARE_MIN * reachable - 1e-9);
  if (settled >= needed) return undefined;
  return `${settled} of ${count(reachable, "device")} have finished, ${needed} are needed.`;
}

function settledDevices({ committed, failed, silent }: StageDevices): number {
  return committed + failed + silent;
}

function addDevices(a: StageDevices, b: StageDevices): StageDevices {
  return {
    assigned: a.assigned + b.assigned,
    accepted: a.accepted + b.accepted,
    committed: a.committed + b.committed,
    failed: a.failed + b.failed,
    silent: a.silent + b.silent,
  };
}

function addCells(a: GateCell, b: GateCell): GateCell {
  return {
    ...a,
    moments: addMoments(a.moments, b.moments),
    failures: a.failures + b.failures,
  };
}

function byName(a: GateCell, b: GateCell): number {
  return compare(a.model, b.model) || compare(a.hardwareClass, b.hardwareClass);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
