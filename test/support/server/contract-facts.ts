/** One tenant, one rollout, devices and reports, for the contract that every store keeps. */
import { brand, instant, type DeviceId, type ModelId } from "../../../protocol/base/brand.ts";
import type { Instant, RolloutId, TenantId } from "../../../protocol/base/brand.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { sha256, sha256Hex } from "../../../protocol/crypto/index.ts";
import type {
  AssignmentOrder,
  CheckInRequest,
  Report,
  ReportBatch,
} from "../../../protocol/wire/index.ts";
import type { LifecycleStage, ModelVerdict } from "../../../protocol/wire/index.ts";
import type { Rollout } from "../../../server/rollout/index.ts";
import type { EnrolmentToken, FleetStore } from "../../../server/store/index.ts";
import {} from "./device.ts";

/** A store that is empty but for its tenants. */
export interface ContractStore extends FleetStore {
  readonly tenants: { addEnrolmentToken(token: EnrolmentToken): Promise<void> };
}

export const TENANT = brand<TenantId>("acme");
export const OTHER_TENANT = brand<TenantId>("other");
export const ROLLOUT = brand<RolloutId>("to-1.1.0");
export const AT: Instant = instant(Date.UTC(2026, 5, 1));
export const HOUR_MS = 3600_000;
export const OLD = { version: "1.0.0", sha256: sha256Hex(utf8("1.0.0")) };
export const NEW = { version: "1.1.0", sha256: sha256Hex(utf8("1.1.0")) };
export const SECRET = sha256(utf8("secret"));

export function deviceId(number: number): DeviceId {
  return brand<DeviceId>(`device-${number}`);
}

export function testRollout(changes: Partial<Rollout> = {}): Rollout {
  return {
    tenant: TENANT,
    id: ROLLOUT,
    version: "1.1.0",
    previousVersion: "1.0.0",
    stages: [
      { percent: 10, minimumDevices: 3 },
      { percent: 100, minimumDevices: 3 },
    ],
    gate: {
      nonInferiorityMargin: 0.02,
      accuracyFloorDb: 20,
      failureBudget: 0.1,
      minimumDevices: 3,
      confidence: 0.95,
    },
    state: "running",
    stageIndex: 0,
    salt: "salt",
    promotedStages: [],
    because: null,
    watermark: 0,
    revision: 0,
    createdAt: AT,
    updatedAt: AT,
    ...changes,
  };
}

export async function enrolDevice(store: ContractStore, device: DeviceId, tenant = TENANT) {
  const token = { tenant, id: "token", secretSha256: SECRET, usesLeft: 100 };
  const times = { createdAt: AT, expiresAt: instant(AT + HOUR_MS) };
  await store.tenants.addEnrolmentToken({ ...token, id: `for-${device}`, ...times });
  const publicKey = sha256(utf8(`${tenant} ${device}`));
  return store.devices.enrol({
    ...{ tenant, device, publicKey, keyId: sha256Hex(publicKey), soc: "sm8650" },
    ...{ agentVersion: "0.1.0", tokenId: `for-${device}`, tokenSecretSha256: SECRET, now: AT },
  });
}

export async function assign(store: ContractStore, device: DeviceId, stage = 0) {
  return store.assignments.issue({
    ...{ tenant: TENANT, device, rollout: ROLLOUT, purpose: "update", stage, version: "1.1.0" },
    ...{ epoch: 1, startBefore: instant(AT + HOUR_MS), now: AT },
    sign: signed,
  });
}

export function signed({ epoch, sequence }: AssignmentOrder) {
  const envelope = utf8(`signed ${epoch} ${sequence}`);
  return Promise.resolve({ envelope, contentSha256: sha256Hex(envelope) });
}

export function batchOf(
  device: DeviceId,
  bodies: readonly Report["body"][],
  { epoch = 1, firstSequence = 1, from = OLD } = {},
): ReportBatch {
  const facts = { deviceTime: AT, rollout: ROLLOUT, soc: "sm8650", from, to: NEW };
  const reports = bodies.map((body) => ({ ...facts, body }));
  return { tenant: TENANT, device, epoch, firstSequence, reports };
}

export function lifecycle(stage: LifecycleStage): Report["body"] {
  return { kind: "lifecycle", stage };
}

export function outcome(verdict: ModelVerdict, model = "classifier"): Report["body"] {
  const modelSha256 = sha256Hex(utf8(model));
  const facts = { model: brand<ModelId>(model), modelSha256, temperatureCelsius: 40 };
  return { kind: "model_outcome", ...facts, verdict };
}

export function checkInOf(device: DeviceId, changes: Partial<CheckInRequest> = {}): CheckInRequest {
  return {
    ...{ tenant: TENANT, device, soc: "sm8650", agentVersion: "0.2.0", sandbox: "degraded" },
    ...{ assignmentSha256: null, refusedOrder: null },
    ...{ current: OLD, previous: null, recovery: OLD, reportEpoch: 1, acknowledgedSequence: 0 },
    metadata: { root: 1, timestamp: 1, snapshot: 1, targets: 1 },
    models: [{ model: brand<ModelId>("classifier"), sha256: sha256Hex(utf8("classifier")) }],
    assignment: { epoch: 0, sequence: 0 },
    ...changes,
  };
}
