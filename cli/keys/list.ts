/** `retile keys list`: who may sign what, until when, from the metadata that the server publishes. */
import { z } from "zod";
import type { TenantId } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { keyIdOf } from "../../protocol/crypto/index.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import {
  dateTime,
  directorKeysPath,
  readDirectorKeys,
  rootSchema,
  snapshotSchema,
  targetFilePath,
  targetOf,
  targetsSchema,
  timestampSchema,
  TOP_LEVEL_ROLES,
} from "../../protocol/metadata/index.ts";
import type { Root, Targets, TopLevelRole } from "../../protocol/metadata/index.ts";
import type { OperatorClient } from "../operator/client.ts";
import { OFFLINE_ROLES, readPublicKeys } from "./key-files.ts";

export interface KeyRow {
  readonly role: TopLevelRole | "director";
  readonly key: string;
  /** Signatures needed, of how many keys. */
  readonly needs: string;
  /** Of the newest metadata that the role signed; null where it signs none. */
  readonly version: number | null;
  readonly expires: string | null;
  /** Whether the offline folder that was named holds the private half. */
  readonly held: boolean | null;
}

export interface KeyListing {
  readonly tenant: TenantId;
  /** A folder of offline keys to compare with. */
  readonly offline?: string;
}

const SCHEMAS = {
  root: rootSchema,
  targets: targetsSchema,
  snapshot: snapshotSchema,
  timestamp: timestampSchema,
} as const satisfies Record<TopLevelRole, z.ZodType>;

export async function listKeys(
  client: OperatorClient,
  { tenant, offline }: KeyListing,
): Promise<Result<readonly KeyRow[]>> {
  const versions = await client.metadataVersions();
  if (!versions.ok) return versions;
  const root = await newest(client, "root", versions.value);
  if (!root.ok) return root;
  const held = offline === undefined ? undefined : await heldKeys(offline);
  const isHeld = (key: string): boolean | null => held?.has(key) ?? null;
  const rows: KeyRow[] = [];
  let targets: Targets | undefined;
  for (const role of TOP_LEVEL_ROLES) {
    const signed = await newest(client, role, versions.value);
    if (!signed.ok) return signed;
    if (signed.value._type === "targets") targets = signed.value;
    const { version, expires } = signed.value;
    const { keyids, threshold } = (root.value as Root).roles[role];
    const needs = `${threshold} of ${keyids.length}`;
    for (const key of keyids) {
      rows.push({ role, key, needs, version, expires: dateTime(expires), held: isHeld(key) });
    }
  }
  const director = targets ? await directorRows(client, targets, tenant) : succeeded([]);
  return director.ok ? succeeded([...rows, ...director.value]) : director;
}

type Signed = z.output<(typeof SCHEMAS)[TopLevelRole]>;

async function newest(
  client: OperatorClient,
  role: TopLevelRole,
  versions: ReadonlyMap<string, number>,
): Promise<Result<Signed>> {
  const version = versions.get(role);
  if (version === undefined) {
    return failed("NO_ROOT_YET", `the server has published no ${role} metadata yet`, { role });
  }
  const file = await client.metadata(role, version);
  if (!file.ok) return file;
  const parsed = z.object({ signed: SCHEMAS[role] }).safeParse(file.value);
  if (parsed.success) return succeeded(parsed.data.signed);
  return failed("SERVER_BAD_REPLY", `what the server publishes as ${role} is none`, { role });
}

async function directorRows(
  client: OperatorClient,
  targets: Targets,
  tenant: TenantId,
): Promise<Result<KeyRow[]>> {
  const target = targetOf(targets, directorKeysPath(tenant));
  if (!target.ok) return succeeded([]);
  const file = await client.jsonTarget(targetFilePath(target.value));
  if (!file.ok) return file;
  const read = readDirectorKeys(utf8(JSON.stringify(file.value)), tenant);
  if (!read.ok) return read;
  const { keys, threshold, epoch, validUntil } = read.value;
  const needs = `${threshold} of ${keys.size}`;
  const common = { role: "director", needs, version: epoch, held: null } as const;
  return succeeded(
    [...keys.keys()].map((key) => ({ ...common, key, expires: dateTime(validUntil) })),
  );
}

async function heldKeys(offline: string): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const role of OFFLINE_ROLES) {
    for (const key of await readPublicKeys(offline, role)) held.add(keyIdOf(key));
  }
  return held;
}
