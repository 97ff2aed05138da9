/** What a release adds to its families' roles: the bundle under each family's path, and the statement of its origin. */
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import type { Bundle } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import {
  describeDriver,
  describeFile,
  driverPath,
  familyRole,
  parseDelegatedRole,
  parseKernelPath,
  provenancePath,
  signProvenance,
} from "../../protocol/metadata/index.ts";
import type {
  NamedKernel,
  ProvenanceStatement,
  TargetFileJson,
  TargetsJson,
} from "../../protocol/metadata/index.ts";
import { delegatedRoles } from "./listed-keys.ts";
import { newestTargets, readDocument } from "./offline-folder.ts";
import { keepContents } from "./outgoing.ts";
import { countingSigners, delegatedAuthority, signNext } from "./sign-next.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

export interface ReleaseTargets {
  readonly bundle: Uint8Array;
  readonly statement: ProvenanceStatement;
  /** No version below this may run any more. */
  readonly securityFloor: string;
  /** Only for these; absent: for every family of the bundle whose role's keys are in the folder. */
  readonly families?: readonly string[] | undefined;
}

export interface SignedRelease {
  readonly signed: readonly SignedDocument[];
  /** Of the families wanted those that have no role, or whose keys this folder does not hold. */
  readonly left: readonly string[];
  /** New contents, kept in the folder until the server has them. */
  readonly contents: readonly Uint8Array[];
}

export async function signRelease(
  signing: Signing,
  release: ReleaseTargets,
): Promise<Result<SignedRelease>> {
  const read = readBundle(release.bundle);
  if (!read.ok) return read;
  const { socs } = read.value.manifest;
  const stray = release.families?.find((family) => !socs.includes(family));
  if (stray !== undefined) {
    return failed("USAGE", `the bundle is for ${socs.join(", ")}, not for ${stray}`);
  }
  const kernels = await vendorKernels(signing.folder, read.value);
  if (!kernels.ok) return kernels;
  const described = unwrap(describeDriver(release.bundle, release.securityFloor, kernels.value));
  const signed: SignedDocument[] = [];
  const left: string[] = [];
  const contents: Uint8Array[] = [];
  let isDelegated = false;
  for (const family of release.families ?? socs) {
    const name = { family, version: read.value.manifest.version };
    const file = described.get(driverPath(name)) as TargetFileJson;
    const done = await signFamily(signing, release, { name, file });
    if (!done.ok) return done;
    isDelegated ||= done.value.kind !== "left" || done.value.because === "no key";
    if (done.value.kind === "left") left.push(family);
    if (done.value.kind !== "signed") continue;
    signed.push(done.value.document);
    contents.push(done.value.envelope);
  }
  const wanted = release.families ?? socs;
  if (left.length === wanted.length) return nothingToSign(signing.folder, wanted, isDelegated);
  return succeeded({ signed, left, contents: [release.bundle, ...contents] });
}

function nothingToSign(
  folder: string,
  families: readonly string[],
  isDelegated: boolean,
): Result<never, "KEYS_MISSING" | "ROLE_UNKNOWN"> {
  const roles = families.map(familyRole).join(", ");
  return isDelegated
    ? failed("KEYS_MISSING", `${folder} holds no key of ${roles}`)
    : failed(
        "ROLE_UNKNOWN",
        `no role may list these drivers yet: nothing is delegated to ${roles}`,
      );
}

interface FamilyTarget {
  readonly name: { readonly family: string; readonly version: string };
  readonly file: TargetFileJson;
}

type FamilySigned =
  | { readonly kind: "signed"; readonly document: SignedDocument; readonly envelope: Uint8Array }
  /** Listed before, with these bytes. */
  | { readonly kind: "there" }
  /** Somebody else's to sign. */
  | { readonly kind: "left"; readonly because: "undelegated" | "no key" };

async function signFamily(
  signing: Signing,
  { bundle, statement }: ReleaseTargets,
  { name, file }: FamilyTarget,
): Promise<Result<FamilySigned>> {
  const { folder } = signing;
  const role = familyRole(name.family);
  const top = await readDocument(folder, "targets");
  const authorities = top ? delegatedAuthority(top, role) : [];
  if (authorities.length === 0) return succeeded({ kind: "left", because: "undelegated" });
  const signers = await countingSigners(signing, role, authorities);
  if (!signers.ok) return signers;
  if (signers.value.length === 0) return succeeded({ kind: "left", because: "no key" });
  const newest = await newestTargets(folder, role);
  if (!newest.ok) return newest;
  const path = driverPath(name);
  const standing = standingOf(newest.value, path, file);
  if (standing === "same") return succeeded({ kind: "there" });
  if (standing === "other") {
    const message = `${path} is listed with other bytes; give yours another version`;
    return failed("RELEASE_EXISTS", message, { path });
  }
  const envelope = await signProvenance(statement, signers.value);
  await keepContents(folder, [bundle, envelope]);
  const added = { [path]: file, [provenancePath(name)]: describeFile(envelope) };
  const document = { ...newest.value, targets: { ...newest.value.targets, ...added } };
  const next = { role, document, versionBefore: document.version, signers: signers.value };
  const done = await signNext(signing, next);
  return done.ok ? succeeded({ kind: "signed", document: done.value, envelope }) : done;
}

/** A driver of before there were statements is listed anew, with one. */
function standingOf(
  { targets }: TargetsJson,
  path: string,
  file: TargetFileJson,
): "same" | "other" | "new" {
  const listed = targets[path];
  if (!listed) return "new";
  if (listed.hashes["sha256"] !== file.hashes["sha256"]) return "other";
  return listed.custom?.["provenance"] === file.custom?.["provenance"] ? "same" : "new";
}

/** Those files of the bundle that some vendor's role lists: their vendors must stand by them on every device. */
async function vendorKernels(folder: string, { files }: Bundle): Promise<Result<NamedKernel[]>> {
  const targets = await newestTargets(folder);
  if (!targets.ok) return targets;
  const packed = new Map(
    [...files.values()].map((bytes) => [sha256Hex(bytes) as string, sha256Hex(bytes)]),
  );
  const named: NamedKernel[] = [];
  for (const role of delegatedRoles(targets.value)) {
    if (parseDelegatedRole(role)?.kind !== "kernels") continue;
    const vendor = await newestTargets(folder, role);
    if (!vendor.ok) return vendor;
    for (const [path, { hashes }] of Object.entries(vendor.value.targets)) {
      const sha256 = packed.get(hashes["sha256"] ?? "");
      if (sha256 && parseKernelPath(path)) named.push({ path, sha256 });
    }
  }
  return succeeded(named);
}
