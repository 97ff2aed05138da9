/** Rollouts, the evidence on them and the decisions that were made. */
import {
  brand,
  instant,
  type ModelId,
  type RolloutId,
  type Sha256,
  type TenantId,
} from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { gatePolicy, rolloutStage, type RolloutState } from "../../protocol/wire/index.ts";
import type { Rollout as RolloutRow } from "../../prisma/generated/client.ts";
import {
  NO_DEVICES,
  type Evidence,
  type GateCell,
  type Rollout,
  type StageDevices,
  type Verdict,
} from "../rollout/index.ts";
import { appendAudit } from "./audit.ts";
import type { Database, Sql } from "./database.ts";
import { inputsOf, inputsToJson } from "./decision-inputs.ts";
import { isUniqueViolation } from "./errors.ts";
import type { ChangeRequest, DecisionRecord, RolloutStore } from "./ports.ts";

export function rolloutStore(database: Database): RolloutStore {
  return {
    create: (rollout, actor) => create(database, rollout, actor),
    find: (tenant, id) =>
      database.withPrisma(tenant, async (prisma) => {
        const row = await prisma.rollout.findUnique({ where: { tenant_id: { tenant, id } } });
        return row ? rolloutOf(row) : undefined;
      }),
    list: (tenant) =>
      database.withPrisma(tenant, async (prisma) => {
        const orderBy = [{ createdAt: "desc" }, { id: "desc" }] as const;
        return (await prisma.rollout.findMany({ orderBy: [...orderBy] })).map(rolloutOf);
      }),
    change: (request) => database.withSql(request.rollout.tenant, (sql) => change(sql, request)),
    evidence: (rollout, silentBefore) =>
      database.withSnapshot(rollout.tenant, (sql) =>
        evidence(sql, rollout, new Date(silentBefore)),
      ),
    decisions: (tenant, id) => decisions(database, tenant, id),
  };
}

async function create(
  database: Database,
  rollout: Rollout,
  actor: string,
): Promise<Result<null, "ROLLOUT_EXISTS">> {
  const { tenant, id, version, createdAt } = rollout;
  try {
    await database.withSql(tenant, async (sql) => {
      await insertRollout(sql, rollout);
      const details = { version, previousVersion: rollout.previousVersion };
      const action = "rollout.create";
      await appendAudit(sql, { tenant, at: createdAt, actor, action, subject: id, details });
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    return failed("ROLLOUT_EXISTS", `There is a rollout ${id} already.`, { id });
  }
  return succeeded(null);
}

async function insertRollout(sql: Sql, rollout: Rollout): Promise<void> {
  const { tenant, id, version, previousVersion, stages, gate, salt } = rollout;
  await sql.query(
    `INSERT INTO rollouts (tenant, id, version, previous_version, stages, gate, salt, state,
       stage_index, promoted_stages, because, watermark, revision, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      ...[tenant, id, version, previousVersion, JSON.stringify(stages), JSON.stringify(gate)],
      ...[salt, rollout.state, rollout.stageIndex, rollout.promotedStages, rollout.because],
      ...[rollout.watermark, rollout.revision],
      ...[new Date(rollout.createdAt), new Date(rollout.updatedAt)],
    ],
  );
}

async function change(
  sql: Sql,
  request: ChangeRequest,
): Promise<Result<Rollout, "ROLLOUT_CHANGED_MEANWHILE">> {
  const { rollout, change: wanted, decided, actor, action, now } = request;
  const { tenant, id } = rollout;
  const changed: Rollout = {
    ...rollout,
    ...wanted,
    watermark: decided?.evidence.watermark ?? rollout.watermark,
    revision: rollout.revision + 1,
    updatedAt: now,
  };
  const updated = await sql.query(
    `UPDATE rollouts SET state = $4, stage_index = $5, promoted_stages = $6, because = $7,
       watermark = $8, revision = revision + 1, updated_at = $9
     WHERE tenant = $1 AND id = $2 AND revision = $3 RETURNING id`,
    [
      ...[tenant, id, rollout.revision, changed.state, changed.stageIndex],
      ...[changed.promotedStages, changed.because, changed.watermark, new Date(now)],
    ],
  );
  if (updated.length === 0) {
    const message = `Rollout ${id} was changed by somebody else meanwhile: look again.`;
    return failed("ROLLOUT_CHANGED_MEANWHILE", message, { id, revision: rollout.revision });
  }
  if (decided) await insertDecision(sql, request, changed.revision);
  const { because, state, stageIndex, revision } = changed;
  const details = { because: because ?? "", state, stageIndex, revision };
  await appendAudit(sql, { tenant, at: now, actor, action, subject: id, details });
  return succeeded(changed);
}

async function insertDecision(
  sql: Sql,
  { rollout, decided, now }: ChangeRequest,
  revision: number,
): Promise<void> {
  if (!decided) return;
  const { stage, verdict, policySha256, evidence: rests } = decided;
  await sql.query(
    `INSERT INTO decisions (tenant, rollout, revision, stage, verdict, because, policy_sha256,
       watermark, inputs, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ...[rollout.tenant, rollout.id, revision, stage, verdict.kind, verdict.because, policySha256],
      ...[rests.watermark, JSON.stringify(inputsToJson(decided)), new Date(now)],
    ],
  );
}

interface DevicesRow extends Record<keyof StageDevices, string> {
  readonly stage: number;
}

interface CellRow {
  readonly stage: number;
  readonly model: string;
  readonly hardware_class: string;
  readonly count: string;
  readonly sum: string;
  readonly sum_of_squares: string;
  readonly failures: string;
}

async function evidence(
  sql: Sql,
  { tenant, id, stages }: Rollout,
  silentBefore: Date,
): Promise<Omit<Evidence, "reachable">> {
  const devices = await sql.query<DevicesRow>(
    `SELECT stage, count(*) AS assigned,
       count(*) FILTER (WHERE accepted_at IS NOT NULL) AS accepted,
       count(*) FILTER (WHERE status = 'committed' AND failing_models = 0) AS committed,
       count(*) FILTER (WHERE status = 'failed' OR failing_models > 0) AS failed,
       count(*) FILTER (WHERE status = 'accepted' AND failing_models = 0 AND accepted_at < $3) AS silent
     FROM assignments WHERE tenant = $1 AND rollout = $2 AND purpose = 'update' GROUP BY stage`,
    [tenant, id, silentBefore],
  );
  const cells = await sql.query<CellRow>(
    "SELECT * FROM gate_cells WHERE tenant = $1 AND rollout = $2 AND (count > 0 OR failures > 0)",
    [tenant, id],
  );
  const [seen] = await sql.query<{ watermark: string }>(
    "SELECT coalesce(max(watermark), 0) AS watermark FROM report_batches WHERE tenant = $1",
    [tenant],
  );
  return {
    stages: stages.map((_, stage) => ({
      devices: stageDevices(devices.find((row) => row.stage === stage)),
      cells: cells.filter((row) => row.stage === stage).map(cellOf),
    })),
    watermark: Number(seen?.watermark ?? 0),
  };
}

function stageDevices(row: DevicesRow | undefined): StageDevices {
  if (!row) return NO_DEVICES;
  return {
    assigned: Number(row.assigned),
    accepted: Number(row.accepted),
    committed: Number(row.committed),
    failed: Number(row.failed),
    silent: Number(row.silent),
  };
}

function cellOf(row: CellRow): GateCell {
  return {
    model: brand<ModelId>(row.model),
    hardwareClass: row.hardware_class,
    moments: {
      count: Number(row.count),
      sum: BigInt(row.sum),
      sumOfSquares: BigInt(row.sum_of_squares),
    },
    failures: Number(row.failures),
  };
}

function decisions(
  database: Database,
  tenant: TenantId,
  id: RolloutId,
): Promise<readonly DecisionRecord[]> {
  return database.withPrisma(tenant, async (prisma) => {
    const rows = await prisma.decision.findMany({
      where: { rollout: id },
      orderBy: { revision: "desc" },
    });
    return rows.map((row) => ({
      ...inputsOf(row.inputs),
      revision: row.revision,
      stage: row.stage,
      verdict: { kind: row.verdict as Verdict["kind"], because: row.because },
      policySha256: brand<Sha256>(row.policySha256),
      decidedAt: instant(row.decidedAt.getTime()),
    }));
  });
}

function rolloutOf(row: RolloutRow): Rollout {
  return {
    tenant: brand<TenantId>(row.tenant),
    id: brand<RolloutId>(row.id),
    version: row.version,
    previousVersion: row.previousVersion,
    stages: rolloutStage.array().parse(row.stages),
    gate: gatePolicy.parse(row.gate),
    state: row.state as RolloutState,
    stageIndex: row.stageIndex,
    salt: row.salt,
    promotedStages: row.promotedStages,
    because: row.because,
    watermark: Number(row.watermark),
    revision: row.revision,
    createdAt: instant(row.createdAt.getTime()),
    updatedAt: instant(row.updatedAt.getTime()),
  };
}
