/**
 * The director's documents: the key set, an offline-signed target, and the assignment, signed online with
 * those keys, which says which device gets what now. Either authority alone installs nothing.
 */
import { z } from "zod";
import {
  isIdentifier,
  isSha256,
  type DeviceId,
  type Instant,
  type RolloutId,
  type Sha256,
  type TenantId,
} from "../base/brand.ts";
import { failed, succeeded, type Failure, type Result } from "../base/result.ts";
import { sha256Hex } from "../crypto/index.ts";
import { isSignedBy, keysSchema, readEnvelope, type Envelope } from "./envelope.ts";
import { parseJson } from "./json.ts";
import {
  ASSIGNMENT_BYTES_MAX,
  DIRECTOR_KEYS_BYTES_MAX,
  KEYS_PER_ROLE_MAX,
  RECALLED_MAX,
} from "./limits.ts";
import { dateTime, expiresSchema } from "./roles.ts";

const tenantId = z.custom<TenantId>((text) => typeof text === "string" && isIdentifier(text));
const deviceId = z.custom<DeviceId>((text) => typeof text === "string" && isIdentifier(text));
const rolloutId = z.custom<RolloutId>((text) => typeof text === "string" && isIdentifier(text));
const sha256 = z.custom<Sha256>((text) => typeof text === "string" && isSha256(text));
const count = z.int().min(0);

const directorKeysSchema = z.object({
  _type: z.literal("director-keys"),
  tenant: tenantId,
  /** Raised when a key was stolen: every assignment of an earlier epoch is void. */
  epoch: z.int().min(1),
  threshold: z.int().min(1).max(KEYS_PER_ROLE_MAX),
  keys: keysSchema,
  validFrom: expiresSchema,
  validUntil: expiresSchema,
});
export type DirectorKeys = z.output<typeof directorKeysSchema>;
export type DirectorKeysJson = z.input<typeof directorKeysSchema>;

/** What every order of the director carries: for whom it is, its number, and until when it may be taken up. */
const orderFields = {
  tenant: tenantId,
  device: deviceId,
  epoch: z.int().min(1),
  sequence: z.int().min(1),
  /** No download may begin at or after this. */
  startBefore: expiresSchema,
  /** Made for a stick: it lives longer than what a device that checks in is given. */
  airGapped: z.boolean().optional(),
  /** On a stick: the timestamp that was current then; metadata that has run out since may be no older. */
  timestampVersion: z.int().min(1).optional(),
};
const namedTarget = z.object({ path: z.string().min(1).max(256), sha256, length: z.int().min(1) });

const assignmentSchema = z.object({
  _type: z.literal("assignment"),
  ...orderFields,
  target: namedTarget,
  rollout: rolloutId,
  /** Index of the rollout's stage. */
  stage: count,
  /** No switch to it may happen at or after this. */
  activateBefore: expiresSchema,
  /** On a stick: the reports of this device that the server had; the device may let them go. */
  reports: z.object({ epoch: z.int().min(1), acknowledgedSequence: count }).optional(),
  /** What the decision rested on: the gate policy's hash, and the last report it had seen. */
  evidence: z.object({ policyHash: sha256, watermark: count }),
});
export type AssignmentJson = z.input<typeof assignmentSchema>;

const recallSchema = z.object({
  _type: z.literal("recall"),
  ...orderFields,
  /** Bundles that must not run any more, nor the programs that they compiled. */
  recalled: z.array(sha256).min(1).max(RECALLED_MAX),
  /** The version to go back to; null: the device chooses, and one that runs none of them only blocks them. */
  returnTo: namedTarget.nullable(),
  /** For the device's log: one sentence. */
  reason: z.string().max(256),
});
export type RecallJson = z.input<typeof recallSchema>;

const orderSchema = z.discriminatedUnion("_type", [assignmentSchema, recallSchema]);

interface Signed {
  /** Of the signed content: tells two orders with one number apart. */
  readonly contentSha256: Sha256;
}
export interface Assignment extends Readonly<z.output<typeof assignmentSchema>>, Signed {}
export interface Recall extends Readonly<z.output<typeof recallSchema>>, Signed {}
export type Order = Assignment | Recall;

export const DIRECTOR_CODES = [
  "DIRECTOR_KEYS_MALFORMED",
  "DIRECTOR_KEYS_WRONG_TENANT",
  "DIRECTOR_KEYS_NOT_VALID",
  "DIRECTOR_KEYS_ROLLBACK",
  "ASSIGNMENT_TOO_LARGE",
  "ASSIGNMENT_MALFORMED",
  "ASSIGNMENT_BAD_SIGNATURES",
  "ASSIGNMENT_WRONG_TENANT",
  "ASSIGNMENT_WRONG_DEVICE",
  "ASSIGNMENT_WRONG_EPOCH",
  "ASSIGNMENT_REPLAYED",
  "ASSIGNMENT_EXPIRED",
] as const;
export type DirectorCode = (typeof DIRECTOR_CODES)[number];

/** Reads the target `director/keys-<tenant>.json`, whose hash has been checked already. */
export function readDirectorKeys(
  bytes: Uint8Array,
  tenant: TenantId,
): Result<DirectorKeys, DirectorCode> {
  const json = bytes.length > DIRECTOR_KEYS_BYTES_MAX ? undefined : parseJson(bytes);
  const keys = directorKeysSchema.safeParse(json?.kind === "json" ? json.value : undefined);
  if (!keys.success) {
    return failed("DIRECTOR_KEYS_MALFORMED", "The director's key set is not readable.");
  }
  if (keys.data.tenant === tenant) return succeeded(keys.data);
  return failed("DIRECTOR_KEYS_WRONG_TENANT", "The director's key set is another tenant's.");
}

/** What a device remembers of the assignments it accepted. */
export interface AcceptedAssignment {
  readonly epoch: number;
  readonly sequence: number;
  readonly contentSha256: Sha256;
  /** Carried out or given up: it may not start again. */
  readonly finished: boolean;
}

export interface AssignmentContext {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly now: Instant;
  /** Null before the first. */
  readonly accepted: AcceptedAssignment | null;
}

/** Whether this device may act on this order now; the image's side is checked elsewhere. */
export function verifyOrder(
  bytes: Uint8Array,
  keys: DirectorKeys,
  context: AssignmentContext,
): Result<Order, DirectorCode> {
  const keysRefusal = checkKeys(keys, context);
  if (keysRefusal) return keysRefusal;
  const read = readEnvelope(bytes, orderSchema, ASSIGNMENT_BYTES_MAX);
  if (!read.ok) return failed(`ASSIGNMENT_${read.code}`, read.message, read.details);
  if (!isSignedByDirector(read.value, keys)) {
    const message = "The assignment is not signed by enough of the director's keys.";
    return failed("ASSIGNMENT_BAD_SIGNATURES", message, { epoch: keys.epoch });
  }
  const contentSha256 = sha256Hex(read.value.signedBytes);
  const order: Order = { ...read.value.signed, contentSha256 };
  return (
    checkAddressee(order, context) ??
    checkOrder(order, keys, context.accepted) ??
    checkStart(order, context) ??
    succeeded(order)
  );
}

/** An order that must be an assignment. */
export function verifyAssignment(
  bytes: Uint8Array,
  keys: DirectorKeys,
  context: AssignmentContext,
): Result<Assignment, DirectorCode> {
  const order = verifyOrder(bytes, keys, context);
  if (!order.ok) return order;
  if (order.value._type === "assignment") return succeeded(order.value);
  return failed("ASSIGNMENT_MALFORMED", "The order is no assignment but a recall.");
}

function isSignedByDirector(envelope: Envelope<unknown>, keys: DirectorKeys): boolean {
  const role = { keyids: [...keys.keys.keys()], threshold: keys.threshold };
  return isSignedBy(envelope, role, keys.keys);
}

function checkKeys(
  keys: DirectorKeys,
  { tenant, now, accepted }: AssignmentContext,
): Failure<DirectorCode> | undefined {
  if (keys.tenant !== tenant) {
    return failed("DIRECTOR_KEYS_WRONG_TENANT", "The director's key set is another tenant's.");
  }
  if (now < keys.validFrom || now >= keys.validUntil) {
    const details = { from: dateTime(keys.validFrom), until: dateTime(keys.validUntil) };
    return failed("DIRECTOR_KEYS_NOT_VALID", "The director's key set is not valid now.", details);
  }
  if (accepted && keys.epoch < accepted.epoch) {
    const details = { had: accepted.epoch, got: keys.epoch };
    return failed("DIRECTOR_KEYS_ROLLBACK", "The director's key set is older than ours.", details);
  }
  return undefined;
}

function checkAddressee(
  assignment: Order,
  { tenant, device }: AssignmentContext,
): Failure<DirectorCode> | undefined {
  if (assignment.tenant !== tenant) {
    return failed("ASSIGNMENT_WRONG_TENANT", "The assignment is for another tenant.");
  }
  if (assignment.device !== device) {
    return failed("ASSIGNMENT_WRONG_DEVICE", "The assignment is for another device.");
  }
  return undefined;
}

/** The epoch is the key set's; within an epoch the sequence grows. The same one may be resumed. */
function checkOrder(
  assignment: Order,
  keys: DirectorKeys,
  accepted: AcceptedAssignment | null,
): Failure<DirectorCode> | undefined {
  const { epoch, sequence, contentSha256 } = assignment;
  if (epoch !== keys.epoch) {
    const details = { expected: keys.epoch, got: epoch };
    return failed("ASSIGNMENT_WRONG_EPOCH", "The assignment is not of the current epoch.", details);
  }
  if (!accepted || epoch > accepted.epoch || sequence > accepted.sequence) return undefined;
  const isSame = sequence === accepted.sequence && contentSha256 === accepted.contentSha256;
  if (isSame && !accepted.finished) return undefined;
  const details = { had: accepted.sequence, got: sequence };
  return failed("ASSIGNMENT_REPLAYED", "The assignment is not newer than the last one.", details);
}

/** Only of one that has not been started: renewing it is the director's affair. */
function checkStart(
  { startBefore, contentSha256 }: Order,
  { now, accepted }: AssignmentContext,
): Failure<DirectorCode> | undefined {
  if (now < startBefore || accepted?.contentSha256 === contentSha256) return undefined;
  const details = { startBefore: dateTime(startBefore) };
  return failed("ASSIGNMENT_EXPIRED", "The assignment may no longer be started.", details);
}
