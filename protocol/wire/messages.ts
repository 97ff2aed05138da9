/** The domain types behind wire.proto: what is inside has been checked once, at the edge. */
import type { DeviceId, Instant, ModelId, RolloutId, Sha256, TenantId } from "../base/brand.ts";

/** An installed driver. */
export interface DriverRef {
  /** Semantic version. */
  readonly version: string;
  /** Of the bundle. */
  readonly sha256: Sha256;
}

export interface EnrolRequest {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  /** Ed25519, acceptable by `isAcceptablePublicKey`. */
  readonly publicKey: Uint8Array;
  /** The SoC's name, for example `sm8650`. */
  readonly soc: string;
  readonly agentVersion: string;
  /** Proves that the device may join this tenant. */
  readonly token: string;
}

export interface EnrolReply {
  readonly keyId: string;
  readonly reportEpoch: number;
  readonly pollIntervalSeconds: number;
  readonly serverTime: Instant;
}

/** Versions of trusted metadata; zero where none is trusted yet. */
export interface MetadataVersions {
  readonly root: number;
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
}

export interface ModelFact {
  readonly model: ModelId;
  /** Of the model file. */
  readonly sha256: Sha256;
}

export type SandboxLevel = "strong" | "degraded";

/** Where an assignment stands in its director's order: a later epoch beats every sequence. */
export interface AssignmentOrder {
  readonly epoch: number;
  readonly sequence: number;
}

export interface CheckInRequest {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly soc: string;
  readonly agentVersion: string;
  readonly current: DriverRef;
  readonly previous: DriverRef | null;
  readonly recovery: DriverRef;
  readonly metadata: MetadataVersions;
  readonly models: readonly ModelFact[];
  readonly reportEpoch: number;
  readonly acknowledgedSequence: number;
  /** The last one accepted; zero and zero before the first. */
  readonly assignment: AssignmentOrder;
  /** Of that order's signed content; null before the first, and from agents that do not say it. */
  readonly assignmentSha256: Sha256 | null;
  readonly sandbox: SandboxLevel;
  /** The code with which the device refused the last order it was given; null where it did not. */
  readonly refusedOrder: string | null;
}

/** Why a device gets no assignment. */
export const HOLD_CODES = [
  "NO_ROLLOUT",
  "UP_TO_DATE",
  "NOT_IN_COHORT",
  "ROLLOUT_PAUSED",
  "ROLLOUT_HALTED",
  "NOT_COMPATIBLE",
  "ALREADY_TRIED",
  "RELEASE_RECALLED",
  "HELD_BY_OPERATOR",
] as const;
export type HoldCode = (typeof HOLD_CODES)[number];

export type CheckInDecision =
  | { readonly kind: "assignment"; /** The signed document. */ readonly envelope: Uint8Array }
  | { readonly kind: "hold"; readonly code: HoldCode };

export interface CheckInReply {
  readonly decision: CheckInDecision;
  readonly pollIntervalSeconds: number;
  /** Epoch of the newest director key set; zero where the tenant has none. */
  readonly directorEpoch: number;
  /** One sentence for a person. */
  readonly explanation: string;
  readonly serverTime: Instant;
}

export interface Measured {
  readonly beforeCycles: number;
  readonly afterCycles: number;
  readonly beforeMicroseconds: number;
  readonly afterMicroseconds: number;
  /** Of the new driver's outputs against the goldens; Infinity when equal, -Infinity when not numbers. */
  readonly outputSnrDb: number;
}

export type ModelVerdict =
  | { readonly kind: "kept"; readonly measured: Measured }
  | { readonly kind: "refused_slower"; readonly measured: Measured }
  | { readonly kind: "refused_wrong"; readonly measured: Measured }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** How far an update came; only `committed` counts as success. */
export type LifecycleStage =
  | { readonly kind: "accepted" }
  | { readonly kind: "installed" }
  | { readonly kind: "compiled" }
  | { readonly kind: "measured" }
  | { readonly kind: "committed" }
  | { readonly kind: "install_failed"; readonly code: string; readonly message: string }
  | { readonly kind: "rolled_back"; readonly code: string; readonly message: string };

export type ReportBody =
  | {
      readonly kind: "model_outcome";
      readonly model: ModelId;
      readonly modelSha256: Sha256;
      readonly temperatureCelsius: number;
      readonly verdict: ModelVerdict;
    }
  | { readonly kind: "lifecycle"; readonly stage: LifecycleStage };

export interface Report {
  /** The device's clock: for people, never decisive. */
  readonly deviceTime: Instant;
  /** Null where no rollout caused this (a local rollback, a factory start). */
  readonly rollout: RolloutId | null;
  readonly soc: string;
  readonly from: DriverRef;
  readonly to: DriverRef;
  readonly body: ReportBody;
}

/** Report `index` bears the sequence number `firstSequence + index`. */
export interface ReportBatch {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly reports: readonly Report[];
}

export interface ReportAck {
  readonly epoch: number;
  /** Everything up to here is committed. */
  readonly acknowledgedSequence: number;
}

/** How many times faster, in the time that an application waits: above one is a gain. */
export function gainOf({
  beforeMicroseconds,
  afterMicroseconds,
}: Pick<Measured, "beforeMicroseconds" | "afterMicroseconds">): number {
  return beforeMicroseconds / afterMicroseconds;
}
