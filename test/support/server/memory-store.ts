/** The store that rollouts stand on, in memory: the same contract as over PostgreSQL, for fast simulations. */
import { present } from "../../../protocol/base/assert.ts";
import type { DeviceId, RolloutId, TenantId } from "../../../protocol/base/brand.ts";
import { equalBytes } from "../../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../../protocol/base/result.ts";
import type { AssignmentOrder } from "../../../protocol/wire/index.ts";
import { ingestBatch, type IngestChanges } from "../../../server/ingest/index.ts";
import { addMoments, NO_DEVICES, type StageDevices } from "../../../server/rollout/index.ts";
import { checkMemory, isLater, type Confirmation } from "../../../server/store/confirmation.ts";
import { chained, firstBrokenEntry } from "../../../server/store/audit-chain.ts";
import type {
  AuditEntry,
  Device,
  EnrolCode,
  Enrolment,
  EnrolmentToken,
  FleetStore,
  NewAuditEntry,
} from "../../../server/store/index.ts";
import { issueInto, memoryOrders } from "./memory-orders.ts";
import { emptyRows, type KeptDevice, type Rows, type RowsOf, type Settled } from "./memory-rows.ts";

export interface MemoryStore extends FleetStore {
  readonly tenants: { addEnrolmentToken(token: EnrolmentToken): Promise<void> };
}

export function memoryStore(): MemoryStore {
  const tenants = new Map<TenantId, Rows>();
  const rowsOf = (tenant: TenantId): Rows => {
    const rows = tenants.get(tenant) ?? emptyRows();
    tenants.set(tenant, rows);
    return rows;
  };
  return {
    tenants: {
      addEnrolmentToken: async (token) => void rowsOf(token.tenant).tokens.set(token.id, token),
    },
    devices: memoryDevices(rowsOf),
    rollouts: memoryRollouts(rowsOf),
    assignments: memoryAssignments(rowsOf),
    orders: memoryOrders(rowsOf),
    reports: memoryReports(rowsOf),
    audit: {
      append: async (entry) => append(rowsOf(entry.tenant), entry),
      list: async (tenant, { limit, before = Infinity }) => {
        const older = rowsOf(tenant).audit.filter(({ sequence }) => sequence < before);
        return older.reverse().slice(0, limit);
      },
      firstBroken: async (tenant) => firstBrokenEntry(rowsOf(tenant).audit),
    },
  };
}

function append(rows: Rows, entry: NewAuditEntry): AuditEntry {
  const made = chained(entry, rows.audit.at(-1));
  rows.audit.push(made);
  return made;
}

function memoryDevices(rowsOf: RowsOf): FleetStore["devices"] {
  return {
    enrol: async (enrolment) => enrolInto(rowsOf(enrolment.tenant), enrolment),
    find: async (tenant, device) => {
      const found = rowsOf(tenant).devices.get(device);
      return found && withoutOrder(found);
    },
    list: async (tenant, { after = "", limit }) =>
      [...rowsOf(tenant).devices.values()]
        .sort((a, b) => (a.device < b.device ? -1 : 1))
        .filter(({ device }) => device > after)
        .slice(0, limit)
        .map((row) => ({
          ...withoutOrder(row),
          rollout: newestRollout(rowsOf(tenant), row.device),
        })),
    models: async (tenant, device) =>
      [...(rowsOf(tenant).models.get(device) ?? [])].sort((a, b) => (a.model < b.model ? -1 : 1)),
    members: async (tenant) => {
      const rows = rowsOf(tenant);
      const active = [...rows.devices.values()].filter(({ status }) => status === "active");
      return active.map(({ device, soc, sandbox, lastSeenAt, enrolledAt }) => ({
        device,
        hardwareClass: soc,
        sandbox,
        models: (rows.models.get(device) ?? []).map(({ model }) => model).sort(),
        lastContactAt: lastSeenAt ?? enrolledAt,
      }));
    },
    checkIn: async (request, now) => {
      const { tenant, device, current, previous, agentVersion, sandbox, models } = request;
      const rows = rowsOf(tenant);
      const known = present(rows.devices.get(device), "the device");
      const refusal = checkMemory(request, confirmationOf(known));
      if (refusal) return refusal;
      const isSameEpoch = request.reportEpoch === known.reportEpoch;
      const confirmedSequence = isSameEpoch
        ? request.acknowledgedSequence
        : known.confirmedSequence;
      const isOrderNew = isLater(request.assignment, known.confirmedOrder);
      const said = { current, previousVersion: previous?.version ?? null, agentVersion, sandbox };
      const confirmed = { confirmedSequence, confirmedOrder: request.assignment };
      rows.devices.set(device, { ...known, ...said, ...confirmed, lastSeenAt: now });
      rows.models.set(device, models);
      for (const [key, row] of rows.assignments) {
        const { epoch, sequence } = request.assignment;
        const isIt = row.device === device && row.epoch === epoch && row.sequence === sequence;
        if (!isIt || row.status !== "assigned") continue;
        rows.assignments.set(key, { ...row, status: "accepted", acceptedAt: now });
      }
      const assignments = factsOf(rows, (row) => row.device === device);
      return succeeded({ assignments, isOrderNew });
    },
    setStatus: async (tenant, device, status) => {
      const rows = rowsOf(tenant);
      const known = rows.devices.get(device);
      if (known) rows.devices.set(device, { ...known, status });
      return known !== undefined;
    },
  };
}

const NO_ORDER: AssignmentOrder = { epoch: 0, sequence: 0 };

function enrolInto(rows: Rows, enrolment: Enrolment): Result<{ reportEpoch: number }, EnrolCode> {
  const { tenant, device, publicKey, keyId, soc, agentVersion, tokenId, now } = enrolment;
  const token = rows.tokens.get(tokenId);
  const known = rows.devices.get(device);
  const isSame = known !== undefined && equalBytes(known.publicKey, publicKey);
  const opens = token && equalBytes(token.secretSha256, enrolment.tokenSecretSha256);
  if (!token || !opens || token.expiresAt <= now || (!isSame && token.usesLeft === 0)) {
    return failed("ENROLMENT_TOKEN_INVALID", "");
  }
  if (known && !isSame) return failed("DEVICE_ALREADY_ENROLLED", "");
  if (known) {
    const reportEpoch = known.reportEpoch + 1;
    const numbers = { acknowledgedSequence: 0, confirmedSequence: 0, confirmedOrder: NO_ORDER };
    const again = { soc, agentVersion, reportEpoch, ...numbers };
    rows.devices.set(device, { ...known, ...again });
    return succeeded({ reportEpoch });
  }
  if ([...rows.devices.values()].some((other) => other.keyId === keyId)) {
    return failed("DEVICE_KEY_ALREADY_ENROLLED", "");
  }
  rows.tokens.set(tokenId, { ...token, usesLeft: token.usesLeft - 1 });
  rows.devices.set(device, {
    ...{ tenant, device, publicKey, keyId, soc, agentVersion, status: "active" },
    ...{ sandbox: null, current: null, previousVersion: null, lastSeenAt: null },
    ...{ enrolledAt: now, reportEpoch: 1, acknowledgedSequence: 0 },
    ...{ confirmedSequence: 0, confirmedOrder: NO_ORDER, assignmentOrder: NO_ORDER },
  });
  return succeeded({ reportEpoch: 1 });
}

function newestRollout(rows: Rows, device: DeviceId): RolloutId | null {
  const own = [...rows.assignments.values()].filter((row) => row.device === device);
  const byOrder = own.sort((a, b) => b.epoch - a.epoch || b.sequence - a.sequence);
  return byOrder[0]?.rollout ?? null;
}

function withoutOrder(row: KeptDevice): Device {
  const { assignmentOrder, confirmedOrder, ...device } = row;
  void assignmentOrder;
  void confirmedOrder;
  return device;
}

function confirmationOf(row: KeptDevice): Confirmation {
  const { reportEpoch, acknowledgedSequence, confirmedSequence, confirmedOrder } = row;
  const sequences = { acknowledged: acknowledgedSequence, sequence: confirmedSequence };
  return { reportEpoch, ...sequences, order: confirmedOrder };
}

function memoryRollouts(rowsOf: RowsOf): FleetStore["rollouts"] {
  return {
    create: async (rollout, actor) => {
      const { tenant, id, version, previousVersion, createdAt: at } = rollout;
      const rows = rowsOf(tenant);
      if (rows.rollouts.has(id)) return failed("ROLLOUT_EXISTS", "");
      rows.rollouts.set(id, rollout);
      const details = { version, previousVersion };
      append(rows, { tenant, at, actor, action: "rollout.create", subject: id, details });
      return succeeded(null);
    },
    find: async (tenant, id) => rowsOf(tenant).rollouts.get(id),
    list: async (tenant) =>
      [...rowsOf(tenant).rollouts.values()].sort(
        (a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1),
      ),
    change: async ({ rollout, change, decided, actor, action, now }) => {
      const { tenant, id } = rollout;
      const rows = rowsOf(tenant);
      if (rows.rollouts.get(id)?.revision !== rollout.revision) {
        return failed("ROLLOUT_CHANGED_MEANWHILE", "");
      }
      const watermark = decided?.evidence.watermark ?? rollout.watermark;
      const revision = rollout.revision + 1;
      const changed = { ...rollout, ...change, watermark, revision, updatedAt: now };
      rows.rollouts.set(id, changed);
      const { state, stageIndex, because } = changed;
      if (decided) {
        const record = { ...decided, revision, decidedAt: now };
        rows.decisions.set(id, [record, ...(rows.decisions.get(id) ?? [])]);
      }
      const details = { because, state, stageIndex, revision };
      append(rows, { tenant, at: now, actor, action, subject: id, details });
      return succeeded(changed);
    },
    evidence: async ({ tenant, id, stages }, silentBefore) => {
      const rows = rowsOf(tenant);
      return {
        stages: stages.map((_, stage) => ({
          devices: countDevices(
            [...rows.assignments.values()].filter(
              (row) => row.rollout === id && row.stage === stage && row.purpose === "update",
            ),
            silentBefore,
          ),
          cells: [...rows.cells.values()]
            .filter((cell) => cell.rollout === id && cell.stage === stage)
            .filter(({ moments, failures }) => moments.count > 0 || failures > 0)
            .map(({ model, hardwareClass, moments, failures }) => {
              return { model, hardwareClass, moments, failures };
            }),
        })),
        watermark: rows.batches,
      };
    },
    decisions: async (tenant, id) => rowsOf(tenant).decisions.get(id) ?? [],
  };
}

function countDevices(rows: readonly Settled[], silentBefore: number): StageDevices {
  return rows.reduce<StageDevices>((counts, { status, failingModels, acceptedAt }) => {
    const isFailed = status === "failed" || failingModels > 0;
    const isOpen = status === "accepted" && !isFailed;
    const isSilent = isOpen && acceptedAt !== null && acceptedAt < silentBefore;
    return {
      assigned: counts.assigned + 1,
      accepted: counts.accepted + Number(acceptedAt !== null),
      committed: counts.committed + Number(status === "committed" && !isFailed),
      failed: counts.failed + Number(isFailed),
      silent: counts.silent + Number(isSilent),
    };
  }, NO_DEVICES);
}

function memoryAssignments(rowsOf: RowsOf): FleetStore["assignments"] {
  return {
    find: async (tenant, device, { rollout, purpose }) =>
      rowsOf(tenant).assignments.get(assignmentKey({ rollout, device, purpose })),
    issue: async (assignment) => {
      const { tenant, device, rollout, purpose, stage, version, epoch } = assignment;
      const { startBefore, now, sign } = assignment;
      const rows = rowsOf(tenant);
      const { envelope, ...issued } = await issueInto(rows, {
        ...{ tenant, device, epoch, kind: "assignment", subject: rollout, startBefore, now, sign },
      });
      const order = { epoch, sequence: issued.sequence };
      const key = assignmentKey({ rollout, device, purpose });
      const old = rows.assignments.get(key);
      const isUnderWay = old?.status === "accepted";
      const row: Settled = {
        ...{ rollout, device, purpose, version, envelope, startBefore, ...order },
        stage: old?.stage ?? stage,
        status: isUnderWay ? "accepted" : "assigned",
        failingModels: old?.failingModels ?? 0,
        failure: null,
        assignedAt: old?.assignedAt ?? now,
        acceptedAt: isUnderWay ? old.acceptedAt : null,
        settledAt: null,
      };
      rows.assignments.set(key, row);
      return row;
    },
    ofDevice: async (tenant, device) => factsOf(rowsOf(tenant), (row) => row.device === device),
    ofRollout: async (tenant, rollout) => factsOf(rowsOf(tenant), (row) => row.rollout === rollout),
  };
}

function factsOf(rows: Rows, isWanted: (row: Settled) => boolean): readonly Settled[] {
  return [...rows.assignments.values()].filter(isWanted);
}

function memoryReports(rowsOf: RowsOf): FleetStore["reports"] {
  return {
    ingest: async (batch, now) => {
      const { tenant, device } = batch;
      const rows = rowsOf(tenant);
      const known = rows.devices.get(device);
      if (!known) return failed("DEVICE_UNKNOWN", "");
      const { soc, reportEpoch, acknowledgedSequence } = known;
      const changes = ingestBatch(
        batch,
        {
          ...{ soc, reportEpoch, acknowledgedSequence },
          assignments: [...rows.assignments.values()].filter((row) => row.device === device),
          outcomes: [...rows.outcomes.values()].filter((row) => row.device === device),
          rollouts: new Map(
            [...rows.rollouts.values()].map(({ id, previousVersion, gate }) => {
              return [id, { previousVersion, accuracyFloorDb: gate.accuracyFloorDb }];
            }),
          ),
        },
        now,
      );
      if (!changes.ok) return changes;
      write(rows, { tenant, device, now }, changes.value);
      const acknowledged = changes.value.acknowledgedSequence;
      return succeeded({ epoch: reportEpoch, acknowledgedSequence: acknowledged });
    },
    outcomes: async (tenant, rollout) =>
      [...rowsOf(tenant).outcomes.values()]
        .filter((outcome) => outcome.rollout === rollout)
        .sort((a, b) => (`${a.device}\n${a.model}` < `${b.device}\n${b.model}` ? -1 : 1)),
  };
}

function write(
  rows: Rows,
  { tenant, device, now }: { tenant: TenantId; device: DeviceId; now: NewAuditEntry["at"] },
  changes: IngestChanges,
): void {
  const known = present(rows.devices.get(device), "the device");
  if (changes.acknowledgedSequence === known.acknowledgedSequence) return;
  const { acknowledgedSequence } = changes;
  rows.devices.set(device, { ...known, acknowledgedSequence });
  rows.batches += 1;
  for (const outcome of changes.outcomes) {
    rows.outcomes.set(`${outcome.rollout}\n${device}\n${outcome.model}`, { ...outcome, device });
  }
  for (const progress of changes.assignments) {
    const key = assignmentKey({ ...progress, device });
    rows.assignments.set(key, { ...present(rows.assignments.get(key), key), ...progress });
  }
  for (const delta of changes.cells) {
    const key = [delta.rollout, delta.stage, delta.model, delta.hardwareClass].join("\n");
    const cell = rows.cells.get(key);
    const moments = cell ? addMoments(cell.moments, delta.moments) : delta.moments;
    rows.cells.set(key, { ...delta, moments, failures: (cell?.failures ?? 0) + delta.failures });
  }
  for (const subject of changes.unexplained) {
    const entry = { tenant, at: now, actor: device, action: "report.unexplained", subject };
    append(rows, { ...entry, details: {} });
  }
}

function assignmentKey(key: {
  readonly rollout: string;
  readonly device: string;
  readonly purpose: string;
}): string {
  return `${key.rollout}\n${key.device}\n${key.purpose}`;
}
