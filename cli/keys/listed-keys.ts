/** Who may sign, as root and targets list it, and what of it changes: pure edits of their JSON. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { keyIdOf, keyObject } from "../../protocol/crypto/index.ts";
import {
  delegatedPaths,
  parseDelegatedRole,
  SPEC_VERSION,
  TOP_LEVEL_ROLES,
} from "../../protocol/metadata/index.ts";
import type {
  DelegatedPurpose,
  DelegationsJson,
  RootJson,
  TargetFileJson,
  TargetsJson,
  TopLevelRole,
} from "../../protocol/metadata/index.ts";

/** The two documents that name keys. */
export interface ListedKeys {
  readonly root: RootJson;
  readonly targets: TargetsJson;
}

export type ListedKeysCode = "ROLE_UNKNOWN" | "ROLE_EXISTS" | "KEY_UNKNOWN" | "KEY_NEEDED";

interface RoleKeysJson {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

/** Undefined where the role is neither top-level nor delegated to. */
export function roleKeysIn({ root, targets }: ListedKeys, role: string): RoleKeysJson | undefined {
  if (isTopLevel(role)) return root.roles[role];
  return targets.delegations?.roles?.find(({ name }) => name === role);
}

/** Other keys in the place of all of a role's. */
export function withRoleKeys(
  listed: ListedKeys,
  role: string,
  publicKeys: readonly Uint8Array[],
): Result<ListedKeys, ListedKeysCode> {
  const keyids = publicKeys.map((key): string => keyIdOf(key));
  const added = Object.fromEntries(publicKeys.map((key) => [keyIdOf(key), keyObject(key)]));
  const before = roleKeysIn(listed, role);
  if (!before) return failed("ROLE_UNKNOWN", `nothing is delegated to ${role}`, { role });
  if (keyids.length < before.threshold) {
    const message = `${role} needs ${before.threshold} keys, and ${keyids.length} are given`;
    return failed("KEY_NEEDED", message, { role });
  }
  const { root, targets } = listed;
  if (isTopLevel(role)) {
    const roles = { ...root.roles, [role]: { ...root.roles[role], keyids } };
    return succeeded({
      root: trimmed({ ...root, keys: { ...root.keys, ...added }, roles }),
      targets,
    });
  }
  const { keys, roles = [] } = delegationsOf(targets);
  const changed = roles.map((one) => (one.name === role ? { ...one, keyids } : one));
  const delegations = { keys: { ...keys, ...added }, roles: changed };
  return succeeded({ root, targets: { ...targets, delegations: trimmedDelegations(delegations) } });
}

/** One key less, under whatever role it is listed. */
export function withoutKey(listed: ListedKeys, keyId: string): Result<ListedKeys, ListedKeysCode> {
  const names = [...TOP_LEVEL_ROLES, ...(listed.targets.delegations?.roles ?? []).map(nameOf)];
  const holders = names.filter((role) => roleKeysIn(listed, role)?.keyids.includes(keyId));
  if (holders.length === 0) {
    const message = `neither root nor targets list a key ${keyId}`;
    return failed("KEY_UNKNOWN", message, { keyId });
  }
  const short = holders.find((role) => {
    const { keyids, threshold } = roleKeysIn(listed, role) ?? { keyids: [], threshold: 0 };
    return keyids.length - 1 < threshold;
  });
  if (short !== undefined) {
    const message = `${short} would have fewer keys than it needs signatures: rotate it instead`;
    return failed("KEY_NEEDED", message, { role: short });
  }
  const without = <Role extends { keyids: string[] }>(role: Role): Role => {
    return { ...role, keyids: role.keyids.filter((known) => known !== keyId) };
  };
  const { root, targets } = listed;
  const { root: top, targets: images, snapshot, timestamp } = root.roles;
  const roles = {
    root: without(top),
    targets: without(images),
    ...{ snapshot: without(snapshot), timestamp: without(timestamp) },
  };
  const { delegations } = targets;
  const delegated = delegations && {
    ...delegations,
    roles: (delegations.roles ?? []).map(without),
  };
  return succeeded({
    root: trimmed({ ...root, roles }),
    targets: delegated ? { ...targets, delegations: trimmedDelegations(delegated) } : targets,
  });
}

export interface NewDelegation {
  readonly role: string;
  readonly publicKeys: readonly Uint8Array[];
  readonly threshold: number;
}

/** A role that may list its paths and nothing else; what of them the top-level role lists becomes its own. */
export function withDelegation(
  { root, targets }: ListedKeys,
  { role, publicKeys, threshold }: NewDelegation,
): Result<{ listed: ListedKeys; moved: Record<string, TargetFileJson> }, ListedKeysCode> {
  const purpose = parseDelegatedRole(role);
  if (!purpose) {
    const message = `${role} is neither drivers-FAMILY nor kernels-VENDOR`;
    return failed("ROLE_UNKNOWN", message, { role });
  }
  const { keys, roles = [] } = delegationsOf(targets);
  if (roles.some(({ name }) => name === role)) {
    const message = `${role} is delegated to already: rotate its keys, or retire it`;
    return failed("ROLE_EXISTS", message, { role });
  }
  if (publicKeys.length < threshold) {
    const message = `${role} needs ${threshold} signatures, and has ${publicKeys.length} keys`;
    return failed("KEY_NEEDED", message, { role });
  }
  const keyids = publicKeys.map((key): string => keyIdOf(key));
  const added = Object.fromEntries(publicKeys.map((key) => [keyIdOf(key), keyObject(key)]));
  const paths = delegatedPaths(purpose);
  const fresh = { name: role, keyids, threshold, terminating: true, paths };
  const delegations = { keys: { ...keys, ...added }, roles: [...roles, fresh] };
  const isMoved = ([path]: [string, unknown]): boolean => isOf(purpose, path);
  const files = Object.entries(targets.targets);
  const kept = Object.fromEntries(files.filter((file) => !isMoved(file)));
  return succeeded({
    listed: { root, targets: { ...targets, targets: kept, delegations } },
    moved: Object.fromEntries(files.filter(isMoved)),
  });
}

/** Nobody may list the role's paths any more: what it listed can no longer be installed. */
export function withoutDelegation(
  { root, targets }: ListedKeys,
  role: string,
): Result<ListedKeys, ListedKeysCode> {
  const { keys, roles = [] } = delegationsOf(targets);
  const kept = roles.filter(({ name }) => name !== role);
  if (kept.length === roles.length) {
    return failed("ROLE_UNKNOWN", `nothing is delegated to ${role}`, { role });
  }
  const delegations = trimmedDelegations({ keys, roles: kept });
  return succeeded({ root, targets: { ...targets, delegations } });
}

/** A role's first document. */
export function emptyTargets(targets: Record<string, TargetFileJson> = {}): TargetsJson {
  // Version and expiry are set where it is signed.
  return { _type: "targets", spec_version: SPEC_VERSION, version: 1, expires: "", targets };
}

export function delegatedRoles({ delegations }: TargetsJson): readonly string[] {
  return (delegations?.roles ?? []).map(nameOf);
}

/** Drivers of the family, kernels of the vendor. */
function isOf(purpose: DelegatedPurpose, path: string): boolean {
  const [folder, of] = path.split("/");
  return purpose.kind === "drivers"
    ? (folder === "drivers" || folder === "provenance") && of === purpose.family
    : folder === "kernels" && of === purpose.vendor;
}

function delegationsOf({ delegations }: TargetsJson): DelegationsJson {
  return delegations ?? { keys: {}, roles: [] };
}

function isTopLevel(role: string): role is TopLevelRole {
  return (TOP_LEVEL_ROLES as readonly string[]).includes(role);
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

function trimmed(root: RootJson): RootJson {
  return { ...root, keys: usedOf(root.keys, Object.values(root.roles)) };
}

function trimmedDelegations({ keys, roles = [] }: DelegationsJson): DelegationsJson {
  return { keys: usedOf(keys, roles), roles };
}

function usedOf<Key>(keys: Record<string, Key>, roles: readonly RoleKeysJson[]) {
  const used = new Set(roles.flatMap(({ keyids }) => keyids));
  return Object.fromEntries(Object.entries(keys).filter(([keyId]) => used.has(keyId)));
}
