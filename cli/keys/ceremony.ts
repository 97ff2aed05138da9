/**
 * `retile keys init`: the keys of root, of targets and of every SoC family's role, and the first metadata that they
 * sign. Runs where the offline folder is; the server sees only what comes out.
 */
import type { TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  authorRoot,
  describeFile,
  directorKeysPath,
  familyRole,
} from "../../protocol/metadata/index.ts";
import type { RootJson, TargetsJson } from "../../protocol/metadata/index.ts";
import type { OnlineKeys } from "../operator/client.ts";
import { authorKeySet } from "./director-keys.ts";
import { createKeys, readPublicKeys } from "./key-files.ts";
import { emptyTargets, withDelegation } from "./listed-keys.ts";
import { keepContents } from "./outgoing.ts";
import { signNext } from "./sign-next.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

/** How many keys a role is given, and how many of them must sign. */
const KEY_COUNTS = { root: 3, targets: 2, delegated: 2 } as const;
const THRESHOLDS = { root: 2, targets: 2, delegated: 2 } as const;

export interface Ceremony extends Signing {
  readonly tenant: TenantId;
  /** SoC families; each gets a role of its own. */
  readonly families: readonly string[];
  /** Hears of every role whose keys are drawn. */
  readonly onKeys?: (role: string) => void;
}

/** Draws the offline keys and signs version 1 of root, of targets and of every family's role. */
export async function holdCeremony(
  ceremony: Ceremony,
  online: OnlineKeys,
): Promise<Result<readonly SignedDocument[]>> {
  const keys = await drawKeys(ceremony);
  if (!keys.ok) return keys;
  const signed: SignedDocument[] = [];
  const documents = await firstDocuments(ceremony, keys.value, online);
  if (!documents.ok) return documents;
  for (const [role, document] of documents.value) {
    const done = await signNext(ceremony, { role, document, versionBefore: 0 });
    if (!done.ok) return done;
    signed.push(done.value);
  }
  return succeeded(signed);
}

type PublicKeys = ReadonlyMap<string, readonly Uint8Array[]>;

async function drawKeys(ceremony: Ceremony): Promise<Result<PublicKeys>> {
  const { folder, demo, passphrase, families, onKeys } = ceremony;
  if ((await readPublicKeys(folder)).length > 0) {
    return failed("KEYS_EXIST", `${folder} holds keys; keys are never written over`);
  }
  const drawn = new Map<string, readonly Uint8Array[]>();
  for (const role of ["root", "targets", ...families.map(familyRole)]) {
    const count = role === "root" || role === "targets" ? KEY_COUNTS[role] : KEY_COUNTS.delegated;
    const made = await createKeys({ folder, role, count, demo, passphrase });
    if (!made.ok) return made;
    drawn.set(
      role,
      made.value.map(({ publicKey }: Signer) => publicKey),
    );
    onKeys?.(role);
  }
  return succeeded(drawn);
}

async function firstDocuments(
  { folder, tenant, families, now }: Ceremony,
  keys: PublicKeys,
  online: OnlineKeys,
) {
  const offline = (role: "root" | "targets") => {
    return { publicKeys: keys.get(role) ?? [], threshold: THRESHOLDS[role] };
  };
  const root = authorRoot({
    version: 1,
    expires: now,
    roles: {
      root: offline("root"),
      targets: offline("targets"),
      snapshot: { publicKeys: [online.snapshot], threshold: 1 },
      timestamp: { publicKeys: [online.timestamp], threshold: 1 },
    },
  });
  const keySet = authorKeySet({ tenant, epoch: 1, publicKey: online.director, now });
  await keepContents(folder, [keySet]);
  let targets: TargetsJson = emptyTargets({ [directorKeysPath(tenant)]: describeFile(keySet) });
  for (const role of families.map(familyRole)) {
    const delegation = { role, publicKeys: keys.get(role) ?? [], threshold: THRESHOLDS.delegated };
    const next = withDelegation({ root, targets }, delegation);
    if (!next.ok) return next;
    ({ targets } = next.value.listed);
  }
  const documents = new Map<string, RootJson | TargetsJson>();
  documents.set("root", root).set("targets", targets);
  for (const family of families) documents.set(familyRole(family), emptyTargets());
  return succeeded(documents);
}
