/** Finds a target among the roles that may speak about it (TUF 5.6.7), and downloads it (TUF 5.7). */
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import {
  DELEGATED_ROLES_MAX,
  hashesMatch,
  isDelegatedPath,
  targetFilePath,
  targetOf,
  TOP_LEVEL_TARGETS,
  type Delegation,
  type DescribedTarget,
  type DescribedTargetCode,
  type Targets,
  type TrustedSet,
} from "../../protocol/metadata/index.ts";
import type { FetchCode } from "./ports.ts";
import { updateTargets, type RefreshCode, type RefreshPorts } from "./refresh.ts";

export interface ResolvedTarget {
  readonly target: DescribedTarget;
  /** The role that vouches for it: its security floors hold for it. */
  readonly role: Targets;
}

export type ResolveCode = RefreshCode | DescribedTargetCode;

/** TUF 5.6.7: pre-order, in order of trust, every role at most once. */
export async function resolveTarget(
  trusted: TrustedSet,
  ports: RefreshPorts,
  path: string,
): Promise<Result<ResolvedTarget, ResolveCode>> {
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
    if (role.value.targets.has(path)) return withRole(role.value, path);
    // TUF 5.6.7.2
    const { children, isTerminating } = delegatesFor(role.value, delegation.role, path);
    if (isTerminating) toVisit.length = 0;
    toVisit.push(...children.reverse());
  }
  return failed("TARGET_NOT_FOUND", `No role vouches for a target ${path}.`, { path });
}

/** A target that only the top-level role may describe, whatever it delegates. */
export function resolveTopLevelTarget(
  trusted: TrustedSet,
  path: string,
): Result<ResolvedTarget, DescribedTargetCode> {
  const role = trusted.targets;
  if (role) return withRole(role, path);
  return failed("TARGET_NOT_FOUND", `There is no target ${path}.`, { path });
}

export type DownloadCode = FetchCode | "TARGET_LENGTH_MISMATCH" | "TARGET_HASH_MISMATCH";

/** TUF 5.7.3, for targets small enough to be held in memory. */
export async function downloadTarget(
  ports: Pick<RefreshPorts, "fetch">,
  target: DescribedTarget,
): Promise<Result<Uint8Array, DownloadCode>> {
  const { path } = target;
  const fetched = await ports.fetch(targetFilePath(target), target.length);
  if (!fetched.ok) return fetched;
  const bytes = fetched.value;
  if (bytes.length !== target.length) {
    const details = { path, bytes: bytes.length, bytesListed: target.length };
    return failed("TARGET_LENGTH_MISMATCH", `The target ${path} has another length.`, details);
  }
  if (hashesMatch(bytes, new Map([["sha256", target.sha256]]))) return succeeded(bytes);
  return failed("TARGET_HASH_MISMATCH", `The target ${path} is not what was signed.`, { path });
}

function withRole(role: Targets, path: string): Result<ResolvedTarget, DescribedTargetCode> {
  const target = targetOf(role, path);
  return target.ok ? succeeded({ target: target.value, role }) : target;
}

/** The delegates that may speak about a path, up to and with the first terminating one (TUF 5.6.7.2.1). */
function delegatesFor(role: Targets, delegator: string, path: string) {
  const matching = (role.delegations?.roles ?? []).filter((child) => isDelegatedPath(child, path));
  const end = matching.findIndex((child) => child.terminating);
  const heard = end < 0 ? matching : matching.slice(0, end + 1);
  const children: Delegation[] = heard.map(({ name }) => ({ role: name, delegator }));
  return { children, isTerminating: end >= 0 };
}
