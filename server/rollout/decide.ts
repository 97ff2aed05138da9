/** What a device that checks in is to do: a pure decision over what the server knows. */
import { unreachable } from "../../protocol/base/assert.ts";
import type { DeviceId, ModelId, RolloutId, TenantId } from "../../protocol/base/brand.ts";
import { compareSemver } from "../../protocol/base/semver.ts";
import type { DriverRef, HoldCode, SandboxLevel } from "../../protocol/wire/index.ts";
import { cohortPosition, firstStageOf } from "./cohort.ts";
import type { AssignmentFact, DriverTarget, Rollout, RolloutEntry } from "./model.ts";
import { forbiddenTo } from "./reach.ts";

export interface DeviceState {
  readonly device: DeviceId;
  readonly hardwareClass: string;
  readonly sandbox: SandboxLevel | null;
  readonly models: readonly ModelId[];
  readonly status: "active" | "held";
  readonly current: DriverRef;
  /** What was assigned to it so far, by rollout. */
  readonly assignments: ReadonlyMap<RolloutId, AssignmentFact>;
}

/** Everything about one tenant's rollouts that a check-in needs, newest rollout first. */
export interface FleetSnapshot {
  readonly tenant: TenantId;
  readonly entries: readonly RolloutEntry[];
}

export type CheckInAnswer =
  | {
      readonly kind: "assign";
      readonly rollout: RolloutId;
      readonly stage: number;
      /** `return`: back to the version before, because this one was halted. */
      readonly purpose: "update" | "return";
      readonly target: DriverTarget;
      readonly explanation: string;
    }
  | { readonly kind: "hold"; readonly code: HoldCode; readonly explanation: string }
  /** There is no rollout that could concern this device. */
  | { readonly kind: "nothing"; readonly explanation: string };

/**
 * The newest rollout that assigns something decides: who is not reached by it yet still gets what an older one
 * brings. When none assigns, the newest one's reason is told.
 */
export function decideCheckIn(device: DeviceState, snapshot: FleetSnapshot): CheckInAnswer {
  if (device.status === "held") {
    return hold("HELD_BY_OPERATOR", "An operator holds this device at its driver.");
  }
  const answers = snapshot.entries.flatMap((entry) => {
    return answerOf(device, entry, snapshot.tenant) ?? [];
  });
  const assigned = answers.find(({ kind }) => kind === "assign");
  const nothing = { kind: "nothing", explanation: "There is no rollout for this device." } as const;
  return assigned ?? answers[0] ?? nothing;
}

/** Undefined when the rollout does not concern this device. */
function answerOf(
  device: DeviceState,
  entry: RolloutEntry,
  tenant: TenantId,
): CheckInAnswer | undefined {
  const { rollout } = entry;
  switch (rollout.state) {
    case "draft":
      return undefined;
    case "halted":
      return answerHalted(device, entry);
    case "paused":
      return concerns(device, rollout)
        ? hold("ROLLOUT_PAUSED", `Rollout ${rollout.id} is paused: ${rollout.because ?? ""}`)
        : undefined;
    case "running":
    case "completed":
      return answerRunning(device, entry, tenant);
    default:
      return unreachable(rollout.state);
  }
}

/** Who already runs a halted version is taken back, who is on the way to it told to stop; nobody else is concerned. */
function answerHalted(device: DeviceState, entry: RolloutEntry): CheckInAnswer | undefined {
  const { rollout } = entry;
  const halted = hold(
    "ROLLOUT_HALTED",
    `Rollout ${rollout.id} is halted: ${rollout.because ?? ""}`,
  );
  if (device.current.version !== rollout.version) {
    const isOnTheWay = device.assignments.get(rollout.id)?.status === "accepted";
    return isOnTheWay ? halted : undefined;
  }
  const target = entry.previousTargets.get(device.hardwareClass);
  if (!target || forbiddenTo(device, target)) return halted;
  return {
    kind: "assign",
    rollout: rollout.id,
    stage: rollout.stageIndex,
    purpose: "return",
    target,
    explanation: `Back to ${target.version}: rollout ${rollout.id} is halted: ${rollout.because ?? ""}`,
  };
}

function answerRunning(
  device: DeviceState,
  entry: RolloutEntry,
  tenant: TenantId,
): CheckInAnswer | undefined {
  const { rollout } = entry;
  const { version } = rollout;
  const target = entry.targets.get(device.hardwareClass);
  if (target && device.current.sha256 === target.sha256) {
    return hold("UP_TO_DATE", `Driver ${version} is installed.`);
  }
  if (!concerns(device, rollout)) return undefined;
  if (!target) {
    const explanation = `Driver ${version} is not made for ${device.hardwareClass}.`;
    return hold("NOT_COMPATIBLE", explanation);
  }
  const forbidden = forbiddenTo(device, target);
  if (forbidden) return hold("NOT_COMPATIBLE", forbidden.message);
  const assigned = device.assignments.get(rollout.id);
  if (assigned?.status === "failed") {
    return hold("ALREADY_TRIED", `This device tried ${version} in ${rollout.id} and went back.`);
  }
  const stage = assigned?.stage ?? stageOf(device, entry, tenant);
  if (stage === undefined || stage > rollout.stageIndex) {
    return hold("NOT_IN_COHORT", notInCohort(rollout, stage));
  }
  return {
    kind: "assign",
    rollout: rollout.id,
    stage,
    purpose: "update",
    target,
    explanation: `Stage ${stage + 1} of rollout ${rollout.id} reaches this device with ${version}.`,
  };
}

/** A rollout never takes a device to an older version. */
function concerns(device: DeviceState, rollout: Rollout): boolean {
  return compareSemver(device.current.version, rollout.version) < 0;
}

function stageOf(device: DeviceState, entry: RolloutEntry, tenant: TenantId): number | undefined {
  const { rollout, cutoffs } = entry;
  const position = cohortPosition(tenant, rollout.salt, device.device);
  const first = firstStageOf(position, device, cutoffs);
  // Who joins a stage late is counted in the stage that is open now: the one that it can be evidence for.
  return first === undefined ? undefined : Math.max(first, rollout.stageIndex);
}

function notInCohort(rollout: Rollout, stage: number | undefined): string {
  const now = rollout.stages[rollout.stageIndex];
  const reach = `Rollout ${rollout.id} is at stage ${rollout.stageIndex + 1} (${now?.percent ?? 0} %)`;
  if (stage === undefined) return `${reach} and does not reach this device yet.`;
  return `${reach} and reaches this device at stage ${stage + 1} (${rollout.stages[stage]?.percent ?? 0} %).`;
}

function hold(code: HoldCode, explanation: string): CheckInAnswer {
  return { kind: "hold", code, explanation };
}
