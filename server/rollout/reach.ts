/** Whom a rollout can reach: devices in contact that its driver is made for and that the offline keys allow it to. */
import type { Instant, TenantId } from "../../protocol/base/brand.ts";
import type { Failure } from "../../protocol/base/result.ts";
import {
  forbiddenDriver,
  forbiddenSandbox,
  type ForbiddenCode,
} from "../../protocol/metadata/index.ts";
import { cohortPosition, firstStageOf } from "./cohort.ts";
import { OUT_OF_CONTACT_MS } from "./model.ts";
import type { DriverTarget, FleetMember, RolloutEntry } from "./model.ts";

/** What the device would refuse, asked of the functions that it asks itself. */
export function forbiddenTo(
  { sandbox }: Pick<FleetMember, "sandbox">,
  { version, sha256, rules }: DriverTarget,
): Failure<ForbiddenCode> | undefined {
  const forbidden = forbiddenDriver({ version, sha256 }, rules);
  return forbidden ?? (sandbox ? forbiddenSandbox(sandbox, rules.policy) : undefined);
}

/** Whether a stage may count on the device. */
export function isEligible(member: FleetMember, targets: RolloutEntry["targets"]): boolean {
  const target = targets.get(member.hardwareClass);
  return target !== undefined && !forbiddenTo(member, target);
}

/** The devices that each stage reaches and that are in contact: those worth waiting for. */
export function reachableDevices(
  members: readonly FleetMember[],
  entry: RolloutEntry,
  { tenant, now }: { readonly tenant: TenantId; readonly now: Instant },
): readonly number[] {
  const { rollout, cutoffs, targets } = entry;
  const counts = rollout.stages.map(() => 0);
  for (const member of members) {
    if (now - member.lastContactAt > OUT_OF_CONTACT_MS || !isEligible(member, targets)) continue;
    const position = cohortPosition(tenant, rollout.salt, member.device);
    const first = firstStageOf(position, member, cutoffs);
    if (first === undefined) continue;
    for (let stage = first; stage < counts.length; stage++)
      counts[stage] = (counts[stage] ?? 0) + 1;
  }
  return counts;
}

/** Devices that a rollout is made for and may not have, by what forbids it. */
export interface Forbidden {
  readonly hardwareClass: string;
  readonly code: ForbiddenCode;
  readonly because: string;
  readonly devices: number;
}

/** In the order of the hardware classes. */
export function forbiddenDevices(
  members: readonly FleetMember[],
  { targets }: Pick<RolloutEntry, "targets">,
): readonly Forbidden[] {
  const rows = new Map<string, Forbidden>();
  for (const member of members) {
    const { hardwareClass } = member;
    const target = targets.get(hardwareClass);
    const forbidden = target && forbiddenTo(member, target);
    if (!forbidden) continue;
    const { code, message: because } = forbidden;
    const key = `${hardwareClass} ${code}`;
    const devices = (rows.get(key)?.devices ?? 0) + 1;
    rows.set(key, { hardwareClass, code, because, devices });
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
