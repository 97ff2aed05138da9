/** Signs what the pure decision says: an assignment of one device, numbered and kept. */
import { instant, type DeviceId, type Instant, type TenantId } from "../../protocol/base/brand.ts";
import {
  authorAssignment,
  signOrder,
  type AssignmentFields,
  type DirectorKeys,
} from "../../protocol/metadata/index.ts";
import { policySha256Of } from "../jobs/tick.ts";
import type { CheckInAnswer, FleetSnapshot } from "../rollout/index.ts";
import type { StoredAssignment } from "../store/index.ts";
import type { ServerContext } from "./context.ts";

export interface ToAssign {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly answer: Extract<CheckInAnswer, { kind: "assign" }>;
  readonly snapshot: FleetSnapshot;
  readonly now: Instant;
  readonly lifetime: { readonly startMs: number; readonly activateMs: number };
  /** For a stick. */
  readonly airGapped?: Required<Pick<AssignmentFields, "timestampVersion" | "reports">>;
}

export function issueAssignment(
  { tenant, device, answer, snapshot, now, lifetime, airGapped }: ToAssign,
  { epoch }: DirectorKeys,
  { store, keys }: ServerContext,
): Promise<StoredAssignment> {
  const { rollout, stage, purpose, target } = answer;
  const entry = snapshot.entries.find((candidate) => candidate.rollout.id === rollout);
  const signer = keys.director(tenant);
  if (!entry || !signer) throw new Error("bug: an answer without its rollout or its signer");
  const startBefore = instant(now + lifetime.startMs);
  const fields = {
    ...{ tenant, device, rollout, stage, startBefore },
    target: { path: target.path, sha256: target.sha256, length: target.length },
    activateBefore: instant(now + lifetime.activateMs),
    ...(airGapped && { airGapped: true, ...airGapped }),
    evidence: {
      policyHash: policySha256Of(entry.rollout),
      watermark: entry.rollout.watermark,
    },
  };
  return store.assignments.issue({
    ...{ tenant, device, rollout, purpose, stage, epoch, startBefore, now },
    version: target.version,
    sign: (order) => signOrder(authorAssignment({ ...fields, ...order }), signer),
  });
}
