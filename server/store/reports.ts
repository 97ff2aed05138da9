/** The ingest transaction: history read under the device's lock, changes written, the commit acknowledges. */
import { brand, type Instant, type RolloutId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { ReportAck, ReportBatch } from "../../protocol/wire/index.ts";
import {
  ingestBatch,
  type CellDelta,
  type DeviceHistory,
  type IngestChanges,
  type Outcome,
  type RolloutFacts,
} from "../ingest/index.ts";
import { appendAudit } from "./audit.ts";
import type { Database, Sql } from "./database.ts";
import type { ReportsStoreCode, ReportStore } from "./ports.ts";
import { assignmentProgress, outcomeOfRow, type AssignmentRow, type OutcomeRow } from "./rows.ts";

export function reportStore(database: Database): ReportStore {
  return {
    ingest: (batch, now) => database.withSql(batch.tenant, (sql) => ingest(sql, batch, now)),
    outcomes: (tenant, rollout) =>
      database.withSql(tenant, async (sql) => {
        const rows = await sql.query<OutcomeRow>(
          "SELECT * FROM outcomes WHERE tenant = $1 AND rollout = $2 ORDER BY device, model",
          [tenant, rollout],
        );
        return rows.map(outcomeOfRow);
      }),
  };
}

async function ingest(
  sql: Sql,
  batch: ReportBatch,
  now: Instant,
): Promise<Result<ReportAck, ReportsStoreCode>> {
  const history = await lockedHistory(sql, batch);
  if (!history) {
    const message = `Device ${batch.device} is not enrolled.`;
    return failed("DEVICE_UNKNOWN", message, { device: batch.device });
  }
  const changes = ingestBatch(batch, history, now);
  if (!changes.ok) return changes;
  const { acknowledgedSequence } = changes.value;
  if (acknowledgedSequence > history.acknowledgedSequence) {
    await write(sql, { batch, changes: changes.value, now });
  }
  return succeeded({ epoch: history.reportEpoch, acknowledgedSequence });
}

async function lockedHistory(sql: Sql, batch: ReportBatch): Promise<DeviceHistory | undefined> {
  const { tenant, device } = batch;
  const [known] = await sql.query<{
    soc: string;
    report_epoch: string;
    acknowledged_sequence: string;
  }>(
    `SELECT soc, report_epoch, acknowledged_sequence FROM devices
     WHERE tenant = $1 AND device = $2 FOR UPDATE`,
    [tenant, device],
  );
  if (!known) return undefined;
  const rollouts = [...new Set(batch.reports.flatMap(({ rollout }) => rollout ?? []))];
  const key = [tenant, device, rollouts];
  const assignments = await sql.query<AssignmentRow>(
    "SELECT * FROM assignments WHERE tenant = $1 AND device = $2 AND rollout = ANY ($3)",
    key,
  );
  const outcomes = await sql.query<OutcomeRow>(
    "SELECT * FROM outcomes WHERE tenant = $1 AND device = $2 AND rollout = ANY ($3)",
    key,
  );
  return {
    soc: known.soc,
    reportEpoch: Number(known.report_epoch),
    acknowledgedSequence: Number(known.acknowledged_sequence),
    assignments: assignments.map(assignmentProgress),
    outcomes: outcomes.map(outcomeOfRow),
    rollouts: await rolloutFacts(sql, batch, rollouts),
  };
}

async function rolloutFacts(
  sql: Sql,
  { tenant }: ReportBatch,
  rollouts: readonly RolloutId[],
): Promise<ReadonlyMap<RolloutId, RolloutFacts>> {
  const rows = await sql.query<{ id: string; previous_version: string; floor: number }>(
    `SELECT id, previous_version, (gate->>'accuracyFloorDb')::float8 AS floor FROM rollouts
     WHERE tenant = $1 AND id = ANY ($2)`,
    [tenant, rollouts],
  );
  return new Map(
    rows.map((row) => [
      brand<RolloutId>(row.id),
      { previousVersion: row.previous_version, accuracyFloorDb: row.floor },
    ]),
  );
}

interface Write {
  readonly batch: ReportBatch;
  readonly changes: IngestChanges;
  readonly now: Instant;
}

async function write(sql: Sql, { batch, changes, now }: Write): Promise<void> {
  const { tenant, device, epoch, firstSequence } = batch;
  const { acknowledgedSequence, duplicateCount } = changes;
  await writeOutcomes(sql, batch, changes.outcomes);
  await writeCells(sql, batch, changes.cells);
  await writeAssignments(sql, batch, changes);
  await sql.query(
    "UPDATE devices SET acknowledged_sequence = $3 WHERE tenant = $1 AND device = $2",
    [tenant, device, acknowledgedSequence],
  );
  await sql.query(
    `INSERT INTO report_batches (tenant, device, epoch, first_sequence, last_sequence, received_at)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [tenant, device, epoch, firstSequence + duplicateCount, acknowledgedSequence, new Date(now)],
  );
  for (const subject of changes.unexplained) {
    const entry = { tenant, at: now, actor: device, action: "report.unexplained", subject };
    await appendAudit(sql, { ...entry, details: {} });
  }
}

/** One column a line: name, type, value. */
const OUTCOME_COLUMNS: readonly (readonly [string, string, (outcome: Outcome) => unknown])[] = [
  ["rollout", "text", (outcome) => outcome.rollout],
  ["model", "text", (outcome) => outcome.model],
  ["model_sha256", "text", (outcome) => outcome.modelSha256],
  ["soc", "text", (outcome) => outcome.soc],
  ["from_version", "text", (outcome) => outcome.fromVersion],
  ["to_version", "text", (outcome) => outcome.toVersion],
  ["stage", "integer", (outcome) => outcome.stage],
  ["verdict", "text", (outcome) => outcome.verdict],
  ["failing", "boolean", (outcome) => outcome.failing],
  ["before_cycles", "bigint", (outcome) => outcome.measured?.beforeCycles ?? null],
  ["after_cycles", "bigint", (outcome) => outcome.measured?.afterCycles ?? null],
  ["before_us", "float8", (outcome) => outcome.measured?.beforeMicroseconds ?? null],
  ["after_us", "float8", (outcome) => outcome.measured?.afterMicroseconds ?? null],
  ["output_snr_db", "float8", (outcome) => outcome.measured?.outputSnrDb ?? null],
  ["log_ratio", "bigint", (outcome) => outcome.logRatio?.toString() ?? null],
  ["temperature_celsius", "float8", (outcome) => outcome.temperatureCelsius],
  ["failure_code", "text", (outcome) => outcome.failure?.code ?? null],
  ["failure_message", "text", (outcome) => outcome.failure?.message ?? null],
  ["epoch", "bigint", (outcome) => outcome.epoch],
  ["sequence", "bigint", (outcome) => outcome.sequence],
  ["device_time", "timestamptz", (outcome) => new Date(outcome.deviceTime)],
  ["received_at", "timestamptz", (outcome) => new Date(outcome.receivedAt)],
];

const UPSERT_OUTCOMES = upsertOutcomes();

function upsertOutcomes(): string {
  const names = OUTCOME_COLUMNS.map(([name]) => name);
  const arrays = OUTCOME_COLUMNS.map(([, type], index) => `$${index + 3}::${type}[]`);
  const replaced = names
    .filter((name) => name !== "rollout" && name !== "model")
    .map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO outcomes (tenant, device, ${names.join(", ")})
    SELECT $1, $2, * FROM unnest(${arrays.join(", ")})
    ON CONFLICT (tenant, rollout, device, model) DO UPDATE SET ${replaced.join(", ")}`;
}

async function writeOutcomes(
  sql: Sql,
  { tenant, device }: ReportBatch,
  outcomes: readonly Outcome[],
): Promise<void> {
  if (outcomes.length === 0) return;
  const columns = OUTCOME_COLUMNS.map(([, , value]) => outcomes.map(value));
  await sql.query(UPSERT_OUTCOMES, [tenant, device, ...columns]);
}

/** In the order of the deltas, which is the same for everybody: no two transactions lock crosswise. */
async function writeCells(
  sql: Sql,
  { tenant }: ReportBatch,
  cells: readonly CellDelta[],
): Promise<void> {
  if (cells.length === 0) return;
  await sql.query(
    `INSERT INTO gate_cells AS cell (tenant, rollout, stage, model, hardware_class, count, sum,
       sum_of_squares, failures)
     SELECT $1, * FROM unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::bigint[],
       $7::numeric[], $8::numeric[], $9::bigint[])
     ON CONFLICT (tenant, rollout, stage, model, hardware_class) DO UPDATE SET
       count = cell.count + excluded.count, sum = cell.sum + excluded.sum,
       sum_of_squares = cell.sum_of_squares + excluded.sum_of_squares,
       failures = cell.failures + excluded.failures`,
    [
      tenant,
      cells.map(({ rollout }) => rollout),
      cells.map(({ stage }) => stage),
      cells.map(({ model }) => model),
      cells.map(({ hardwareClass }) => hardwareClass),
      cells.map(({ moments }) => moments.count),
      cells.map(({ moments }) => moments.sum.toString()),
      cells.map(({ moments }) => moments.sumOfSquares.toString()),
      cells.map(({ failures }) => failures),
    ],
  );
}

async function writeAssignments(
  sql: Sql,
  { tenant, device }: ReportBatch,
  { assignments }: IngestChanges,
): Promise<void> {
  for (const { rollout, purpose, status, failingModels, failure, ...times } of assignments) {
    const { acceptedAt, settledAt } = times;
    await sql.query(
      `UPDATE assignments SET status = $5, failing_models = $6, failure_code = $7,
         failure_message = $8, accepted_at = $9, settled_at = $10
       WHERE tenant = $1 AND rollout = $2 AND device = $3 AND purpose = $4`,
      [
        ...[tenant, rollout, device, purpose, status, failingModels],
        ...[failure?.code ?? null, failure?.message ?? null],
        ...[acceptedAt && new Date(acceptedAt), settledAt && new Date(settledAt)],
      ],
    );
  }
}
