/** The next version of a role's metadata, signed with what a folder holds: done, or a draft for the other holders. */
import { z } from "zod";
import type { Instant } from "../../protocol/base/brand.ts";
import { instant } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  dateTime,
  delegateNamed,
  isSignedBy,
  readEnvelope,
  rootSchema,
  signMetadata,
  TARGETS_BYTES_MAX,
  targetsSchema,
} from "../../protocol/metadata/index.ts";
import type { Authority, RootJson, TargetsJson } from "../../protocol/metadata/index.ts";
import { keysThere } from "./key-files.ts";
import type { KeyFileCode, KeyFolder } from "./key-files.ts";
import { adopt, readDocument, readDrafts, versionOf, writeDraft } from "./offline-folder.ts";

/** A folder, what opens its keys, and the day of the ceremony. */
export interface Signing extends KeyFolder {
  readonly demo: boolean;
  readonly now: Instant;
}

export interface SignedDocument {
  readonly role: string;
  readonly version: number;
  /** Signatures that count, of those that are needed. */
  readonly signatures: string;
  readonly file: string;
  /** Whether the holders of other keys have nothing left to sign. */
  readonly isComplete: boolean;
}

const DAY_MS = 24 * 3600 * 1000;
const ROOT_LIFETIME_MS = 365 * DAY_MS;
const TARGETS_LIFETIME_MS = 90 * DAY_MS;

export interface NextDocument {
  readonly role: string;
  /** Version and expiry are set here. */
  readonly document: RootJson | TargetsJson;
  /** Zero for the first. */
  readonly versionBefore: number;
  /** Where they were opened before; absent: those of the folder that count. */
  readonly signers?: readonly Signer[];
}

export type SignNextCode = KeyFileCode | "AUTHORITY_MISSING";

export async function signNext(
  signing: Signing,
  { role, document, versionBefore, signers: opened }: NextDocument,
): Promise<Result<SignedDocument, SignNextCode>> {
  const { folder, now } = signing;
  const version = versionBefore + 1;
  const lifetime = role === "root" ? ROOT_LIFETIME_MS : TARGETS_LIFETIME_MS;
  const next = { ...document, version, expires: dateTime(instant(now + lifetime)) };
  const unsigned = await signMetadata(next, []);
  const authorities = await authoritiesOver(folder, role, unsigned);
  if (authorities.length === 0) {
    return failed("AUTHORITY_MISSING", `the folder's targets delegate nothing to ${role}`, {
      role,
    });
  }
  const signers = opened ? succeeded(opened) : await countingSigners(signing, role, authorities);
  if (!signers.ok) return signers;
  const bytes = await signMetadata(next, signers.value);
  return succeeded(await keepSigned(folder, { role, version, bytes }, authorities));
}

/** Keys in the folder that some authority over the role lists. */
export function countingSigners(
  signing: KeyFolder,
  role: string,
  authorities: readonly Authority[],
): Promise<Result<Signer[], KeyFileCode>> {
  return keysThere(signing, role, new Set(authorities.flatMap(({ role: { keyids } }) => keyids)));
}

export interface Signed {
  readonly role: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** The newest of its role where enough have signed, else a draft. */
async function keepSigned(
  folder: string,
  document: Signed,
  authorities: readonly Authority[],
): Promise<SignedDocument> {
  const standing = standingOf(document, authorities);
  const keep = standing.isComplete ? adopt : writeDraft;
  return { ...standing, file: await keep(folder, document) };
}

export function standingOf(
  { role, version, bytes }: Signed,
  authorities: readonly Authority[],
): Omit<SignedDocument, "file"> {
  const counts = authorities.map((authority) => countOf(bytes, authority));
  const signatures = counts.map(({ has, needs }) => `${has} of ${needs}`).join(", ");
  return { role, version, signatures, isComplete: isAccepted(bytes, authorities) };
}

/**
 * Who must have signed: for a root the root before it and itself (TUF 5.3.4), for targets the root, for a
 * delegated role the newest targets, a draft of them included. Empty where nobody has a say.
 */
export async function authoritiesOver(
  folder: string,
  role: string,
  bytes: Uint8Array,
): Promise<Authority[]> {
  const root = await readDocument(folder, "root");
  if (role === "root") {
    const before = root && versionOf(root) < versionOf(bytes) ? [root] : [];
    return [...before, bytes].flatMap((one) => rootAuthority(one, "root"));
  }
  if (role === "targets") return root ? rootAuthority(root, "targets") : [];
  const draft = (await readDrafts(folder)).find((one) => one.role === "targets");
  const targets = draft?.bytes ?? (await readDocument(folder, "targets"));
  return targets ? delegatedAuthority(targets, role) : [];
}

export function rootAuthority(bytes: Uint8Array, role: "root" | "targets"): Authority[] {
  const read = readEnvelope(bytes, rootSchema, TARGETS_BYTES_MAX);
  if (!read.ok) return [];
  const { roles, keys } = read.value.signed;
  return [{ role: roles[role], keys }];
}

export function delegatedAuthority(targets: Uint8Array, role: string): Authority[] {
  const read = readEnvelope(targets, targetsSchema, TARGETS_BYTES_MAX);
  const delegations = read.ok ? read.value.signed.delegations : undefined;
  const delegate = delegations && delegateNamed(delegations, role);
  return delegations && delegate ? [{ role: delegate, keys: delegations.keys }] : [];
}

export function isAccepted(bytes: Uint8Array, authorities: readonly Authority[]): boolean {
  const counts = authorities.map((authority) => countOf(bytes, authority));
  return counts.length > 0 && counts.every(({ has, needs }) => has >= needs);
}

function countOf(bytes: Uint8Array, { role, keys }: Authority) {
  const read = readEnvelope(bytes, z.unknown(), TARGETS_BYTES_MAX);
  const needs = role.threshold;
  if (!read.ok) return { has: 0, needs };
  const isSigner = (keyid: string) =>
    isSignedBy(read.value, { keyids: [keyid], threshold: 1 }, keys);
  return { has: Math.min(needs, role.keyids.filter(isSigner).length), needs };
}
