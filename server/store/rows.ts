/** Rows as plain SQL gives them, as domain values: 64-bit numbers come as text, times as Date. */
import {
  brand,
  instant,
  type DeviceId,
  type Instant,
  type ModelId,
  type RolloutId,
  type Sha256,
} from "../../protocol/base/brand.ts";
import type { AssignmentProgress, Outcome } from "../ingest/index.ts";
import type { AssignmentFact, AssignmentStatus } from "../rollout/index.ts";

export interface AssignmentRow {
  readonly rollout: string;
  readonly device: string;
  readonly purpose: string;
  readonly stage: number;
  readonly version: string;
  readonly epoch: string;
  readonly sequence: string;
  readonly envelope: Buffer;
  readonly start_before: Date;
  readonly status: string;
  readonly failing_models: number;
  readonly failure_code: string | null;
  readonly failure_message: string | null;
  readonly assigned_at: Date;
  readonly accepted_at: Date | null;
  readonly settled_at: Date | null;
}

export function assignmentFact(row: AssignmentRow): AssignmentFact {
  return {
    rollout: brand<RolloutId>(row.rollout),
    device: brand<DeviceId>(row.device),
    purpose: row.purpose as AssignmentFact["purpose"],
    stage: row.stage,
    version: row.version,
    epoch: Number(row.epoch),
    sequence: Number(row.sequence),
    status: row.status as AssignmentStatus,
    failingModels: row.failing_models,
    failure: failureNote(row),
    assignedAt: at(row.assigned_at),
    acceptedAt: row.accepted_at && at(row.accepted_at),
  };
}

export function assignmentProgress(row: AssignmentRow): AssignmentProgress {
  const { rollout, purpose, stage, version, status, failingModels, failure, acceptedAt } =
    assignmentFact(row);
  const settledAt = row.settled_at && at(row.settled_at);
  const known = { rollout, purpose, stage, version, status, failingModels };
  return { ...known, failure, acceptedAt, settledAt };
}

export interface OutcomeRow {
  readonly rollout: string;
  readonly device: string;
  readonly model: string;
  readonly model_sha256: string;
  readonly soc: string;
  readonly from_version: string;
  readonly to_version: string;
  readonly stage: number | null;
  readonly verdict: string;
  readonly failing: boolean;
  readonly before_cycles: string | null;
  readonly after_cycles: string | null;
  readonly before_us: number | null;
  readonly after_us: number | null;
  readonly output_snr_db: number | null;
  readonly log_ratio: string | null;
  readonly temperature_celsius: number;
  readonly failure_code: string | null;
  readonly failure_message: string | null;
  readonly epoch: string;
  readonly sequence: string;
  readonly device_time: Date;
  readonly received_at: Date;
}

export function outcomeOfRow(row: OutcomeRow): Outcome & { readonly device: DeviceId } {
  return {
    device: brand<DeviceId>(row.device),
    rollout: brand<RolloutId>(row.rollout),
    model: brand<ModelId>(row.model),
    modelSha256: brand<Sha256>(row.model_sha256),
    soc: row.soc,
    fromVersion: row.from_version,
    toVersion: row.to_version,
    stage: row.stage,
    verdict: row.verdict as Outcome["verdict"],
    failing: row.failing,
    measured: measuredOf(row),
    logRatio: row.log_ratio === null ? null : BigInt(row.log_ratio),
    temperatureCelsius: row.temperature_celsius,
    failure: failureNote(row),
    epoch: Number(row.epoch),
    sequence: Number(row.sequence),
    deviceTime: at(row.device_time),
    receivedAt: at(row.received_at),
  };
}

function measuredOf(row: OutcomeRow): Outcome["measured"] {
  if (row.before_cycles === null || row.after_cycles === null) return null;
  return {
    beforeCycles: Number(row.before_cycles),
    afterCycles: Number(row.after_cycles),
    beforeMicroseconds: row.before_us ?? 0,
    afterMicroseconds: row.after_us ?? 0,
    outputSnrDb: row.output_snr_db ?? Number.NaN,
  };
}

function failureNote(row: {
  readonly failure_code: string | null;
  readonly failure_message: string | null;
}) {
  if (row.failure_code === null) return null;
  return { code: row.failure_code, message: row.failure_message ?? "" };
}

function at(time: Date): Instant {
  return instant(time.getTime());
}
