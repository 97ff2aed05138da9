/** What the server keeps, as ports: over PostgreSQL in production, in memory for tests of what stands on them. */
import type {
  DeviceId,
  Instant,
  ModelId,
  RolloutId,
  Sha256,
  TenantId,
} from "../../protocol/base/brand.ts";
import type { Details, Result } from "../../protocol/base/result.ts";
import type { DriverFacts } from "../../protocol/metadata/index.ts";
import type {
  AssignmentOrder,
  CheckInRequest,
  DriverRef,
  ReportAck,
  ReportBatch,
  SandboxLevel,
} from "../../protocol/wire/index.ts";
import type { IngestCode, Outcome } from "../ingest/index.ts";
import type {
  AssignmentFact,
  Evidence,
  FleetMember,
  Rollout,
  RolloutChange,
  Verdict,
} from "../rollout/index.ts";

/** Everything that rollouts stand on. */
export interface FleetStore {
  readonly devices: DeviceStore;
  readonly rollouts: RolloutStore;
  readonly assignments: AssignmentStore;
  readonly orders: OrderStore;
  readonly reports: ReportStore;
  readonly audit: AuditStore;
}

export interface Store extends FleetStore {
  readonly tenants: TenantStore;
  readonly repository: RepositoryStore;
  close(): Promise<void>;
}

/** A page of a list that is ordered by its key. */
export interface Page {
  /** Begins after this key. */
  readonly after?: string;
  readonly limit: number;
}

// Tenants and tokens

export const OPERATOR_ROLES = ["viewer", "release", "admin"] as const;
/** Each may do what those before it may. */
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

export interface OperatorToken {
  readonly tenant: TenantId;
  readonly id: string;
  readonly name: string;
  readonly role: OperatorRole;
  readonly secretSha256: Uint8Array;
  readonly createdAt: Instant;
  readonly revokedAt: Instant | null;
}

export interface EnrolmentToken {
  readonly tenant: TenantId;
  readonly id: string;
  readonly secretSha256: Uint8Array;
  readonly usesLeft: number;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
}

export interface TenantStore {
  list(): Promise<readonly TenantId[]>;
  /** Does nothing when there is one already. */
  add(tenant: TenantId, now: Instant): Promise<void>;
  addOperatorToken(token: OperatorToken): Promise<void>;
  operatorToken(tenant: TenantId, id: string): Promise<OperatorToken | undefined>;
  operatorTokens(tenant: TenantId): Promise<readonly OperatorToken[]>;
  revokeOperatorToken(tenant: TenantId, id: string, now: Instant): Promise<boolean>;
  addEnrolmentToken(token: EnrolmentToken): Promise<void>;
}

// Devices

export interface Device {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly publicKey: Uint8Array;
  readonly keyId: string;
  readonly soc: string;
  readonly status: "active" | "held";
  readonly agentVersion: string;
  readonly sandbox: SandboxLevel | null;
  /** As of its last check-in. */
  readonly current: DriverRef | null;
  readonly previousVersion: string | null;
  readonly enrolledAt: Instant;
  readonly lastSeenAt: Instant | null;
  readonly reportEpoch: number;
  readonly acknowledgedSequence: number;
  /** What the device has said itself that it knows to be acknowledged. */
  readonly confirmedSequence: number;
}

export interface ListedDevice extends Device {
  /** Of its newest assignment. */
  readonly rollout: RolloutId | null;
}

export interface Enrolment {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly publicKey: Uint8Array;
  readonly keyId: string;
  readonly soc: string;
  readonly agentVersion: string;
  readonly tokenId: string;
  readonly tokenSecretSha256: Uint8Array;
  readonly now: Instant;
}

export type EnrolCode =
  "ENROLMENT_TOKEN_INVALID" | "DEVICE_ALREADY_ENROLLED" | "DEVICE_KEY_ALREADY_ENROLLED";

export interface DeviceStore {
  /**
   * Uses up one enrolment of the token. The same device with the same key may enrol again: it begins a new
   * epoch of reports and uses nothing up.
   */
  enrol(enrolment: Enrolment): Promise<Result<{ reportEpoch: number }, EnrolCode>>;
  find(tenant: TenantId, device: DeviceId): Promise<Device | undefined>;
  list(tenant: TenantId, page: Page): Promise<readonly ListedDevice[]>;
  models(
    tenant: TenantId,
    device: DeviceId,
  ): Promise<readonly { model: ModelId; sha256: Sha256 }[]>;
  /** All active devices, for cohorts. */
  members(tenant: TenantId): Promise<readonly FleetMember[]>;
  /**
   * Keeps what the device says of itself; what it accepted counts from now. A device never forgets what it said
   * it knew: one that does is a copy of it, and nothing of what it says is kept.
   */
  checkIn(request: CheckInRequest, now: Instant): Promise<Result<CheckedIn, "DEVICE_CLONED">>;
  /** False when there is no such device. */
  setStatus(tenant: TenantId, device: DeviceId, status: Device["status"]): Promise<boolean>;
}

export interface CheckedIn {
  readonly assignments: readonly AssignmentFact[];
  /** Whether the device tells of this order for the first time. */
  readonly isOrderNew: boolean;
}

// Rollouts

export interface Decided {
  readonly stage: number;
  readonly verdict: Verdict;
  readonly policySha256: Sha256;
  readonly rollout: Rollout;
  readonly evidence: Evidence;
}

export interface DecisionRecord extends Decided {
  readonly revision: number;
  readonly decidedAt: Instant;
}

export interface ChangeRequest {
  readonly rollout: Rollout;
  readonly change: RolloutChange;
  /** What it rests on, where the gate made it. */
  readonly decided: Decided | null;
  readonly actor: string;
  readonly action: string;
  readonly now: Instant;
}

export interface RolloutStore {
  create(rollout: Rollout, actor: string): Promise<Result<null, "ROLLOUT_EXISTS">>;
  find(tenant: TenantId, id: RolloutId): Promise<Rollout | undefined>;
  /** Newest first. */
  list(tenant: TenantId): Promise<readonly Rollout[]>;
  /** Compare-and-set on the revision that `rollout` was read with; audited in the same transaction. */
  change(request: ChangeRequest): Promise<Result<Rollout, "ROLLOUT_CHANGED_MEANWHILE">>;
  /** Of every stage, at one moment; accepted before `silentBefore` and still open is silent. */
  evidence(rollout: Rollout, silentBefore: Instant): Promise<Omit<Evidence, "reachable">>;
  /** Newest first. */
  decisions(tenant: TenantId, id: RolloutId): Promise<readonly DecisionRecord[]>;
}

// Assignments

export interface NewAssignment {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly rollout: RolloutId;
  readonly purpose: AssignmentFact["purpose"];
  readonly stage: number;
  readonly version: string;
  /** Of the director's newest key set. */
  readonly epoch: number;
  readonly startBefore: Instant;
  readonly now: Instant;
  readonly sign: SignOrder;
}

/** Signs the document with the number that the store gives it. */
export type SignOrder = (
  order: AssignmentOrder,
) => Promise<{ readonly envelope: Uint8Array; readonly contentSha256: Sha256 }>;

export interface StoredAssignment extends AssignmentFact {
  readonly envelope: Uint8Array;
  readonly startBefore: Instant;
}

export interface AssignmentStore {
  find(
    tenant: TenantId,
    device: DeviceId,
    key: { readonly rollout: RolloutId; readonly purpose: AssignmentFact["purpose"] },
  ): Promise<StoredAssignment | undefined>;
  /** The next number of the device; an earlier assignment of the same rollout and purpose is replaced. */
  issue(assignment: NewAssignment): Promise<StoredAssignment>;
  ofDevice(tenant: TenantId, device: DeviceId): Promise<readonly AssignmentFact[]>;
  ofRollout(tenant: TenantId, rollout: RolloutId): Promise<readonly AssignmentFact[]>;
}

// Orders

export interface NewOrder {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly epoch: number;
  readonly kind: "assignment" | "recall";
  /** A rollout, or the number of a recall. */
  readonly subject: string;
  readonly startBefore: Instant;
  readonly now: Instant;
  readonly sign: SignOrder;
}

export interface IssuedOrder extends AssignmentOrder {
  readonly kind: NewOrder["kind"];
  readonly subject: string;
  readonly contentSha256: Sha256;
  readonly envelope: Uint8Array;
  readonly startBefore: Instant;
}

export interface NewRecall {
  readonly tenant: TenantId;
  readonly version: string;
  /** Of its bundles, one for each hardware they differ on. */
  readonly sha256s: readonly Sha256[];
  readonly reason: string;
  readonly actor: string;
  readonly now: Instant;
}

export interface Recall extends Omit<NewRecall, "now"> {
  /** Grows by one within the tenant. */
  readonly number: number;
  readonly createdAt: Instant;
}

/** Every order that was ever signed stays here: what is not here, somebody else signed. */
export interface OrderStore {
  issued(
    tenant: TenantId,
    device: DeviceId,
    order: AssignmentOrder,
  ): Promise<IssuedOrder | undefined>;
  newestRecallOrder(tenant: TenantId, device: DeviceId): Promise<IssuedOrder | undefined>;
  /** The next number of the device. */
  issue(order: NewOrder): Promise<IssuedOrder>;
  /** In the order of their numbers. */
  recalls(tenant: TenantId): Promise<readonly Recall[]>;
  addRecall(recall: NewRecall): Promise<Result<Recall, "ALREADY_RECALLED">>;
}

// Reports

export interface StoredOutcome extends Outcome {
  readonly device: DeviceId;
}

export interface ReportStore {
  /** Its commit is the acknowledgement. The batch's signature has been verified. */
  ingest(batch: ReportBatch, now: Instant): Promise<Result<ReportAck, ReportsStoreCode>>;
  outcomes(tenant: TenantId, rollout: RolloutId): Promise<readonly StoredOutcome[]>;
}
export type ReportsStoreCode = IngestCode | "DEVICE_UNKNOWN";

// Audit

export interface NewAuditEntry {
  readonly tenant: TenantId;
  readonly at: Instant;
  /** A token's id, `gate`, or a device. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: Details;
}

export interface AuditEntry extends NewAuditEntry {
  readonly sequence: number;
  readonly previousSha256: Sha256;
  readonly sha256: Sha256;
}

export interface AuditPage {
  readonly limit: number;
  /** Only entries of lower sequence; absent: from the newest on. */
  readonly before?: number | undefined;
}

export interface AuditStore {
  append(entry: NewAuditEntry): Promise<AuditEntry>;
  /** Newest first. */
  list(tenant: TenantId, page: AuditPage): Promise<readonly AuditEntry[]>;
  /** The sequence of the first entry that does not fit the one before; null when all do. */
  firstBroken(tenant: TenantId): Promise<number | null>;
}

// Repository: shared by all tenants

export interface MetadataFile {
  readonly role: string;
  readonly version: number;
  readonly content: Uint8Array;
}

export interface Release {
  readonly path: string;
  readonly family: string;
  readonly version: string;
  readonly sha256: Sha256;
  readonly length: number;
  readonly facts: DriverFacts;
  readonly publishedAt: Instant;
}

export interface DirectorKeySet {
  readonly tenant: TenantId;
  readonly epoch: number;
  readonly content: Uint8Array;
}

export interface NewPublication {
  readonly metadata: readonly MetadataFile[];
  readonly releases: readonly Release[];
  readonly directorKeys: readonly DirectorKeySet[];
  readonly now: Instant;
}

export interface RepositoryStore {
  /** The newest file of every role. */
  newestMetadata(): Promise<readonly MetadataFile[]>;
  /** The whole chain, oldest first: devices walk it. */
  roots(): Promise<readonly MetadataFile[]>;
  /** All or nothing; the same version of a role is published once, whoever signs it. */
  publish(publication: NewPublication): Promise<Result<null, "VERSION_ALREADY_PUBLISHED">>;
  releases(): Promise<readonly Release[]>;
  /** The key set of the highest epoch. */
  directorKeys(tenant: TenantId): Promise<DirectorKeySet | undefined>;
}
