/**
 * `retile keys rotate`, `revoke`, `delegate` and `retire`: who may sign from now on. The change goes into the next
 * root (for root, targets and the server's keys) or the next targets (for delegated roles); what it leaves without
 * enough valid signatures is signed anew, as far as this folder holds the keys.
 */
import { equalBytes } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { TargetFileJson, TargetsJson } from "../../protocol/metadata/index.ts";
import { createKeys } from "./key-files.ts";
import {
  delegatedRoles,
  emptyTargets,
  roleKeysIn,
  withDelegation,
  withoutDelegation,
  withoutKey,
  withRoleKeys,
} from "./listed-keys.ts";
import type { ListedKeys } from "./listed-keys.ts";
import {
  newestRoot,
  newestTargets,
  readDocument,
  readDrafts,
  versionOf,
} from "./offline-folder.ts";
import { authoritiesOver, isAccepted, signNext } from "./sign-next.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

export type KeyChange =
  /** Other keys for a role in the place of all of them: those given, or as many fresh ones as it has. */
  | { readonly kind: "rotate"; readonly role: string; readonly publicKeys?: PublicKeys }
  /** One key less, under whatever role it is listed. */
  | { readonly kind: "revoke"; readonly keyId: string }
  /** The server's own keys, by their public halves. */
  | {
      readonly kind: "online";
      readonly keys: Readonly<Record<"snapshot" | "timestamp", Uint8Array>>;
    }
  /** New delegated roles, each with the keys given or with fresh ones. */
  | {
      readonly kind: "delegate";
      readonly roles: readonly string[];
      readonly count: number;
      readonly threshold: number;
      readonly publicKeys?: PublicKeys;
    }
  | { readonly kind: "retire"; readonly role: string };

type PublicKeys = readonly Uint8Array[] | undefined;

interface Changed {
  readonly listed: ListedKeys;
  /** First documents of new roles. */
  readonly first: ReadonlyMap<string, Record<string, TargetFileJson>>;
}

export async function changeKeys(
  signing: Signing,
  change: KeyChange,
): Promise<Result<readonly SignedDocument[]>> {
  const { folder } = signing;
  const [root, targets] = [await newestRoot(folder), await newestTargets(folder)];
  if (!root.ok) return root;
  if (!targets.ok) return targets;
  const before = { root: root.value, targets: targets.value };
  const changed = await applyChange(before, change, signing);
  if (!changed.ok) return changed;
  const { listed, first } = changed.value;
  const signed: SignedDocument[] = [];
  for (const role of ["root", "targets"] as const) {
    if (isSame(before[role], listed[role])) continue;
    const next = { role, document: listed[role], versionBefore: before[role].version };
    const done = await signNext(signing, next);
    if (!done.ok) return done;
    signed.push(done.value);
  }
  const begun = await beginRoles(signing, first);
  if (!begun.ok) return begun;
  const settled = await settleRoles(signing);
  return settled.ok ? succeeded([...signed, ...begun.value, ...settled.value]) : settled;
}

async function applyChange(
  listed: ListedKeys,
  change: KeyChange,
  signing: Signing,
): Promise<Result<Changed>> {
  switch (change.kind) {
    case "rotate": {
      const { role } = change;
      const count = roleKeysIn(listed, role)?.keyids.length;
      if (count === undefined) {
        return failed("ROLE_UNKNOWN", `nothing is delegated to ${role}`, { role });
      }
      const keys = await keysFor(signing, { role, count, given: change.publicKeys });
      return keys.ok ? unmoved(withRoleKeys(listed, role, keys.value)) : keys;
    }
    case "revoke":
      return unmoved(withoutKey(listed, change.keyId));
    case "online": {
      const { snapshot, timestamp } = change.keys;
      const next = withRoleKeys(listed, "snapshot", [snapshot]);
      return next.ok ? unmoved(withRoleKeys(next.value, "timestamp", [timestamp])) : next;
    }
    case "delegate":
      return delegate(listed, change, signing);
    case "retire":
      return unmoved(withoutDelegation(listed, change.role));
    default:
      return change satisfies never;
  }
}

function unmoved(listed: Result<ListedKeys>): Result<Changed> {
  return listed.ok ? succeeded({ listed: listed.value, first: new Map() }) : listed;
}

async function delegate(
  before: ListedKeys,
  { roles, count, threshold, publicKeys }: Extract<KeyChange, { kind: "delegate" }>,
  signing: Signing,
): Promise<Result<Changed>> {
  const first = new Map<string, Record<string, TargetFileJson>>();
  let listed = before;
  for (const role of roles) {
    // What will be refused is refused before keys are drawn for it.
    const fits = withDelegation(listed, { role, publicKeys: [], threshold: 0 });
    if (!fits.ok) return fits;
    const keys = await keysFor(signing, { role, count, given: publicKeys });
    if (!keys.ok) return keys;
    const next = withDelegation(listed, { role, publicKeys: keys.value, threshold });
    if (!next.ok) return next;
    ({ listed } = next.value);
    first.set(role, next.value.moved);
  }
  return succeeded({ listed, first });
}

interface WantedKeys {
  readonly role: string;
  readonly count: number;
  readonly given: PublicKeys;
}

async function keysFor(
  { folder, demo, passphrase }: Signing,
  { role, count, given }: WantedKeys,
): Promise<Result<readonly Uint8Array[]>> {
  if (given) return succeeded(given);
  const made = await createKeys({ folder, role, count, demo, passphrase });
  return made.ok ? succeeded(made.value.map(({ publicKey }) => publicKey)) : made;
}

/** A role that was retired and comes back goes on where it stopped: versions never fall. */
async function beginRoles(
  signing: Signing,
  first: Changed["first"],
): Promise<Result<readonly SignedDocument[]>> {
  const signed: SignedDocument[] = [];
  for (const [role, moved] of first) {
    const kept = await readDocument(signing.folder, role);
    const versionBefore = kept ? versionOf(kept) : 0;
    const done = await signNext(signing, { role, document: emptyTargets(moved), versionBefore });
    if (!done.ok) return done;
    signed.push(done.value);
  }
  return succeeded(signed);
}

/** The same once more, for as long as a new one holds. */
export async function renewRoles(
  signing: Signing,
  roles: readonly string[],
): Promise<Result<readonly SignedDocument[]>> {
  const signed: SignedDocument[] = [];
  for (const role of roles) {
    const newest =
      role === "root"
        ? await newestRoot(signing.folder)
        : await newestTargets(signing.folder, role);
    if (!newest.ok) return newest;
    const next = { role, document: newest.value, versionBefore: newest.value.version };
    const done = await signNext(signing, next);
    if (!done.ok) return done;
    signed.push(done.value);
  }
  return succeeded(signed);
}

/** Signs the next version of every document that its present keys would not let pass. */
export async function settleRoles(signing: Signing): Promise<Result<readonly SignedDocument[]>> {
  const { folder } = signing;
  const signed: SignedDocument[] = [];
  for (const role of await settledRoles(folder)) {
    const bytes = await readDocument(folder, role);
    const authorities = bytes ? await authoritiesOver(folder, role, bytes) : [];
    if (!bytes || authorities.length === 0 || isAccepted(bytes, authorities)) continue;
    const document = await newestTargets(folder, role);
    if (!document.ok) return document;
    const next = { role, document: document.value, versionBefore: document.value.version };
    const done = await signNext(signing, next);
    if (!done.ok) return done;
    signed.push(done.value);
  }
  return succeeded(signed);
}

/** Top down, without those whose next version is a draft already. */
async function settledRoles(folder: string): Promise<string[]> {
  const drafts = new Map((await readDrafts(folder)).map((draft) => [draft.role, draft.bytes]));
  const targets = drafts.get("targets") ?? (await readDocument(folder, "targets"));
  const json =
    targets && (JSON.parse(new TextDecoder().decode(targets)) as { signed: TargetsJson });
  const roles = json ? delegatedRoles(json.signed) : [];
  return ["targets", ...roles].filter((role) => !drafts.has(role));
}

function isSame(before: unknown, after: unknown): boolean {
  return equalBytes(canonicalJson(before), canonicalJson(after));
}
