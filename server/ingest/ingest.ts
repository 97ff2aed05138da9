/**
 * Turns a device's batch of reports into changes of outcomes, gate cells and assignments. Pure: the store
 * reads the history under the device's lock, writes the changes in the same transaction, and its commit is
 * the acknowledgement.
 */
import { unreachable } from "../../protocol/base/assert.ts";
import type { Instant, RolloutId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type {
  LifecycleStage,
  Measured,
  ModelVerdict,
  Report,
  ReportBatch,
  ReportBody,
} from "../../protocol/wire/index.ts";
import { logRatioBillionths } from "../rollout/confidence.ts";
import { cellDeltas } from "./cells.ts";
import type { AssignmentProgress, DeviceHistory, IngestChanges, Outcome } from "./model.ts";

export type IngestCode = "REPORTS_EPOCH_UNKNOWN" | "REPORTS_GAP";

/**
 * Reports up to the acknowledged number are duplicates and dropped; an older epoch consists of nothing else.
 * A gap is refused: what lies in it would be acknowledged without having been seen.
 */
export function ingestBatch(
  batch: ReportBatch,
  history: DeviceHistory,
  receivedAt: Instant,
): Result<IngestChanges, IngestCode> {
  const { reportEpoch, acknowledgedSequence } = history;
  if (batch.epoch > reportEpoch) {
    const details = { epoch: batch.epoch, expected: reportEpoch };
    return failed("REPORTS_EPOCH_UNKNOWN", "No enrolment began this epoch of reports.", details);
  }
  if (batch.epoch < reportEpoch) return succeeded(nothingNew(history, batch.reports.length));
  if (batch.firstSequence > acknowledgedSequence + 1) {
    const details = { firstSequence: batch.firstSequence, acknowledgedSequence };
    const message = "Reports before this batch are missing: send them first.";
    return failed("REPORTS_GAP", message, details);
  }
  const duplicateCount = Math.min(
    batch.reports.length,
    acknowledgedSequence + 1 - batch.firstSequence,
  );
  const numbered = batch.reports
    .map((report, index) => ({ report, epoch: batch.epoch, sequence: batch.firstSequence + index }))
    .slice(duplicateCount);
  return succeeded({
    ...applyReports(numbered, history, receivedAt),
    acknowledgedSequence: acknowledgedSequence + numbered.length,
    duplicateCount,
  });
}

function nothingNew(history: DeviceHistory, duplicateCount: number): IngestChanges {
  const { acknowledgedSequence } = history;
  const none = { outcomes: [], cells: [], assignments: [], unexplained: [] };
  return { acknowledgedSequence, duplicateCount, ...none };
}

interface NumberedReport {
  readonly report: Report;
  readonly epoch: number;
  readonly sequence: number;
}

type Changes = Pick<IngestChanges, "outcomes" | "cells" | "assignments" | "unexplained">;

/** The state of one device while its reports are applied one after the other. */
interface Progress {
  readonly outcomes: Map<string, Outcome>;
  readonly assignments: Map<string, AssignmentProgress>;
  readonly changedOutcomes: Set<string>;
  readonly changedAssignments: Set<string>;
  readonly unexplained: Set<RolloutId>;
}

function applyReports(
  reports: readonly NumberedReport[],
  history: DeviceHistory,
  receivedAt: Instant,
): Changes {
  const progress: Progress = {
    outcomes: new Map(history.outcomes.map((outcome) => [outcomeKey(outcome), outcome])),
    assignments: new Map(history.assignments.map((known) => [assignmentKey(known), known])),
    changedOutcomes: new Set(),
    changedAssignments: new Set(),
    unexplained: new Set(),
  };
  for (const numbered of reports) applyReport(numbered, progress, { history, receivedAt });
  countFailingModels(progress);
  const outcomes = [...progress.changedOutcomes].flatMap((key) => progress.outcomes.get(key) ?? []);
  return {
    outcomes,
    cells: cellDeltas(history.outcomes, outcomes),
    assignments: [...progress.changedAssignments].flatMap(
      (key) => progress.assignments.get(key) ?? [],
    ),
    unexplained: [...progress.unexplained],
  };
}

interface Context {
  readonly history: DeviceHistory;
  readonly receivedAt: Instant;
}

function applyReport(numbered: NumberedReport, progress: Progress, context: Context): void {
  const { report } = numbered;
  const { rollout } = report;
  // Without a rollout it is the device's own affair; it has been acknowledged, nothing more follows.
  if (rollout === null) return;
  const assignment = assignmentFor(rollout, report.to.version, progress);
  if (!assignment) progress.unexplained.add(rollout);
  const { body } = report;
  switch (body.kind) {
    case "lifecycle":
      if (assignment) applyLifecycle(assignment, body.stage, { progress, ...context });
      return;
    case "model_outcome": {
      if (!context.history.rollouts.has(rollout)) return;
      const outcome = outcomeOf({ ...numbered, rollout, body, assignment, ...context });
      const key = outcomeKey(outcome);
      progress.outcomes.set(key, outcome);
      progress.changedOutcomes.add(key);
      return;
    }
    default:
      return unreachable(body);
  }
}

/** The assignment that led to this version: of two in one rollout, one updates and one returns. */
function assignmentFor(
  rollout: RolloutId,
  version: string,
  { assignments }: Progress,
): AssignmentProgress | undefined {
  return [...assignments.values()].find(
    (known) => known.rollout === rollout && known.version === version,
  );
}

function applyLifecycle(
  assignment: AssignmentProgress,
  stage: LifecycleStage,
  { progress, receivedAt }: { progress: Progress; receivedAt: Instant },
): void {
  const key = assignmentKey(assignment);
  progress.assignments.set(key, afterLifecycle(assignment, stage, receivedAt));
  progress.changedAssignments.add(key);
}

/** Server time throughout: a device's clock decides nothing. */
function afterLifecycle(
  assignment: AssignmentProgress,
  stage: LifecycleStage,
  receivedAt: Instant,
): AssignmentProgress {
  const acceptedAt = assignment.acceptedAt ?? receivedAt;
  switch (stage.kind) {
    case "accepted":
    case "installed":
    case "compiled":
    case "measured": {
      const status = assignment.status === "assigned" ? "accepted" : assignment.status;
      return { ...assignment, status, acceptedAt };
    }
    case "committed":
      return {
        ...assignment,
        status: "committed",
        failure: null,
        acceptedAt,
        settledAt: receivedAt,
      };
    case "install_failed":
    case "rolled_back": {
      const failure = { code: stage.code, message: stage.message };
      return { ...assignment, status: "failed", failure, acceptedAt, settledAt: receivedAt };
    }
    default:
      return unreachable(stage);
  }
}

interface OutcomeInput extends NumberedReport, Context {
  readonly rollout: RolloutId;
  readonly body: Extract<ReportBody, { kind: "model_outcome" }>;
  readonly assignment: AssignmentProgress | undefined;
}

function outcomeOf(input: OutcomeInput): Outcome {
  const { report, rollout, body, assignment, history, receivedAt, epoch, sequence } = input;
  const facts = history.rollouts.get(rollout);
  const { verdict } = body;
  const measured = verdict.kind === "failed" ? null : verdict.measured;
  const comparesTheseVersions = report.from.version === facts?.previousVersion;
  const isCounted = assignment?.purpose === "update" && comparesTheseVersions;
  const failing = isFailing(verdict, facts?.accuracyFloorDb ?? -Infinity);
  return {
    rollout,
    model: body.model,
    modelSha256: body.modelSha256,
    soc: history.soc,
    fromVersion: report.from.version,
    toVersion: report.to.version,
    stage: isCounted ? assignment.stage : null,
    verdict: verdict.kind,
    failing,
    measured,
    // How fast a wrong result came does not matter.
    logRatio: measured && !failing ? speedOf(measured) : null,
    temperatureCelsius: body.temperatureCelsius,
    failure: verdict.kind === "failed" ? { code: verdict.code, message: verdict.message } : null,
    epoch,
    sequence,
    deviceTime: report.deviceTime,
    receivedAt,
  };
}

function isFailing(verdict: ModelVerdict, accuracyFloorDb: number): boolean {
  switch (verdict.kind) {
    case "failed":
    case "refused_wrong":
      return true;
    case "kept":
    case "refused_slower":
      return !(verdict.measured.outputSnrDb >= accuracyFloorDb);
    default:
      return unreachable(verdict);
  }
}

/** Of the times that an application waits, call floor included: what the score is made of. */
function speedOf({ beforeMicroseconds, afterMicroseconds }: Measured): bigint | null {
  if (beforeMicroseconds <= 0 || afterMicroseconds <= 0) return null;
  return logRatioBillionths(beforeMicroseconds, afterMicroseconds);
}

/** A device that keeps a driver with which one of its models failed has failed all the same. */
function countFailingModels(progress: Progress): void {
  for (const [key, assignment] of progress.assignments) {
    if (assignment.purpose !== "update") continue;
    const failing = [...progress.outcomes.values()].filter(
      (outcome) => outcome.rollout === assignment.rollout && outcome.failing,
    );
    if (failing.length === assignment.failingModels) continue;
    progress.assignments.set(key, { ...assignment, failingModels: failing.length });
    progress.changedAssignments.add(key);
  }
}

function outcomeKey({ rollout, model }: Outcome): string {
  return `${rollout}\n${model}`;
}

function assignmentKey({ rollout, purpose }: AssignmentProgress): string {
  return `${rollout}\n${purpose}`;
}
