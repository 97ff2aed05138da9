/**
 * `retile keys sign`: one holder's part of m-of-n. The file travels on a stick from holder to holder; each adds
 * the signatures of the keys in their own folder. Where enough have signed, the folder takes it as its newest, and
 * what rests on it is signed anew.
 */
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { addSignature, readEnvelope, TARGETS_BYTES_MAX } from "../../protocol/metadata/index.ts";
import type { Authority } from "../../protocol/metadata/index.ts";
import { settleRoles } from "./change-keys.ts";
import { adopt, readDocument, readIfThere, roleOfFile, versionOf } from "./offline-folder.ts";
import {
  authoritiesOver,
  countingSigners,
  delegatedAuthority,
  isAccepted,
  rootAuthority,
  standingOf,
} from "./sign-next.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

export interface FileToSign extends Signing {
  readonly file: string;
  /** Where the file's name does not tell. */
  readonly role?: string | undefined;
  /** The root (for root and targets) or targets metadata (for a delegated role) whose word counts; default: the folder's own. */
  readonly authority?: string | undefined;
}

const signable = z.looseObject({ _type: z.enum(["root", "targets"]), version: z.int().min(1) });

/** The file's row first, then those of what had to be signed anew. */
export async function signFile(request: FileToSign): Promise<Result<readonly SignedDocument[]>> {
  const { folder, file } = request;
  const bytes = await readIfThere(file);
  if (!bytes) return failed("INPUT_NOT_FOUND", `there is no file ${file}`, { path: file });
  const read = readEnvelope(bytes, signable, TARGETS_BYTES_MAX);
  if (!read.ok) return failed("NOT_SIGNABLE", `${file} is neither root nor targets metadata`);
  const { _type: type, version } = read.value.signed;
  const role = request.role ?? roleOfFile(basename(file)) ?? type;
  if ((role === "root") !== (type === "root")) {
    return failed("NOT_SIGNABLE", `${file} is ${type} metadata, not that of ${role}: name --role`);
  }
  const authorities = await authoritiesFor(request, role, bytes);
  if (!authorities.ok) return authorities;
  const signed = await addSignatures(request, bytes, { role, authorities: authorities.value });
  if (!signed.ok) return signed;
  await writeFile(file, signed.value);
  const kept = await readDocument(folder, role);
  if (kept && versionOf(kept) > version) {
    const message = `${folder} has version ${versionOf(kept)} of ${role}, newer than the file's ${version}`;
    return failed("METADATA_SUPERSEDED", message, { role });
  }
  const document = { role, version, bytes: signed.value };
  const standing = standingOf(document, authorities.value);
  if (!standing.isComplete) return succeeded([{ ...standing, file }]);
  const own = { ...standing, file: await adopt(folder, document) };
  const settled = await settleRoles(request);
  return settled.ok ? succeeded([own, ...settled.value]) : settled;
}

async function authoritiesFor(
  { folder, authority }: FileToSign,
  role: string,
  bytes: Uint8Array,
): Promise<Result<readonly Authority[]>> {
  if (authority === undefined) {
    const found = await authoritiesOver(folder, role, bytes);
    if (found.length > 0) return succeeded(found);
    const message = `${folder} does not say whose signatures count for ${role}`;
    return failed("AUTHORITY_MISSING", message, { role });
  }
  const named = await readIfThere(authority);
  if (!named)
    return failed("INPUT_NOT_FOUND", `there is no file ${authority}`, { path: authority });
  const found =
    role === "root" || role === "targets"
      ? [...rootAuthority(named, role), ...(role === "root" ? rootAuthority(bytes, role) : [])]
      : delegatedAuthority(named, role);
  if (found.length > 0) return succeeded(found);
  return failed(
    "AUTHORITY_MISSING",
    `${authority} does not say whose signatures count for ${role}`,
  );
}

interface ToAdd {
  readonly role: string;
  readonly authorities: readonly Authority[];
}

async function addSignatures(
  request: FileToSign,
  bytes: Uint8Array,
  { role, authorities }: ToAdd,
): Promise<Result<Uint8Array>> {
  const signers = await countingSigners(request, role, authorities);
  if (!signers.ok) return signers;
  // A file that comes back complete needs none of ours.
  if (signers.value.length === 0 && !isAccepted(bytes, authorities)) {
    const message = `${request.folder} holds no key whose signature counts for ${role}`;
    return failed("KEYS_MISSING", message, { role });
  }
  let signed = bytes;
  for (const signer of signers.value) {
    const added = await addSignature(signed, signer);
    if (!added.ok) return failed("NOT_SIGNABLE", added.message);
    signed = added.value;
  }
  return succeeded(signed);
}
