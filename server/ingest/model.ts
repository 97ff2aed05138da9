/** What the ingest of reports reads and writes: plain data. */
import type { Instant, ModelId, RolloutId, Sha256 } from "../../protocol/base/brand.ts";
import type { Moments } from "../rollout/confidence.ts";
import type { AssignmentStatus } from "../rollout/model.ts";

/** The latest word of one device on one model in one rollout. */
export interface Outcome {
  readonly rollout: RolloutId;
  readonly model: ModelId;
  readonly modelSha256: Sha256;
  readonly soc: string;
  readonly fromVersion: string;
  readonly toVersion: string;
  /** The stage that counts it; null where no assignment explains it or it compares other versions. */
  readonly stage: number | null;
  readonly verdict: "kept" | "refused_slower" | "refused_wrong" | "failed";
  /** The model failed, came out wrong, or is below the accuracy floor. */
  readonly failing: boolean;
  readonly measured: MeasuredOutcome | null;
  /** ln(before/after) in billionths; null where the outcome says nothing about speed. */
  readonly logRatio: bigint | null;
  readonly temperatureCelsius: number;
  readonly failure: FailureNote | null;
  readonly epoch: number;
  readonly sequence: number;
  readonly deviceTime: Instant;
  readonly receivedAt: Instant;
}

export interface MeasuredOutcome {
  readonly beforeCycles: number;
  readonly afterCycles: number;
  readonly beforeMicroseconds: number;
  readonly afterMicroseconds: number;
  readonly outputSnrDb: number;
}

export interface FailureNote {
  readonly code: string;
  readonly message: string;
}

/** What a cell gains; a replaced outcome is taken back by negative numbers. */
export interface CellDelta {
  readonly rollout: RolloutId;
  readonly stage: number;
  readonly model: ModelId;
  readonly hardwareClass: string;
  readonly moments: Moments;
  readonly failures: number;
}

/** How far an assignment has come. */
export interface AssignmentProgress {
  readonly rollout: RolloutId;
  readonly purpose: "update" | "return";
  readonly stage: number;
  readonly version: string;
  readonly status: AssignmentStatus;
  readonly failingModels: number;
  readonly failure: FailureNote | null;
  readonly acceptedAt: Instant | null;
  readonly settledAt: Instant | null;
}

/** What the gate of a rollout wants to know of its reports. */
export interface RolloutFacts {
  readonly previousVersion: string;
  readonly accuracyFloorDb: number;
}

/** What is known of the device and the rollouts that a batch speaks of; read under the device's lock. */
export interface DeviceHistory {
  /** As enrolled: a report's own word about it decides nothing. */
  readonly soc: string;
  readonly reportEpoch: number;
  readonly acknowledgedSequence: number;
  /** At most one a rollout and purpose. */
  readonly assignments: readonly AssignmentProgress[];
  readonly outcomes: readonly Outcome[];
  readonly rollouts: ReadonlyMap<RolloutId, RolloutFacts>;
}

/** Everything that one batch changes, to be written in one transaction. */
export interface IngestChanges {
  readonly acknowledgedSequence: number;
  /** Reports that were known already. */
  readonly duplicateCount: number;
  readonly outcomes: readonly Outcome[];
  readonly cells: readonly CellDelta[];
  readonly assignments: readonly AssignmentProgress[];
  /** Reports about rollouts that never assigned anything to this device: an operator should look. */
  readonly unexplained: readonly RolloutId[];
}
