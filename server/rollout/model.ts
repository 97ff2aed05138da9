/** What a rollout is, what is known about it, and what may be decided: plain data. */
import type {
  DeviceId,
  Instant,
  ModelId,
  RolloutId,
  Sha256,
  TenantId,
} from "../../protocol/base/brand.ts";
import type { DriverRules } from "../../protocol/metadata/index.ts";
import type {
  GatePolicy,
  RolloutStage,
  RolloutState,
  SandboxLevel,
} from "../../protocol/wire/index.ts";
import type { Cutoffs } from "./cohort.ts";
import type { Moments } from "./confidence.ts";

export interface Rollout {
  readonly tenant: TenantId;
  readonly id: RolloutId;
  readonly version: string;
  /** What the devices run before, and what gains are measured against. */
  readonly previousVersion: string;
  readonly stages: readonly RolloutStage[];
  readonly gate: GatePolicy;
  readonly state: RolloutState;
  readonly stageIndex: number;
  readonly salt: string;
  /** Stages that a person promoted although the gate was in doubt. */
  readonly promotedStages: readonly number[];
  readonly because: string | null;
  /** The reports that the gate had seen when it last decided. */
  readonly watermark: number;
  /** Counts every change: the value of a compare-and-set. */
  readonly revision: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** A change of a rollout that the holder of `revision` may make. */
export interface RolloutChange {
  readonly state: RolloutState;
  readonly stageIndex: number;
  readonly promotedStages: readonly number[];
  readonly because: string;
}

/** A published driver bundle for one hardware class, and what the offline keys say of it. */
export interface DriverTarget {
  readonly path: string;
  readonly version: string;
  readonly sha256: Sha256;
  readonly length: number;
  readonly rules: DriverRules;
}

/** A rollout with what it brings to whom. */
export interface RolloutEntry {
  readonly rollout: Rollout;
  readonly cutoffs: Cutoffs;
  /** By hardware class: the driver of this version and of the version before. */
  readonly targets: ReadonlyMap<string, DriverTarget>;
  readonly previousTargets: ReadonlyMap<string, DriverTarget>;
}

/** An enrolled device as far as rollouts are concerned. */
export interface FleetMember {
  readonly device: DeviceId;
  readonly hardwareClass: string;
  /** As of its last check-in; null before the first. */
  readonly sandbox: SandboxLevel | null;
  readonly models: readonly ModelId[];
  /** Its last check-in; before the first its enrolment. */
  readonly lastContactAt: Instant;
}

/** The measurements of one model on one hardware class by the devices of one stage. */
export interface GateCell {
  readonly model: ModelId;
  readonly hardwareClass: string;
  readonly moments: Moments;
  /** Devices on which the model failed, came out wrong or fell below the accuracy floor. */
  readonly failures: number;
}

/** The devices that were assigned in one stage, by how far they came. */
export interface StageDevices {
  readonly assigned: number;
  readonly accepted: number;
  /** All is well: the driver is committed and no model failed with it. */
  readonly committed: number;
  /** Rolled back, could not install, or bear a model that failed; they are not among the committed. */
  readonly failed: number;
  /** Accepted long ago and not heard of since; they are not among the failed. */
  readonly silent: number;
}

/** What is known of one stage alone. */
export interface StageEvidence {
  readonly devices: StageDevices;
  readonly cells: readonly GateCell[];
}

/** Everything that a decision rests on: stored with it, so that replaying it gives the same. */
export interface Evidence {
  readonly stages: readonly StageEvidence[];
  /** By stage: the devices it reaches that are in contact, so that waiting for them makes sense. */
  readonly reachable: readonly number[];
  /** Every batch of reports up to this number has been counted. */
  readonly watermark: number;
}

export type Verdict =
  | { readonly kind: "advance"; readonly because: string }
  | { readonly kind: "wait"; readonly because: string }
  | { readonly kind: "underpowered"; readonly because: string }
  | { readonly kind: "halt"; readonly because: string };

/** An accepted assignment that is not heard of for this long counts as failed. */
export const SILENCE_MS_MAX = 24 * 3600 * 1000;
/** A device that was not seen for this long is not waited for. */
export const OUT_OF_CONTACT_MS = 7 * 24 * 3600 * 1000;

/** How one device stands in one rollout. */
export interface AssignmentFact {
  readonly rollout: RolloutId;
  readonly device: DeviceId;
  readonly purpose: "update" | "return";
  readonly stage: number;
  readonly version: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly status: AssignmentStatus;
  /** Models of the device that failed with the new driver. */
  readonly failingModels: number;
  /** Why it failed, in the device's words. */
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly assignedAt: Instant;
  readonly acceptedAt: Instant | null;
}

export const ASSIGNMENT_STATUSES = ["assigned", "accepted", "committed", "failed"] as const;
export type AssignmentStatus = (typeof ASSIGNMENT_STATUSES)[number];
