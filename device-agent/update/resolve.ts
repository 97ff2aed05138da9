/** Finds a target among the roles that may speak about it (TUF 5.6.7), and downloads it (TUF 5.7). */
import { failed, succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import {
  DELEGATED_ROLES_MAX,
  delegatesFor,
  hashesMatch,
  targetFilePath,
  targetOf,
  TOP_LEVEL_TARGETS,
  type Authority,
  type Delegation,
  type DescribedTarget,
  type DescribedTargetCode,
  type MetadataCode,
  type TargetFile,
  type Targets,
  type TrustedSet,
} from "../../protocol/metadata/index.ts";
import type { FetchCode } from "./ports.ts";
import { updateTargets, type RefreshCode, type RefreshPorts } from "./refresh.ts";

export interface ResolvedTarget {
  readonly target: DescribedTarget;
  /** The role that vouches for it: its security floors hold for it. */
  readonly role: Targets;
  /** Whose keys speak for that role. */
  readonly authority: Authority;
}

/** A role that knows a path, and by whose word it may speak of it. */
export interface FoundRole {
  readonly role: Targets;
  readonly delegation: Delegation;
}

export type FindCode = RefreshCode | "TARGET_NOT_FOUND";
export type ResolveCode = RefreshCode | DescribedTargetCode;

/** TUF 5.6.7: pre-order, in order of trust, every role at most once. The first role that knows the path. */
export async function findTarget(
  trusted: TrustedSet,
  ports: RefreshPorts,
  path: string,
): Promise<Result<FoundRole, FindCode>> {
  const toVisit: Delegation[] = [TOP_LEVEL_TARGETS];
  const visited = new Set<string>();
  while (visited.size < DELEGATED_ROLES_MAX) {
    const delegation = toVisit.pop();
    if (!delegation) break;
    // TUF 5.6.7.1
    if (visited.has(delegation.role)) continue;
    visited.add(delegation.role);
    const role = await updateTargets(trusted, ports, delegation);
    if (!role.ok) return role;
    if (role.value.targets.has(path)) return succeeded({ role: role.value, delegation });
    // TUF 5.6.7.2
    const delegates = role.value.delegations ? delegatesFor(role.value.delegations, path) : [];
    // TUF 5.6.7.2.1
    if (delegates.at(-1)?.terminating) toVisit.length = 0;
    const delegator = delegation.role;
    toVisit.push(...delegates.map(({ name }) => ({ role: name, delegator })).reverse());
  }
  // TUF 5.7.2
  return failed("TARGET_NOT_FOUND", `No role vouches for a target ${path}.`, { path });
}

/** A target of ours: described with a SHA-256. */
export async function resolveTarget(
  trusted: TrustedSet,
  ports: RefreshPorts,
  path: string,
): Promise<Result<ResolvedTarget, ResolveCode>> {
  const found = await findTarget(trusted, ports, path);
  return found.ok ? withRole(trusted, found.value, path) : found;
}

/** A target that only the top-level role may describe, whatever it delegates. */
export function resolveTopLevelTarget(
  trusted: TrustedSet,
  path: string,
): Result<ResolvedTarget, DescribedTargetCode | MetadataCode> {
  const role = trusted.targets;
  if (role) return withRole(trusted, { role, delegation: TOP_LEVEL_TARGETS }, path);
  return failed("TARGET_NOT_FOUND", `There is no target ${path}.`, { path });
}

export type DownloadCode = FetchCode | "TARGET_LENGTH_MISMATCH" | "TARGET_HASH_MISMATCH";

/** TUF 5.7.3, for targets small enough to be held in memory. */
export async function downloadTarget(
  ports: Pick<RefreshPorts, "fetch">,
  target: DescribedTarget,
): Promise<Result<Uint8Array, DownloadCode>> {
  const fetched = await ports.fetch(targetFilePath(target), target.length);
  if (!fetched.ok) return fetched;
  const hashes = new Map([["sha256", target.sha256 as string]]);
  const mismatch = checkTarget(fetched.value, { length: target.length, hashes });
  return mismatch ?? fetched;
}

/** TUF 5.7.3: undefined when the bytes are those that the role describes. */
export function checkTarget(
  bytes: Uint8Array,
  { length, hashes }: Pick<TargetFile, "length" | "hashes">,
): Failure<DownloadCode> | undefined {
  if (bytes.length !== length) {
    const details = { bytes: bytes.length, bytesListed: length };
    return failed("TARGET_LENGTH_MISMATCH", "The target has another length than signed.", details);
  }
  if (hashesMatch(bytes, hashes)) return undefined;
  return failed("TARGET_HASH_MISMATCH", "The target is not what was signed.");
}

function withRole(
  trusted: TrustedSet,
  { role, delegation }: FoundRole,
  path: string,
): Result<ResolvedTarget, DescribedTargetCode | MetadataCode> {
  const target = targetOf(role, path);
  if (!target.ok) return target;
  const authority = trusted.authorityOver(delegation);
  return authority.ok
    ? succeeded({ target: target.value, role, authority: authority.value })
    : authority;
}
