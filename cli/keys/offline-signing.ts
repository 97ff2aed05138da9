/**
 * What the offline keys sign: root and targets metadata, and through targets the director's key set.
 * Runs where the offline folder is; the server sees only what comes out.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { instant } from "../../protocol/base/brand.ts";
import type { Instant, TenantId } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { keyObject } from "../../protocol/crypto/index.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  authorDirectorKeys,
  authorRoot,
  authorTargets,
  describeDriver,
  describeFile,
  directorKeysPath,
  signMetadata,
} from "../../protocol/metadata/index.ts";
import { createKeys, OFFLINE_ROLES, ONLINE_ROLES, readKeys } from "./key-files.ts";
import type { KeyFileCode } from "./key-files.ts";

const DAY_MS = 24 * 3600 * 1000;
const ROOT_LIFETIME_MS = 365 * DAY_MS;
const TARGETS_LIFETIME_MS = 90 * DAY_MS;
const DIRECTOR_LIFETIME_MS = 90 * DAY_MS;
const KEY_COUNTS = { root: 3, targets: 2, snapshot: 1, timestamp: 1, director: 1 } as const;
const THRESHOLDS = { root: 2, targets: 2, snapshot: 1, timestamp: 1 } as const;

export interface KeyFolders {
  /** Root and targets keys and the newest metadata they signed. */
  readonly offline: string;
  /** Snapshot, timestamp and director keys: what the server holds. */
  readonly online: string;
}

export interface Ceremony {
  readonly folders: KeyFolders;
  readonly tenant: TenantId;
  readonly demo: boolean;
  readonly now: Instant;
}

/** What the offline side hands to a server. */
export interface SignedTargets {
  readonly targets: Uint8Array;
  /** The contents of newly listed targets, by target path. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** Draws all keys and signs version 1 of root and of targets (which lists the director's keys alone). */
export async function holdCeremony(
  ceremony: Ceremony,
): Promise<Result<{ root: Uint8Array; first: SignedTargets }, KeyFileCode>> {
  const { folders, demo } = ceremony;
  const signers = new Map<string, Signer[]>();
  for (const role of [...OFFLINE_ROLES, ...ONLINE_ROLES]) {
    const isOffline = role === "root" || role === "targets";
    const folder = isOffline ? folders.offline : folders.online;
    const made = await createKeys({ folder, role, count: KEY_COUNTS[role], demo });
    if (!made.ok) return made;
    signers.set(role, made.value);
  }
  const root = await signRoot(ceremony, signers);
  const director = signers.get("director") ?? [];
  const contents = new Map([[directorKeysPath(ceremony.tenant), directorKeys(ceremony, director)]]);
  const listed = new Map([...contents].map(([path, bytes]) => [path, describeFile(bytes)]));
  const targets = await signTargets(ceremony, { version: 1, listed });
  return targets.ok ? succeeded({ root, first: { targets: targets.value, contents } }) : targets;
}

/** Adds driver bundles to the newest targets metadata and signs the next version. */
export async function signBundles(
  ceremony: Ceremony,
  bundles: readonly Uint8Array[],
  securityFloor: string,
): Promise<Result<SignedTargets>> {
  const newest = await readNewest(ceremony.folders.offline);
  const listed = new Map(Object.entries(newest.targets));
  const contents = new Map<string, Uint8Array>();
  for (const bundle of bundles) {
    const described = describeDriver(bundle, securityFloor);
    if (!described.ok) return described;
    for (const [path, file] of described.value) {
      listed.set(path, file);
      contents.set(path, bundle);
    }
  }
  const targets = await signTargets(ceremony, { version: newest.version + 1, listed });
  return targets.ok ? succeeded({ targets: targets.value, contents }) : targets;
}

type ListedTargets = Parameters<typeof authorTargets>[0]["targets"];

async function signRoot(
  ceremony: Ceremony,
  signers: ReadonlyMap<string, Signer[]>,
): Promise<Uint8Array> {
  const roleKeys = (role: keyof typeof THRESHOLDS) => ({
    publicKeys: (signers.get(role) ?? []).map((signer) => signer.publicKey),
    threshold: THRESHOLDS[role],
  });
  const document = authorRoot({
    version: 1,
    expires: instant(ceremony.now + ROOT_LIFETIME_MS),
    roles: {
      root: roleKeys("root"),
      targets: roleKeys("targets"),
      snapshot: roleKeys("snapshot"),
      timestamp: roleKeys("timestamp"),
    },
  });
  const signed = await signMetadata(document, signers.get("root") ?? []);
  await keepNewest(ceremony.folders.offline, "root.json", signed);
  return signed;
}

async function signTargets(
  ceremony: Ceremony,
  next: { readonly version: number; readonly listed: ListedTargets },
): Promise<Result<Uint8Array, KeyFileCode>> {
  const { folders, now } = ceremony;
  const signers = await readKeys(folders.offline, "targets");
  if (!signers.ok) return signers;
  const document = authorTargets({
    version: next.version,
    expires: instant(now + TARGETS_LIFETIME_MS),
    targets: next.listed,
  });
  const signed = await signMetadata(document, signers.value);
  await keepNewest(folders.offline, "targets.json", signed);
  return succeeded(signed);
}

function directorKeys(ceremony: Ceremony, signers: readonly Signer[]): Uint8Array {
  const { tenant, now } = ceremony;
  const document = authorDirectorKeys({
    tenant,
    epoch: 1,
    threshold: 1,
    keys: new Map(signers.map((signer) => [signer.keyId, keyObject(signer.publicKey)])),
    validFrom: instant(now - DAY_MS),
    validUntil: instant(now + DIRECTOR_LIFETIME_MS),
  });
  return utf8(JSON.stringify(document));
}

async function keepNewest(offline: string, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(offline, "metadata"), { recursive: true });
  await writeFile(join(offline, "metadata", name), bytes);
}

async function readNewest(
  offline: string,
): Promise<{ version: number; targets: Record<string, ReturnType<typeof describeFile>> }> {
  const text = await readFile(join(offline, "metadata", "targets.json"), "utf8");
  return JSON.parse(text).signed;
}
