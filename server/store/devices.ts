/** Devices: enrolment, what they say of themselves, and lists for operators. */
import { present } from "../../protocol/base/assert.ts";
import { brand, instant, type DeviceId, type ModelId } from "../../protocol/base/brand.ts";
import type { RolloutId, Sha256, TenantId } from "../../protocol/base/brand.ts";
import { equalBytes } from "../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { CheckInRequest, ModelFact, SandboxLevel } from "../../protocol/wire/index.ts";
import type { Device as DeviceRow } from "../../prisma/generated/client.ts";
import type { Database, Sql } from "./database.ts";
import { isUniqueViolation } from "./errors.ts";
import { checkMemory, isLater, type Confirmation } from "./confirmation.ts";
import type { CheckedIn, Device, DeviceStore, EnrolCode, Enrolment } from "./ports.ts";
import { assignmentFact, type AssignmentRow } from "./rows.ts";

export function deviceStore(database: Database): DeviceStore {
  return {
    enrol: async (enrolment) => {
      try {
        return await database.withSql(enrolment.tenant, (sql) => enrol(sql, enrolment));
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        const message = "Another device of this tenant bears this key.";
        return failed("DEVICE_KEY_ALREADY_ENROLLED", message);
      }
    },
    find: (tenant, device) =>
      database.withSql(tenant, async (sql) => {
        const [row] = await sql.query<HotDeviceRow>(FIND, [tenant, device]);
        return row && deviceOf(row);
      }),
    list: (tenant, { after, limit }) =>
      database.withPrisma(tenant, async (prisma) => {
        const where = after === undefined ? {} : { device: { gt: after } };
        const order = { orderBy: { device: "asc" }, take: limit } as const;
        const rows = await prisma.device.findMany({ where, ...order });
        const newest = await prisma.assignment.findMany({
          where: { device: { in: rows.map(({ device }) => device) } },
          orderBy: [{ device: "asc" }, { epoch: "desc" }, { sequence: "desc" }],
          distinct: ["device"],
          select: { device: true, rollout: true },
        });
        const rollouts = new Map(newest.map((row) => [row.device, brand<RolloutId>(row.rollout)]));
        return rows.map((row) => ({ ...deviceOf(row), rollout: rollouts.get(row.device) ?? null }));
      }),
    models: (tenant, device) =>
      database.withPrisma(tenant, async (prisma) => {
        const rows = await prisma.deviceModel.findMany({
          where: { device },
          orderBy: { model: "asc" },
        });
        return rows.map((row) => ({
          model: brand<ModelId>(row.model),
          sha256: brand<Sha256>(row.modelSha256),
        }));
      }),
    members: (tenant) =>
      database.withSql(tenant, async (sql) => {
        const rows = await sql.query<MemberRow>(
          `SELECT device, soc, sandbox, coalesce(last_seen_at, enrolled_at) AS contact, array(SELECT model FROM device_models AS owned
             WHERE owned.tenant = devices.tenant AND owned.device = devices.device) AS models
           FROM devices WHERE status = 'active'`,
        );
        return rows.map((row) => ({
          device: brand<DeviceId>(row.device),
          hardwareClass: row.soc,
          sandbox: row.sandbox,
          models: row.models.map((model) => brand<ModelId>(model)),
          lastContactAt: instant(row.contact.getTime()),
        }));
      }),
    checkIn: (request, now) =>
      database.withSql(request.tenant, (sql) => checkIn(sql, request, new Date(now))),
    setStatus: (tenant, device, status) =>
      database.withPrisma(tenant, async (prisma) => {
        return (
          (await prisma.device.updateMany({ where: { device }, data: { status } })).count === 1
        );
      }),
  };
}

/** Every signed request begins with it, hence plain SQL. */
const FIND = `SELECT tenant, device, public_key AS "publicKey", key_id AS "keyId", soc, status,
    agent_version AS "agentVersion", sandbox, current_version AS "currentVersion",
    current_sha256 AS "currentSha256", previous_version AS "previousVersion", enrolled_at AS "enrolledAt",
    last_seen_at AS "lastSeenAt", report_epoch AS "reportEpoch",
    acknowledged_sequence AS "acknowledgedSequence", confirmed_sequence AS "confirmedSequence"
  FROM devices WHERE tenant = $1 AND device = $2`;

type NumberField = "reportEpoch" | "acknowledgedSequence" | "confirmedSequence";
type Unused =
  "assignmentEpoch" | "assignmentSequence" | "confirmedOrderEpoch" | "confirmedOrderSequence";
type HotDeviceRow = Omit<DeviceRow, NumberField | Unused> & Record<NumberField, bigint | string>;

interface MemberRow {
  readonly device: string;
  readonly soc: string;
  readonly sandbox: SandboxLevel | null;
  readonly contact: Date;
  readonly models: readonly string[];
}

async function enrol(
  sql: Sql,
  enrolment: Enrolment,
): Promise<Result<{ reportEpoch: number }, EnrolCode>> {
  const { tenant, device, publicKey, soc, agentVersion } = enrolment;
  const token = await lockedToken(sql, enrolment);
  const [known] = await sql.query<{ public_key: Buffer; report_epoch: string }>(
    "SELECT public_key, report_epoch FROM devices WHERE tenant = $1 AND device = $2 FOR UPDATE",
    [tenant, device],
  );
  const isSame = known !== undefined && equalBytes(known.public_key, publicKey);
  if (!token || (!isSame && token.uses_left === 0)) {
    const message = "The enrolment token is unknown, used up or has lapsed.";
    return failed("ENROLMENT_TOKEN_INVALID", message);
  }
  if (known && !isSame) {
    const message = `Device ${device} is enrolled with another key.`;
    return failed("DEVICE_ALREADY_ENROLLED", message, { device });
  }
  if (known) {
    await sql.query(
      `UPDATE devices SET report_epoch = report_epoch + 1, acknowledged_sequence = 0, confirmed_sequence = 0,
         confirmed_order_epoch = 0, confirmed_order_sequence = 0, soc = $3,
         agent_version = $4 WHERE tenant = $1 AND device = $2`,
      [tenant, device, soc, agentVersion],
    );
    return succeeded({ reportEpoch: Number(known.report_epoch) + 1 });
  }
  await sql.query(
    "UPDATE enrolment_tokens SET uses_left = uses_left - 1 WHERE tenant = $1 AND id = $2",
    [tenant, enrolment.tokenId],
  );
  await insertDevice(sql, enrolment);
  return succeeded({ reportEpoch: 1 });
}

/** Undefined when there is none that this secret opens now. */
async function lockedToken(
  sql: Sql,
  { tenant, tokenId, tokenSecretSha256, now }: Enrolment,
): Promise<{ readonly uses_left: number } | undefined> {
  const [row] = await sql.query<{ secret_sha256: Buffer; uses_left: number; expires_at: Date }>(
    `SELECT secret_sha256, uses_left, expires_at FROM enrolment_tokens
     WHERE tenant = $1 AND id = $2 FOR UPDATE`,
    [tenant, tokenId],
  );
  // Hashes of secrets: comparing them byte by byte reveals nothing of the secret.
  const opens = row !== undefined && equalBytes(row.secret_sha256, tokenSecretSha256);
  return opens && row.expires_at.getTime() > now ? row : undefined;
}

async function insertDevice(sql: Sql, enrolment: Enrolment): Promise<void> {
  const { tenant, device, publicKey, keyId, soc, agentVersion, now } = enrolment;
  await sql.query(
    `INSERT INTO devices (tenant, device, public_key, key_id, soc, status, agent_version, enrolled_at,
       report_epoch, acknowledged_sequence, assignment_epoch, assignment_sequence)
     VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, 1, 0, 0, 0)`,
    [tenant, device, Buffer.from(publicKey), keyId, soc, agentVersion, new Date(now)],
  );
}

async function checkIn(
  sql: Sql,
  request: CheckInRequest,
  now: Date,
): Promise<Result<CheckedIn, "DEVICE_CLONED">> {
  const { tenant, device, current, previous, agentVersion, sandbox, assignment } = request;
  const confirmed = await lockedConfirmation(sql, request);
  const refusal = checkMemory(request, confirmed);
  if (refusal) return refusal;
  const isSameEpoch = request.reportEpoch === confirmed.reportEpoch;
  await sql.query(
    `UPDATE devices SET last_seen_at = $3, current_version = $4, current_sha256 = $5,
       previous_version = $6, agent_version = $7, sandbox = $8, confirmed_sequence = $9,
       confirmed_order_epoch = $10, confirmed_order_sequence = $11
     WHERE tenant = $1 AND device = $2`,
    [
      ...[tenant, device, now, current.version, current.sha256],
      ...[previous?.version ?? null, agentVersion, sandbox],
      isSameEpoch ? request.acknowledgedSequence : confirmed.sequence,
      ...[assignment.epoch, assignment.sequence],
    ],
  );
  await writeModels(sql, { tenant, device }, request.models);
  await sql.query(
    `UPDATE assignments SET status = 'accepted', accepted_at = $5
     WHERE tenant = $1 AND device = $2 AND epoch = $3 AND sequence = $4 AND status = 'assigned'`,
    [tenant, device, assignment.epoch, assignment.sequence, now],
  );
  const rows = await sql.query<AssignmentRow>(
    "SELECT * FROM assignments WHERE tenant = $1 AND device = $2",
    [tenant, device],
  );
  const isOrderNew = isLater(assignment, confirmed.order);
  return succeeded({ assignments: rows.map(assignmentFact), isOrderNew });
}

async function lockedConfirmation(
  sql: Sql,
  { tenant, device }: CheckInRequest,
): Promise<Confirmation> {
  const [row] = await sql.query<Record<string, string>>(
    `SELECT report_epoch, acknowledged_sequence, confirmed_sequence, confirmed_order_epoch,
       confirmed_order_sequence
     FROM devices WHERE tenant = $1 AND device = $2 FOR UPDATE`,
    [tenant, device],
  );
  const known = present(row, "the device that checks in");
  return {
    reportEpoch: Number(known["report_epoch"]),
    acknowledged: Number(known["acknowledged_sequence"]),
    sequence: Number(known["confirmed_sequence"]),
    order: {
      epoch: Number(known["confirmed_order_epoch"]),
      sequence: Number(known["confirmed_order_sequence"]),
    },
  };
}

/** Writes only what changed: most check-ins bring the same models as the one before. */
async function writeModels(
  sql: Sql,
  { tenant, device }: { readonly tenant: TenantId; readonly device: DeviceId },
  models: readonly ModelFact[],
): Promise<void> {
  const known = await sql.query<{ model: string; model_sha256: string }>(
    "SELECT model, model_sha256 FROM device_models WHERE tenant = $1 AND device = $2",
    [tenant, device],
  );
  const before = new Map(known.map((row) => [row.model, row.model_sha256]));
  const after = new Map<string, string>(models.map(({ model, sha256 }) => [model, sha256]));
  const gone = [...before.keys()].filter((model) => !after.has(model));
  const changed = [...after].filter(([model, sha256]) => before.get(model) !== sha256);
  if (gone.length > 0) {
    await sql.query(
      "DELETE FROM device_models WHERE tenant = $1 AND device = $2 AND model = ANY ($3)",
      [tenant, device, gone],
    );
  }
  if (changed.length === 0) return;
  await sql.query(
    `INSERT INTO device_models (tenant, device, model, model_sha256)
     SELECT $1, $2, * FROM unnest($3::text[], $4::text[])
     ON CONFLICT (tenant, device, model) DO UPDATE SET model_sha256 = excluded.model_sha256`,
    [tenant, device, changed.map(([model]) => model), changed.map(([, sha256]) => sha256)],
  );
}

function deviceOf(row: HotDeviceRow): Device {
  return {
    tenant: brand<TenantId>(row.tenant),
    device: brand<DeviceId>(row.device),
    publicKey: row.publicKey,
    keyId: row.keyId,
    soc: row.soc,
    status: row.status as Device["status"],
    agentVersion: row.agentVersion,
    sandbox: row.sandbox as SandboxLevel | null,
    current: currentOf(row),
    previousVersion: row.previousVersion,
    enrolledAt: instant(row.enrolledAt.getTime()),
    lastSeenAt: row.lastSeenAt && instant(row.lastSeenAt.getTime()),
    reportEpoch: Number(row.reportEpoch),
    acknowledgedSequence: Number(row.acknowledgedSequence),
    confirmedSequence: Number(row.confirmedSequence),
  };
}

function currentOf({ currentVersion, currentSha256 }: HotDeviceRow): Device["current"] {
  if (currentVersion === null || currentSha256 === null) return null;
  return { version: currentVersion, sha256: brand<Sha256>(currentSha256) };
}
