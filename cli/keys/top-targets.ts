/** Small documents that only the top-level targets role may list: the director's keys, the hardware policies. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { describeFile } from "../../protocol/metadata/index.ts";
import { newestTargets } from "./offline-folder.ts";
import { contentsFolder, keepContents } from "./outgoing.ts";
import { signNext } from "./sign-next.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

/** What is listed under that path now; undefined where nothing is. */
export async function readListed(
  folder: string,
  path: string,
): Promise<Result<Uint8Array | undefined>> {
  const targets = await newestTargets(folder);
  if (!targets.ok) return targets;
  const sha256 = targets.value.targets[path]?.hashes["sha256"];
  if (sha256 === undefined) return succeeded(undefined);
  const file = join(contentsFolder(folder), sha256);
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes && sha256Hex(bytes) === sha256) return succeeded(new Uint8Array(bytes));
  const message = `the folder's targets list ${path}, but ${file} does not hold it`;
  return failed("CONTENT_MISSING", message, { path });
}

/** Lists it in the next targets, in the place of what was there under that path. */
export async function signTopTarget(
  signing: Signing,
  path: string,
  content: Uint8Array,
): Promise<Result<SignedDocument>> {
  const targets = await newestTargets(signing.folder);
  if (!targets.ok) return targets;
  await keepContents(signing.folder, [content]);
  const listed = { ...targets.value.targets, [path]: describeFile(content) };
  const document = { ...targets.value, targets: listed };
  return signNext(signing, { role: "targets", document, versionBefore: document.version });
}
