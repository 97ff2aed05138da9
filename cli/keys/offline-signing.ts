/**
 * What the offline keys sign: root and targets metadata, and through targets the director's key set.
 * Runs where the offline folder is; the server sees only what comes out.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { instant } from "../../protocol/base/brand.ts";
import type { Instant, TenantId } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { keyIdOf, keyObject } from "../../protocol/crypto/index.ts";
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
import { createKeys, OFFLINE_ROLES, readKeys, readPublicKeys } from "./key-files.ts";
import type { KeyFileCode, OfflineRole } from "./key-files.ts";

const DAY_MS = 24 * 3600 * 1000;
const ROOT_LIFETIME_MS = 365 * DAY_MS;
const TARGETS_LIFETIME_MS = 90 * DAY_MS;
const DIRECTOR_LIFETIME_MS = 90 * DAY_MS;
const KEY_COUNTS = { root: 3, targets: 2 } as const;
const THRESHOLDS = { root: 2, targets: 2 } as const;

export interface Ceremony {
  /** Root and targets keys, and the newest metadata that they signed. */
  readonly offline: string;
  readonly tenant: TenantId;
  readonly demo: boolean;
  readonly now: Instant;
  /** Seals and opens the keys; demonstrations need none. */
  readonly passphrase?: string | undefined;
}

/** The public halves of the server's keys, which root and the director's key set name. */
export interface OnlineKeys {
  readonly snapshot: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly director: Uint8Array;
}

/** What the offline side hands to a server. */
export interface SignedTargets {
  readonly targets: Uint8Array;
  /** The contents of newly listed targets, by target path. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** Draws the offline keys and signs version 1 of root and of targets (which lists the director's keys alone). */
export async function holdCeremony(
  ceremony: Ceremony,
  online: OnlineKeys,
): Promise<Result<{ root: Uint8Array; first: SignedTargets }, KeyFileCode>> {
  const { offline: folder, demo, passphrase } = ceremony;
  const signers = new Map<OfflineRole, readonly Signer[]>();
  for (const role of OFFLINE_ROLES) {
    if ((await readPublicKeys(folder, role)).length > 0) {
      return failed("KEYS_EXIST", `${folder} holds ${role} keys; keys are never written over`);
    }
    const made = await createKeys({ folder, role, count: KEY_COUNTS[role], demo, passphrase });
    if (!made.ok) return made;
    signers.set(role, made.value);
  }
  const root = await signRoot(ceremony, signers, online);
  const path = directorKeysPath(ceremony.tenant);
  const contents = new Map([[path, directorKeys(ceremony, online.director)]]);
  const listed = new Map([...contents].map(([name, bytes]) => [name, describeFile(bytes)]));
  const targets = await signTargets(ceremony, { version: 1, listed });
  return targets.ok ? succeeded({ root, first: { targets: targets.value, contents } }) : targets;
}

/** Adds driver bundles to the newest targets metadata and signs the next version. */
export async function signBundles(
  ceremony: Ceremony,
  bundles: readonly Uint8Array[],
  securityFloor: string,
): Promise<Result<SignedTargets>> {
  const read = await readNewest(ceremony.offline);
  if (!read.ok) return read;
  const newest = read.value;
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

interface NewestTargets {
  readonly version: number;
  readonly targets: Record<string, ReturnType<typeof describeFile>>;
}

type ListedTargets = Parameters<typeof authorTargets>[0]["targets"];

async function signRoot(
  ceremony: Ceremony,
  signers: ReadonlyMap<OfflineRole, readonly Signer[]>,
  online: OnlineKeys,
): Promise<Uint8Array> {
  const offlineKeys = (role: OfflineRole) => ({
    publicKeys: (signers.get(role) ?? []).map((signer) => signer.publicKey),
    threshold: THRESHOLDS[role],
  });
  const document = authorRoot({
    version: 1,
    expires: instant(ceremony.now + ROOT_LIFETIME_MS),
    roles: {
      root: offlineKeys("root"),
      targets: offlineKeys("targets"),
      snapshot: { publicKeys: [online.snapshot], threshold: 1 },
      timestamp: { publicKeys: [online.timestamp], threshold: 1 },
    },
  });
  const signed = await signMetadata(document, signers.get("root") ?? []);
  await keepNewest(ceremony.offline, "root.json", signed);
  return signed;
}

async function signTargets(
  ceremony: Ceremony,
  next: { readonly version: number; readonly listed: ListedTargets },
): Promise<Result<Uint8Array, KeyFileCode>> {
  const { offline: folder, now, passphrase } = ceremony;
  const signers = await readKeys({ folder, passphrase }, "targets");
  if (!signers.ok) return signers;
  const document = authorTargets({
    version: next.version,
    expires: instant(now + TARGETS_LIFETIME_MS),
    targets: next.listed,
  });
  const signed = await signMetadata(document, signers.value);
  await keepNewest(folder, "targets.json", signed);
  return succeeded(signed);
}

function directorKeys(ceremony: Ceremony, publicKey: Uint8Array): Uint8Array {
  const { tenant, now } = ceremony;
  const document = authorDirectorKeys({
    tenant,
    epoch: 1,
    threshold: 1,
    keys: new Map([[keyIdOf(publicKey), keyObject(publicKey)]]),
    validFrom: instant(now - DAY_MS),
    validUntil: instant(now + DIRECTOR_LIFETIME_MS),
  });
  return utf8(JSON.stringify(document));
}

async function keepNewest(offline: string, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(offline, "metadata"), { recursive: true });
  await writeFile(join(offline, "metadata", name), bytes);
}

async function readNewest(offline: string): Promise<Result<NewestTargets, KeyFileCode>> {
  const path = join(offline, "metadata", "targets.json");
  try {
    return succeeded(JSON.parse(await readFile(path, "utf8")).signed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return failed("KEYS_MISSING", `there is no ${path}: no ceremony was held there`, { offline });
  }
}
