/** Reads what offline keys signed, and refuses it before anything online is signed over it. */
import type { Instant } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import {
  delegatedNames,
  delegateNamed,
  delegatesFor,
  isSignedBy,
  readEnvelope,
  TARGETS_BYTES_MAX,
  targetsSchema,
  TrustedSet,
  type Authority,
  type Delegations,
  type MetadataCode,
  type Root,
  type Targets,
} from "../../protocol/metadata/index.ts";
import type { RepositoryState, Submission } from "./state.ts";

export interface OfflineTargets {
  readonly bytes: Uint8Array;
  readonly signed: Targets;
  readonly isNew: boolean;
  /** Whose keys signed it; undefined for a role that nobody delegates to any more. */
  readonly authority: Authority | undefined;
}

export interface OfflineRoles {
  readonly root: Uint8Array;
  readonly trustedRoot: Root;
  readonly newRoots: readonly { readonly version: number; readonly bytes: Uint8Array }[];
  readonly onlineKeysRotated: boolean;
  /** `targets` first, then every delegated role. */
  readonly targets: ReadonlyMap<string, OfflineTargets>;
}

export type OfflineCode = MetadataCode | "DELEGATED_ROLE_MISSING" | "TARGET_PATH_NOT_DELEGATED";

/** The offline part of the next state: what is submitted over what is published. */
export function readOfflineRoles(
  state: RepositoryState,
  submission: Submission,
  now: Instant,
): Result<OfflineRoles, OfflineCode> {
  const started = TrustedSet.start(state.root, now);
  if (!started.ok) return started;
  const trusted = started.value;
  const newRoots: { version: number; bytes: Uint8Array }[] = [];
  let onlineKeysRotated = false;
  for (const bytes of submission.roots ?? []) {
    const updated = trusted.updateRoot(bytes);
    if (!updated.ok) return updated;
    onlineKeysRotated ||= updated.value.onlineKeysRotated;
    newRoots.push({ version: trusted.root.version, bytes });
  }
  const targets = readTargets(state, submission, trusted.root);
  if (!targets.ok) return targets;
  const root = newRoots.at(-1)?.bytes ?? state.root;
  const trustedRoot = trusted.root;
  return succeeded({ root, trustedRoot, newRoots, onlineKeysRotated, targets: targets.value });
}

/** A role on the walk, and what its delegator says of it; the top-level role may list anything. */
interface Visit {
  readonly name: string;
  readonly authority: Authority;
  readonly from?: Delegations;
}

/** Every bin has a file, and every publication reads them all. */
const PUBLISHED_BITS_MAX = 10;

/** Walks the delegations from the top: every role that is reached must be there, signed by its delegator. */
function readTargets(
  state: RepositoryState,
  submission: Submission,
  root: Root,
): Result<ReadonlyMap<string, OfflineTargets>, OfflineCode> {
  const submitted = submission.targets ?? new Map<string, Uint8Array>();
  const files = new Map([...state.targets, ...submitted]);
  const reached = new Map<string, OfflineTargets>();
  if (files.size === 0) return succeeded(reached);
  const top = { role: root.roles.targets, keys: root.keys };
  const toVisit: Visit[] = [{ name: "targets", authority: top }];
  for (let next = toVisit.shift(); next; next = toVisit.shift()) {
    const { name } = next;
    if (reached.has(name)) continue;
    const read = readRole(files.get(name), next);
    if (!read.ok) return read;
    const isNew = submitted.has(name);
    const stray = isNew ? strayTarget(read.value.signed, next) : undefined;
    if (stray) return stray;
    reached.set(name, { ...read.value, isNew, authority: next.authority });
    const { delegations } = read.value.signed;
    if (!delegations) continue;
    if ((delegations.succinct_roles?.bit_length ?? 0) > PUBLISHED_BITS_MAX) {
      const message = `${name} delegates to more than 2^${PUBLISHED_BITS_MAX} bins.`;
      return failed("TARGETS_MALFORMED", message, { role: name });
    }
    for (const delegate of delegatedNames(delegations)) {
      const role = delegateNamed(delegations, delegate);
      const authority = role && { role, keys: delegations.keys };
      if (authority) toVisit.push({ name: delegate, authority, from: delegations });
    }
  }
  const stray = [...submitted.keys()].find((name) => !reached.has(name));
  if (stray === undefined) return withRetired(state, reached);
  const message = `No role delegates to ${stray}.`;
  return failed("TARGETS_NOT_DELEGATED", message, { role: stray });
}

/** What a client would never look for in this role is a mistake of its holders, or worse. */
function strayTarget({ targets }: Targets, { name, from }: Visit) {
  if (!from) return undefined;
  const isOurs = (path: string) => delegatesFor(from, path).some((role) => role.name === name);
  const path = [...targets.keys()].find((listed) => !isOurs(listed));
  if (path === undefined) return undefined;
  const message = `${name} lists ${path}, which is not delegated to it.`;
  return failed("TARGET_PATH_NOT_DELEGATED", message, { role: name, path });
}

function readRole(bytes: Uint8Array | undefined, { name, authority }: Visit) {
  if (!bytes) {
    const message = `The delegated role ${name} has no metadata.`;
    return failed("DELEGATED_ROLE_MISSING", message, { role: name });
  }
  const read = readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX);
  if (!read.ok) return failed(`TARGETS_${read.code}`, read.message, read.details);
  const { role, keys } = authority;
  if (isSignedBy(read.value, role, keys)) return succeeded({ bytes, signed: read.value.signed });
  const message = `The metadata of ${name} is not signed by enough of its keys.`;
  return failed("TARGETS_BAD_SIGNATURES", message, { role: name });
}

/** TUF 5.5.5: what a snapshot once listed it lists for ever, delegated to or not. */
function withRetired(
  state: RepositoryState,
  reached: Map<string, OfflineTargets>,
): Result<ReadonlyMap<string, OfflineTargets>, OfflineCode> {
  for (const [name, bytes] of state.targets) {
    if (reached.has(name)) continue;
    const read = readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX);
    if (!read.ok) return failed(`TARGETS_${read.code}`, read.message, read.details);
    const { signed } = read.value;
    reached.set(name, { bytes, signed, isNew: false, authority: undefined });
  }
  return succeeded(reached);
}
