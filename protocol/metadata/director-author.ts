/** Authoring of the director's documents: plain data in, documents out, to be signed with `signMetadata`. */
import type { DeviceId, Instant, RolloutId, Sha256, TenantId } from "../base/brand.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { sha256Hex, type KeyObject, type Signer } from "../crypto/index.ts";
import type { AssignmentJson, DirectorKeysJson, RecallJson } from "./director.ts";
import { signMetadata } from "./envelope.ts";
import { dateTime } from "./roles.ts";

export interface DirectorKeysOptions {
  readonly tenant: TenantId;
  readonly epoch: number;
  readonly threshold: number;
  readonly keys: ReadonlyMap<string, KeyObject>;
  readonly validFrom: Instant;
  readonly validUntil: Instant;
}

/** The key set to be published as a target. */
export function authorDirectorKeys(options: DirectorKeysOptions): DirectorKeysJson {
  const { tenant, epoch, threshold, keys, validFrom, validUntil } = options;
  return {
    _type: "director-keys",
    tenant,
    epoch,
    threshold,
    keys: Object.fromEntries(keys),
    validFrom: dateTime(validFrom),
    validUntil: dateTime(validUntil),
  };
}

export interface AssignmentFields {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly target: { readonly path: string; readonly sha256: Sha256; readonly length: number };
  readonly rollout: RolloutId;
  readonly stage: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly startBefore: Instant;
  readonly activateBefore: Instant;
  readonly airGapped?: boolean;
  readonly timestampVersion?: number;
  readonly reports?: { readonly epoch: number; readonly acknowledgedSequence: number };
  readonly evidence: { readonly policyHash: Sha256; readonly watermark: number };
}

/** The document to be signed with `signMetadata`. */
export function authorAssignment(fields: AssignmentFields): AssignmentJson {
  const { target, evidence, startBefore, activateBefore, reports, ...rest } = fields;
  return {
    _type: "assignment",
    ...rest,
    ...(reports && { reports: { ...reports } }),
    target: { ...target },
    evidence: { ...evidence },
    startBefore: dateTime(startBefore),
    activateBefore: dateTime(activateBefore),
  };
}

export interface RecallFields {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly epoch: number;
  readonly sequence: number;
  readonly startBefore: Instant;
  readonly airGapped?: boolean;
  readonly timestampVersion?: number;
  readonly recalled: readonly Sha256[];
  readonly returnTo: AssignmentFields["target"] | null;
  readonly reason: string;
}

export function authorRecall(fields: RecallFields): RecallJson {
  const { startBefore, recalled, returnTo, ...rest } = fields;
  return {
    _type: "recall",
    ...rest,
    startBefore: dateTime(startBefore),
    recalled: [...recalled],
    returnTo: returnTo && { ...returnTo },
  };
}

/** The envelope, and the hash by which a device that took the order names it. */
export async function signOrder(
  order: AssignmentJson | RecallJson,
  signer: Signer,
): Promise<{ readonly envelope: Uint8Array; readonly contentSha256: Sha256 }> {
  const envelope = await signMetadata(order, [signer]);
  return { envelope, contentSha256: sha256Hex(canonicalJson(order)) };
}
