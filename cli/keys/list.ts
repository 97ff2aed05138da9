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
} from "../../protocol/metadata/index.ts";
import type { Root, Targets, TopLevelRole } from "../../protocol/metadata/index.ts";
import type { OperatorClient } from "../operator/client.ts";
import { readPublicKeys } from "./key-files.ts";

export interface KeyRow {
  /** Top-level, delegated, or `director`. */
  readonly role: string;
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
  const targets = await newest(client, "targets", versions.value);
  if (!targets.ok) return targets;
  const { delegations } = targets.value as Targets;
  const roles = [
    ...Object.entries((root.value as Root).roles),
    ...(delegations?.roles ?? []).map((role) => [role.name, role] as const),
  ];
  const rows: KeyRow[] = [];
  for (const [role, { keyids, threshold }] of roles) {
    const signed = await newest(client, role, versions.value);
    if (!signed.ok) return signed;
    const { version, expires } = signed.value;
    const needs = `${threshold} of ${keyids.length}`;
    for (const key of keyids) {
      rows.push({ role, key, needs, version, expires: dateTime(expires), held: isHeld(key) });
    }
  }
  const director = await directorRows(client, targets.value as Targets, tenant);
  return director.ok ? succeeded([...rows, ...director.value]) : director;
}

type Signed = z.output<(typeof SCHEMAS)[TopLevelRole]>;

function schemaOf(role: string) {
  return role in SCHEMAS ? SCHEMAS[role as TopLevelRole] : targetsSchema;
}

async function newest(
  client: OperatorClient,
  role: string,
  versions: ReadonlyMap<string, number>,
): Promise<Result<Signed>> {
  const version = versions.get(role);
  if (version === undefined) {
    return failed("NO_ROOT_YET", `the server has published no ${role} metadata yet`, { role });
  }
  const file = await client.metadata(role, version);
  if (!file.ok) return file;
  const parsed = z.object({ signed: schemaOf(role) }).safeParse(file.value);
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
  return new Set((await readPublicKeys(offline)).map((key): string => keyIdOf(key)));
}
