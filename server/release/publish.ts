/**
 * Publishes a TUF repository of static files: takes root and targets metadata that offline keys signed,
 * refuses what a device would refuse, and signs snapshot and timestamp over the rest. No offline key ever
 * comes near this code.
 */
import type { z } from "zod";
import { assert } from "../../protocol/base/assert.ts";
import { instant, type Instant } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import { sha256Hex, type Signer } from "../../protocol/crypto/index.ts";
import {
  authorSnapshot,
  authorTimestamp,
  metadataFilePath,
  parseHardwarePolicyPath,
  readEnvelope,
  readHardwarePolicy,
  signMetadata,
  SNAPSHOT_BYTES_MAX,
  snapshotSchema,
  targetFilePath,
  targetOf,
  TIMESTAMP_FILE_PATH,
  timestampSchema,
  TrustedSet,
  type HardwarePolicyCode,
  type ListedFile,
  type MetadataCode,
} from "../../protocol/metadata/index.ts";
import { readOfflineRoles, type OfflineCode, type OfflineRoles } from "./offline-roles.ts";
import { checkOrigins, type OriginCode } from "./origin.ts";
import type { RepositoryState, Submission } from "./state.ts";

export interface PublishPorts {
  readonly snapshotSigner: Signer;
  readonly timestampSigner: Signer;
  readonly now: Instant;
  /** Whether a file has been published before. */
  readonly hasFile: (path: string) => Promise<boolean>;
}

export interface Publication {
  readonly state: RepositoryState;
  /** New files by path, in the order in which they must be written: the timestamp comes last. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly versions: {
    readonly root: number;
    readonly targets: number;
    readonly snapshot: number;
    readonly timestamp: number;
  };
}

export type PublishCode =
  | MetadataCode
  | OfflineCode
  | OriginCode
  | HardwarePolicyCode
  | "CONTENT_MISSING"
  | "CONTENT_MISMATCH"
  | "CONTENT_UNLISTED";

const DAY_MS = 24 * 3600 * 1000;
export const SNAPSHOT_LIFETIME_MS = 7 * DAY_MS;
export const TIMESTAMP_LIFETIME_MS = DAY_MS;

/** The first state of a repository: a root that verifies by itself, and nothing published yet. */
export function startRepository(
  root: Uint8Array,
  now: Instant,
): Result<RepositoryState, MetadataCode> {
  const started = TrustedSet.start(root, now);
  if (!started.ok) return started;
  return succeeded({ root, targets: new Map(), snapshot: null, timestamp: null });
}

/** With an empty submission it renews the timestamp, and the snapshot when half its life is over. */
export async function publishRepository(
  state: RepositoryState,
  submission: Submission,
  ports: PublishPorts,
): Promise<Result<Publication, PublishCode>> {
  const read = readOfflineRoles(state, submission, ports.now);
  if (!read.ok) return read;
  const offline = read.value;
  const handedIn = submission.contents ?? new Map<string, Uint8Array>();
  const contents = await checkContents(offline, handedIn, ports);
  if (!contents.ok) return contents;
  const unreadable = unreadablePolicy(handedIn);
  if (unreadable) return unreadable;
  const origins = checkOrigins({ state, offline, contents: handedIn });
  if (!origins.ok) return origins;
  const snapshot = await signSnapshot(state, offline, ports);
  const timestamp = await signTimestamp(state, snapshot, ports);
  const next: RepositoryState = {
    root: offline.root,
    targets: new Map([...offline.targets].map(([role, { bytes }]) => [role, bytes])),
    snapshot: snapshot.bytes,
    timestamp: timestamp.bytes,
  };
  const rehearsed = rehearse(state, next, { offline, now: ports.now });
  if (!rehearsed.ok) return rehearsed;
  const versions = {
    root: offline.trustedRoot.version,
    targets: offline.targets.get("targets")?.signed.version ?? 0,
    snapshot: snapshot.version,
    timestamp: timestamp.version,
  };
  const files = newFiles(offline, snapshot, contents.value);
  return succeeded({
    state: next,
    files: files.set(TIMESTAMP_FILE_PATH, timestamp.bytes),
    versions,
  });
}

/** The contents of new targets by the path of their file; everything listed must be there. */
async function checkContents(
  offline: OfflineRoles,
  contents: ReadonlyMap<string, Uint8Array>,
  ports: PublishPorts,
): Promise<Result<Map<string, Uint8Array>, PublishCode>> {
  const files = new Map<string, Uint8Array>();
  const listed = new Set<string>();
  for (const { signed } of offline.targets.values()) {
    for (const path of signed.targets.keys()) {
      listed.add(path);
      const target = targetOf(signed, path);
      if (!target.ok) return failed("TARGETS_MALFORMED", target.message, target.details);
      const filePath = targetFilePath(target.value);
      const bytes = contents.get(path);
      if (bytes && sha256Hex(bytes) !== target.value.sha256) {
        const message = `The content of ${path} is not what the targets metadata lists.`;
        return failed("CONTENT_MISMATCH", message, { path });
      }
      if (bytes) files.set(filePath, bytes);
      else if (!(await ports.hasFile(filePath))) {
        const message = `The targets metadata lists ${path}, but nobody handed in its content.`;
        return failed("CONTENT_MISSING", message, { path });
      }
    }
  }
  const stray = [...contents.keys()].find((path) => !listed.has(path));
  if (stray === undefined) return succeeded(files);
  const message = `No targets metadata lists ${stray}.`;
  return failed("CONTENT_UNLISTED", message, { path: stray });
}

/** With such a policy no device of its hardware would take an order any more. */
function unreadablePolicy(
  contents: ReadonlyMap<string, Uint8Array>,
): Failure<HardwarePolicyCode> | undefined {
  for (const [path, bytes] of contents) {
    const family = parseHardwarePolicyPath(path);
    const policy = family === undefined ? undefined : readHardwarePolicy(bytes, family);
    if (policy && !policy.ok) return policy;
  }
  return undefined;
}

interface SignedFile extends ListedFile {
  readonly isNew: boolean;
}

async function signSnapshot(
  state: RepositoryState,
  offline: OfflineRoles,
  { snapshotSigner, now }: PublishPorts,
): Promise<SignedFile> {
  const old = state.snapshot && parseSigned(state.snapshot, snapshotSchema);
  const isFresh = old !== null && old.expires - now > SNAPSHOT_LIFETIME_MS / 2;
  const isEqual = [...offline.targets.values()].every(({ isNew }) => !isNew);
  if (state.snapshot && isFresh && isEqual && !offline.onlineKeysRotated) {
    return { version: old.version, bytes: state.snapshot, isNew: false };
  }
  const version = (old?.version ?? 0) + 1;
  const roles = new Map<string, ListedFile>();
  for (const [role, { signed, bytes }] of offline.targets) {
    roles.set(role, { version: signed.version, bytes });
  }
  const signed = authorSnapshot({ version, expires: instant(now + SNAPSHOT_LIFETIME_MS), roles });
  return { version, bytes: await signMetadata(signed, [snapshotSigner]), isNew: true };
}

async function signTimestamp(
  state: RepositoryState,
  snapshot: SignedFile,
  { timestampSigner, now }: PublishPorts,
): Promise<ListedFile> {
  const old = state.timestamp && parseSigned(state.timestamp, timestampSchema);
  const version = (old?.version ?? 0) + 1;
  const expires = instant(now + TIMESTAMP_LIFETIME_MS);
  const signed = authorTimestamp({ version, expires, snapshot, signedAt: now });
  return { version, bytes: await signMetadata(signed, [timestampSigner]) };
}

/** What this server published itself; that it cannot be read any more is no device's doing. */
function parseSigned<S extends z.ZodType>(bytes: Uint8Array, schema: S): z.output<S> {
  const read = readEnvelope(bytes, schema, SNAPSHOT_BYTES_MAX);
  assert(read.ok, "published metadata is readable");
  return read.value.signed;
}

/** Takes the next state as a device would that trusts the present one. */
function rehearse(
  state: RepositoryState,
  next: RepositoryState,
  { offline, now }: { offline: OfflineRoles; now: Instant },
): Result<TrustedSet, MetadataCode> {
  assert(next.snapshot !== null && next.timestamp !== null, "both were signed");
  const started = TrustedSet.start(offline.root, now);
  if (!started.ok) return started;
  const device = started.value;
  if (state.timestamp && !offline.onlineKeysRotated) device.loadTimestamp(state.timestamp);
  const timestamp = device.updateTimestamp(next.timestamp);
  if (!timestamp.ok) return timestamp;
  if (state.snapshot && !offline.onlineKeysRotated) device.loadSnapshot(state.snapshot);
  const snapshot = device.updateSnapshot(next.snapshot);
  if (!snapshot.ok) return snapshot;
  const top = offline.targets.get("targets");
  const targets = top && device.updateTargets(top.bytes);
  return targets === undefined || targets.ok ? succeeded(device) : targets;
}

/** In the order of writing: whatever a file refers to is there before it. */
function newFiles(
  offline: OfflineRoles,
  snapshot: SignedFile,
  contents: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const files = new Map(contents);
  for (const { version, bytes } of offline.newRoots) {
    files.set(metadataFilePath("root", version), bytes);
  }
  for (const [role, { signed, bytes, isNew }] of offline.targets) {
    if (isNew) files.set(metadataFilePath(role, signed.version), bytes);
  }
  if (snapshot.isNew) files.set(metadataFilePath("snapshot", snapshot.version), snapshot.bytes);
  return files;
}
