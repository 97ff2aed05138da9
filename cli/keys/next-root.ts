/**
 * `retile keys rotate` and `revoke`: the next root, signed by what the folder holds of the old and of the new keys.
 * Where that is not enough, it is carried to the other holders (`keys sign`) before it is published.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { instant } from "../../protocol/base/brand.ts";
import type { Instant } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { keyIdOf, keyObject } from "../../protocol/crypto/index.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  dateTime,
  isSignedBy,
  readEnvelope,
  ROOT_BYTES_MAX,
  rootSchema,
  signMetadata,
} from "../../protocol/metadata/index.ts";
import type { Root, RootJson, TopLevelRole } from "../../protocol/metadata/index.ts";
import { createKeys, readKeys } from "./key-files.ts";
import type { KeyFolder, OfflineRole } from "./key-files.ts";

const ROOT_LIFETIME_MS = 365 * 24 * 3600 * 1000;

/** What the next root changes. */
export type RootChange =
  /** Fresh keys for a role, as many as it has, in the place of all of them. */
  | { readonly kind: "rotate"; readonly role: OfflineRole }
  /** One key less, under whatever role it is listed. */
  | { readonly kind: "revoke"; readonly keyId: string }
  /** The server's own keys, by their public halves. */
  | {
      readonly kind: "online";
      readonly keys: Readonly<Record<"snapshot" | "timestamp", Uint8Array>>;
    };

export interface NextRoot extends KeyFolder {
  readonly demo: boolean;
  readonly now: Instant;
  readonly change: RootChange;
}

export interface DraftedRoot {
  readonly version: number;
  readonly file: string;
  readonly signatures: number;
  /** Whether the holders of other keys have nothing left to sign. */
  readonly isComplete: boolean;
}

export async function draftNextRoot(request: NextRoot): Promise<Result<DraftedRoot>> {
  const { folder, change, now } = request;
  const path = join(folder, "metadata", "root.json");
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes) return failed("KEYS_MISSING", `there is no ${path}: no ceremony was held there`);
  const old = readEnvelope(new Uint8Array(bytes), rootSchema, ROOT_BYTES_MAX);
  if (!old.ok) return failed(`ROOT_${old.code}`, old.message, old.details);
  const json = (JSON.parse(bytes.toString()) as { signed: RootJson }).signed;
  const before = await readKeys(request, "root");
  if (!before.ok) return before;
  const changed = await changedRoot(json, change, request);
  if (!changed.ok) return changed;
  const version = json.version + 1;
  const expires = dateTime(instant(now + ROOT_LIFETIME_MS));
  const document: RootJson = { ...withoutUnused(changed.value.root), version, expires };
  const signers = uniqueSigners([...before.value, ...changed.value.newRootKeys]);
  const needed = signers.filter(({ keyId }) => {
    return [json, document].some(({ roles }) => roles.root.keyids.includes(keyId));
  });
  const signed = await signMetadata(document, needed);
  const isComplete = isAcceptable(signed, old.value.signed);
  // The old one stays: every root must be had for ever.
  await writeFile(join(folder, "metadata", `${json.version}.root.json`), bytes);
  const file = join(folder, "metadata", isComplete ? "root.json" : `${version}.root.draft.json`);
  await writeFile(file, signed);
  return succeeded({ version, file, signatures: needed.length, isComplete });
}

interface ChangedRoot {
  readonly root: RootJson;
  readonly newRootKeys: readonly Signer[];
}

async function changedRoot(
  root: RootJson,
  change: RootChange,
  request: NextRoot,
): Promise<Result<ChangedRoot>> {
  switch (change.kind) {
    case "rotate": {
      const { role } = change;
      const count = root.roles[role].keyids.length;
      const made = await createKeys({ ...request, role, count });
      if (!made.ok) return made;
      const keys = made.value.map(({ publicKey }) => publicKey);
      const newRootKeys = role === "root" ? made.value : [];
      return succeeded({ root: withKeys(root, role, keys), newRootKeys });
    }
    case "revoke":
      return revoked(root, change.keyId);
    case "online": {
      const { snapshot, timestamp } = change.keys;
      const next = withKeys(withKeys(root, "snapshot", [snapshot]), "timestamp", [timestamp]);
      return succeeded({ root: next, newRootKeys: [] });
    }
    default:
      return change satisfies never;
  }
}

function withKeys(root: RootJson, role: TopLevelRole, keys: readonly Uint8Array[]): RootJson {
  const keyids = keys.map((key): string => keyIdOf(key));
  return {
    ...root,
    keys: {
      ...root.keys,
      ...Object.fromEntries(keys.map((key) => [keyIdOf(key), keyObject(key)])),
    },
    roles: { ...root.roles, [role]: { ...root.roles[role], keyids } },
  };
}

function revoked(root: RootJson, keyId: string): Result<ChangedRoot> {
  const roles = Object.entries(root.roles).filter(([, { keyids }]) => keyids.includes(keyId));
  if (roles.length === 0) return failed("KEY_UNKNOWN", `root lists no key ${keyId}`, { keyId });
  const short = roles.find(([, { keyids, threshold }]) => keyids.length - 1 < threshold);
  if (short) {
    const message = `${short[0]} would have fewer keys than it needs signatures: rotate it instead`;
    return failed("KEY_NEEDED", message, { role: short[0] });
  }
  const without = roles.map(([role, { keyids, threshold }]) => {
    return [role, { threshold, keyids: keyids.filter((known) => known !== keyId) }] as const;
  });
  const next = { ...root, roles: { ...root.roles, ...Object.fromEntries(without) } };
  return succeeded({ root: next, newRootKeys: [] });
}

function withoutUnused(root: RootJson): RootJson {
  const used = new Set(Object.values(root.roles).flatMap(({ keyids }) => keyids));
  const keys = Object.entries(root.keys).filter(([keyId]) => used.has(keyId));
  return { ...root, keys: Object.fromEntries(keys) };
}

function uniqueSigners(signers: readonly Signer[]): Signer[] {
  return [...new Map(signers.map((signer) => [signer.keyId, signer])).values()];
}

/** TUF 5.3.4: by a threshold of the keys before, and by one of its own. */
function isAcceptable(bytes: Uint8Array, before: Root): boolean {
  const read = readEnvelope(bytes, rootSchema, ROOT_BYTES_MAX);
  if (!read.ok) return false;
  const { roles, keys } = read.value.signed;
  return (
    isSignedBy(read.value, before.roles.root, before.keys) &&
    isSignedBy(read.value, roles.root, keys)
  );
}
