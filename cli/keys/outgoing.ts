/** What the offline folder holds for a server: metadata that it has not published yet, and the contents of it. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { readEnvelope, TARGETS_BYTES_MAX, targetsSchema } from "../../protocol/metadata/index.ts";
import type { Targets } from "../../protocol/metadata/index.ts";
import type { OperatorClient, PublicationReply } from "../operator/client.ts";
import { readDocument, readDrafts, readRoots, versionOf } from "./offline-folder.ts";

export interface Outgoing {
  /** Roots that the server does not have, the oldest first. */
  readonly roots: readonly Uint8Array[];
  /** By role. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
  /** Of what those list, as far as the folder has it. */
  readonly contents: readonly Uint8Array[];
}

export function contentsFolder(folder: string): string {
  return join(folder, "contents");
}

/** Beside the metadata, by SHA-256: a publication that failed can be made up for. */
export async function keepContents(folder: string, contents: Iterable<Uint8Array>): Promise<void> {
  const kept = contentsFolder(folder);
  await mkdir(kept, { recursive: true });
  for (const bytes of contents) await writeFile(join(kept, sha256Hex(bytes)), bytes);
}

/** Once the server has them. */
export async function dropContents(folder: string, contents: Iterable<Uint8Array>): Promise<void> {
  for (const bytes of contents) await rm(join(contentsFolder(folder), sha256Hex(bytes)));
}

/** The newest signed metadata, as far as it is newer than the server's; nothing new is nothing to do. */
export async function publishFolder(
  client: OperatorClient,
  folder: string,
): Promise<Result<PublicationReply["versions"] | undefined>> {
  const pending = await readDrafts(folder);
  if (pending[0]) {
    const files = pending.map(({ file }) => file).join(" ");
    const message = "some metadata still waits for signatures, and what is signed may rest on it";
    return failed("DRAFT_PENDING", message, { files });
  }
  const published = await client.metadataVersions();
  if (!published.ok) return published;
  const outgoing = await readOutgoing(folder, published.value);
  if (!outgoing.ok) return outgoing;
  const { roots, targets } = outgoing.value;
  if (roots.length + targets.size === 0) return succeeded(undefined);
  const reply = await client.publish(outgoing.value);
  return reply.ok ? succeeded(reply.value.versions) : reply;
}

export async function readOutgoing(
  folder: string,
  published: ReadonlyMap<string, number>,
): Promise<Result<Outgoing, "KEYS_MISSING">> {
  const kept = await readRoots(folder);
  const top = await readDocument(folder, "targets");
  if (kept.size === 0 || !top) {
    return failed("KEYS_MISSING", `${folder} holds no signed root and targets`, { folder });
  }
  const known = published.get("root") ?? 0;
  const roots = [...kept].filter(([version]) => version > known).map(([, bytes]) => bytes);
  const targets = new Map<string, Uint8Array>();
  const delegated = (readTargets(top)?.delegations?.roles ?? []).map(({ name }) => name);
  for (const role of ["targets", ...delegated]) {
    const bytes = await readDocument(folder, role);
    if (bytes && versionOf(bytes) > (published.get(role) ?? 0)) targets.set(role, bytes);
  }
  return succeeded({ roots, targets, contents: await contentsOf(folder, targets.values()) });
}

async function contentsOf(folder: string, documents: Iterable<Uint8Array>): Promise<Uint8Array[]> {
  const listed = new Set<string>();
  for (const document of documents) {
    for (const { hashes } of readTargets(document)?.targets.values() ?? []) {
      listed.add(hashes.get("sha256") ?? "");
    }
  }
  const kept = await readdir(contentsFolder(folder)).catch(() => []);
  const names = kept.filter((name) => listed.has(name));
  return Promise.all(
    names.map(async (name) => new Uint8Array(await readFile(join(contentsFolder(folder), name)))),
  );
}

function readTargets(bytes: Uint8Array): Targets | undefined {
  const read = readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX);
  return read.ok ? read.value.signed : undefined;
}
