/** Which drivers the present metadata lists: what a revoked role listed, no device would find any more. */
import {
  delegateNamed,
  delegatedNames,
  delegatesFor,
  parseDriverPath,
  readEnvelope,
  TARGETS_BYTES_MAX,
  targetOf,
  targetsSchema,
  type Delegations,
  type Targets,
} from "../../protocol/metadata/index.ts";

/** `path sha256` of every driver, from the newest documents by role; what was published has been verified. */
export function listedDrivers(documents: ReadonlyMap<string, Uint8Array>): ReadonlySet<string> {
  const listed = new Set<string>();
  const visited = new Set<string>();
  const toVisit: { readonly name: string; readonly from?: Delegations }[] = [{ name: "targets" }];
  for (let next = toVisit.shift(); next; next = toVisit.shift()) {
    const { name, from } = next;
    const role = visited.has(name) ? undefined : readRole(documents.get(name));
    visited.add(name);
    if (!role) continue;
    for (const path of role.targets.keys()) {
      const isFound = !from || delegatesFor(from, path).some((delegate) => delegate.name === name);
      const target = isFound && parseDriverPath(path) ? targetOf(role, path) : undefined;
      if (target?.ok) listed.add(driverKey(target.value));
    }
    const { delegations } = role;
    if (!delegations) continue;
    const delegates = delegatedNames(delegations).filter((one) => delegateNamed(delegations, one));
    toVisit.push(...delegates.map((delegate) => ({ name: delegate, from: delegations })));
  }
  return listed;
}

export function driverKey({ path, sha256 }: { readonly path: string; readonly sha256: string }) {
  return `${path} ${sha256}`;
}

function readRole(bytes: Uint8Array | undefined): Targets | undefined {
  const read = bytes && readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX);
  return read?.ok ? read.value.signed : undefined;
}
