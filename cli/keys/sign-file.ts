/**
 * `retile keys sign`: one holder's part of m-of-n. The file travels on a stick from holder to holder; each adds
 * the signatures of the keys in their own folder, and sees whose are still missing.
 */
import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import {
  addSignature,
  isSignedBy,
  readEnvelope,
  ROOT_BYTES_MAX,
  rootSchema,
  TARGETS_BYTES_MAX,
} from "../../protocol/metadata/index.ts";
import type { Root } from "../../protocol/metadata/index.ts";
import { readKeys } from "./key-files.ts";
import type { KeyFolder, OfflineRole } from "./key-files.ts";

export interface FileToSign extends KeyFolder {
  readonly file: string;
  /** The root that says whose signatures count: the present one for targets, the one before for a root. */
  readonly root: string;
}

export interface SignedFile {
  readonly role: OfflineRole;
  readonly version: number;
  readonly signatures: number;
  /** Whether the root, and for a new root it itself as well, would accept it now. */
  readonly isComplete: boolean;
}

const signedSchema = z.looseObject({ _type: z.enum(["root", "targets"]), version: z.int().min(1) });

export async function signFile(request: FileToSign): Promise<Result<SignedFile>> {
  const { file, root: rootFile } = request;
  const [bytes, rootBytes] = [await readIfThere(file), await readIfThere(rootFile)];
  if (!bytes || !rootBytes) {
    const path = bytes ? rootFile : file;
    return failed("INPUT_NOT_FOUND", `there is no file ${path}`, { path });
  }
  const root = readEnvelope(rootBytes, rootSchema, ROOT_BYTES_MAX);
  if (!root.ok) return failed(`ROOT_${root.code}`, root.message, root.details);
  const read = readEnvelope(bytes, signedSchema, TARGETS_BYTES_MAX);
  if (!read.ok) return failed("NOT_SIGNABLE", `${file} is neither root nor targets metadata`);
  const { _type: role, version } = read.value.signed;
  const signers = await readKeys(request, role);
  if (!signers.ok) return signers;
  let signed: Uint8Array = bytes;
  for (const signer of signers.value) {
    const added = await addSignature(signed, signer);
    if (!added.ok) return failed("NOT_SIGNABLE", added.message);
    signed = added.value;
  }
  await writeFile(file, signed);
  const whole = readEnvelope(signed, signedSchema, TARGETS_BYTES_MAX);
  if (!whole.ok) return failed("NOT_SIGNABLE", whole.message);
  const isComplete = wouldAccept(signed, role, root.value.signed);
  return succeeded({ role, version, signatures: whole.value.signatures.length, isComplete });
}

function wouldAccept(bytes: Uint8Array, role: OfflineRole, root: Root): boolean {
  const read = readEnvelope(bytes, z.unknown(), TARGETS_BYTES_MAX);
  if (!read.ok || !isSignedBy(read.value, root.roles[role], root.keys)) return false;
  if (role === "targets") return true;
  const itself = readEnvelope(bytes, rootSchema, ROOT_BYTES_MAX);
  if (!itself.ok) return false;
  const { roles, keys } = itself.value.signed;
  return isSignedBy(itself.value, roles.root, keys);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
