/** The single checks of the TUF client workflow: pure comparisons, each undefined when it holds. */
import { equalBytes } from "../base/bytes.ts";
import { failed, succeeded, type Failure, type Result } from "../base/result.ts";
import { hasher } from "../crypto/index.ts";
import type { MetadataCode } from "./codes.ts";
import { isSignedBy, type Envelope, type EnvelopeCode } from "./envelope.ts";
import type { MetaFile, Root, Snapshot, Timestamp, TopLevelRole } from "./roles.ts";

export type RolePrefix = "ROOT" | "TIMESTAMP" | "SNAPSHOT" | "TARGETS";
export type Step<T> = Result<T, MetadataCode>;
type Refusal = Failure<MetadataCode> | undefined;

export function isSignedByRole(
  envelope: Envelope<unknown>,
  root: Root,
  role: TopLevelRole,
): boolean {
  return isSignedBy(envelope, root.roles[role], root.keys);
}

export function badSignatures(role: RolePrefix, authority: string): Failure<MetadataCode> {
  const message = `The ${role.toLowerCase()} metadata is not signed by enough keys of ${authority}.`;
  return failed(`${role}_BAD_SIGNATURES`, message, { authority });
}

/** Says which role could not be read. */
export function withRole<T>(
  role: RolePrefix,
  read: Result<Envelope<T>, EnvelopeCode>,
): Step<Envelope<T>> {
  return read.ok ? read : failed(`${role}_${read.code}`, read.message, read.details);
}

/** Whether a role's keys are others than before; their order does not matter, nor what they are called. */
export function isRotated(role: TopLevelRole, before: Root, after: Root): boolean {
  const [then, now] = [materialsOf(role, before), materialsOf(role, after)];
  return now.size !== then.size || [...then].some((material) => !now.has(material));
}

function materialsOf(role: TopLevelRole, { roles, keys }: Root): Set<string> {
  const listed = roles[role].keyids.flatMap((keyid) => keys.get(keyid) ?? []);
  return new Set(listed.map(({ keytype, keyval }) => `${keytype} ${keyval.public}`));
}

/** Length and hashes, where they are listed; a hash we cannot compute fails. */
export function checkMetaFile(
  role: "SNAPSHOT" | "TARGETS",
  bytes: Uint8Array,
  meta: MetaFile,
): Refusal {
  if (meta.length !== undefined && bytes.length !== meta.length) {
    const details = { bytes: bytes.length, bytesListed: meta.length };
    return failed(`${role}_LENGTH_MISMATCH`, "The file is not as long as listed.", details);
  }
  if (meta.hashes && !hashesMatch(bytes, meta.hashes)) {
    return failed(`${role}_HASH_MISMATCH`, "The file's hash is not the one listed.");
  }
  return undefined;
}

/** Every SHA-256 and SHA-512 listed, and at least one of them. */
export function hashesMatch(bytes: Uint8Array, hashes: ReadonlyMap<string, string>): boolean {
  const known = (["sha256", "sha512"] as const).filter((algorithm) => hashes.has(algorithm));
  const holds = known.map((algorithm) => {
    const hash = hasher(algorithm);
    hash.update(bytes);
    return hash.hex() === hashes.get(algorithm);
  });
  return holds.length > 0 && holds.every((equal) => equal);
}

export function checkVersion(
  role: "SNAPSHOT" | "TARGETS",
  signed: { readonly version: number },
  meta: MetaFile,
): Refusal {
  if (signed.version === meta.version) return undefined;
  const details = { listed: meta.version, got: signed.version };
  return failed(`${role}_WRONG_VERSION`, "The file is not the version listed.", details);
}

/** `discarded`: the version is ours, the content is not. */
export type TimestampOrder = "updated" | "unchanged" | "discarded";

/** TUF 5.4.3. */
export function compareTimestamps(
  trusted: Envelope<Timestamp>,
  fresh: Envelope<Timestamp>,
): Step<TimestampOrder> {
  const had = trusted.signed.version;
  const got = fresh.signed.version;
  // TUF 5.4.3.1
  if (got < had) {
    return failed("TIMESTAMP_ROLLBACK", "The timestamp is older than ours.", { had, got });
  }
  if (got === had) {
    return succeeded(
      equalBytes(trusted.signedBytes, fresh.signedBytes) ? "unchanged" : "discarded",
    );
  }
  // TUF 5.4.3.2
  const before = trusted.signed.meta["snapshot.json"];
  const after = fresh.signed.meta["snapshot.json"];
  if (after.version < before.version) {
    const details = { had: before.version, got: after.version };
    return failed("SNAPSHOT_ROLLBACK", "The timestamp names an older snapshot.", details);
  }
  return isContradiction(before, after)
    ? equalVersions("snapshot.json", before.version)
    : succeeded("updated");
}

/** TUF 5.5.5, and that equal versions are equal documents. */
export function compareSnapshots(trusted: Envelope<Snapshot>, fresh: Envelope<Snapshot>): Refusal {
  const had = trusted.signed.version;
  const got = fresh.signed.version;
  if (got < had) {
    return failed("SNAPSHOT_ROLLBACK", "The snapshot is older than ours.", { had, got });
  }
  if (got === had && !equalBytes(trusted.signedBytes, fresh.signedBytes)) {
    return equalVersions("snapshot.json", had);
  }
  for (const [name, before] of trusted.signed.meta) {
    const refusal = compareMetaFiles(name, before, fresh.signed.meta.get(name));
    if (refusal) return refusal;
  }
  return undefined;
}

function compareMetaFiles(name: string, before: MetaFile, after: MetaFile | undefined): Refusal {
  if (after === undefined) {
    const message = `The snapshot no longer lists ${name}.`;
    return failed("TARGETS_REMOVED", message, { name });
  }
  if (after.version < before.version) {
    const details = { name, had: before.version, got: after.version };
    return failed("TARGETS_ROLLBACK", `The snapshot lists an older ${name}.`, details);
  }
  return isContradiction(before, after) ? equalVersions(name, before.version) : undefined;
}

/** One version, two contents: as far as the listed hashes tell. */
function isContradiction(before: MetaFile, after: MetaFile): boolean {
  if (before.version !== after.version) return false;
  const [old, fresh] = [before.hashes, after.hashes];
  if (!old || !fresh) return false;
  return [...old].some(([algorithm, hash]) => (fresh.get(algorithm) ?? hash) !== hash);
}

function equalVersions(name: string, version: number): Failure<"EQUAL_VERSION_DIFFERENT_CONTENT"> {
  const message = `Two different files claim to be version ${version} of ${name}.`;
  return failed("EQUAL_VERSION_DIFFERENT_CONTENT", message, { name, version });
}
