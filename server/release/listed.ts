/** What the present metadata lists: what a revoked role listed, no device would find any more. */
import {
  delegateNamed,
  delegatedNames,
  delegatesFor,
  parseDriverPath,
  parseHardwarePolicyPath,
  readEnvelope,
  securityFloorOf,
  TARGETS_BYTES_MAX,
  targetOf,
  targetsSchema,
  type Delegations,
  type DescribedTarget,
  type Targets,
} from "../../protocol/metadata/index.ts";

/** By `driverKey`: the security floor that the role which lists the driver states for its family. */
export type ListedDrivers = ReadonlyMap<string, { readonly roleFloor: string | undefined }>;

/** From the newest documents by role; what was published has been verified. */
export function listedDrivers(documents: ReadonlyMap<string, Uint8Array>): ListedDrivers {
  const listed = new Map<string, { readonly roleFloor: string | undefined }>();
  const visited = new Set<string>();
  const toVisit: { readonly name: string; readonly from?: Delegations }[] = [{ name: "targets" }];
  for (let next = toVisit.shift(); next; next = toVisit.shift()) {
    const { name, from } = next;
    const role = visited.has(name) ? undefined : readRole(documents.get(name));
    visited.add(name);
    if (!role) continue;
    for (const path of role.targets.keys()) {
      const isFound = !from || delegatesFor(from, path).some((delegate) => delegate.name === name);
      const driver = isFound ? parseDriverPath(path) : undefined;
      const target = driver && targetOf(role, path);
      if (!driver || !target?.ok) continue;
      listed.set(driverKey(target.value), { roleFloor: securityFloorOf(role, driver.family) });
    }
    const { delegations } = role;
    if (!delegations) continue;
    const delegates = delegatedNames(delegations).filter((one) => delegateNamed(delegations, one));
    toVisit.push(...delegates.map((delegate) => ({ name: delegate, from: delegations })));
  }
  return listed;
}

/** The hardware policies by family, which only the top-level role may list. */
export function listedPolicies(
  documents: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, DescribedTarget> {
  const role = readRole(documents.get("targets"));
  const policies = new Map<string, DescribedTarget>();
  if (!role) return policies;
  for (const path of role.targets.keys()) {
    const family = parseHardwarePolicyPath(path);
    const target = targetOf(role, path);
    if (family !== undefined && target.ok) policies.set(family, target.value);
  }
  return policies;
}

export function driverKey({ path, sha256 }: { readonly path: string; readonly sha256: string }) {
  return `${path} ${sha256}`;
}

function readRole(bytes: Uint8Array | undefined): Targets | undefined {
  const read = bytes && readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX);
  return read?.ok ? read.value.signed : undefined;
}
