/** What the offline folder holds for a server: the newest signed metadata, and contents not handed in yet. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { SignedTargets } from "./offline-signing.ts";

export interface Outgoing {
  /** Every root that the folder has signed, by version. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
  readonly signed: SignedTargets;
}

/** Beside the metadata, by SHA-256: a publication that failed can be made up for. */
export async function keepContents(folder: string, contents: Iterable<Uint8Array>): Promise<void> {
  const kept = join(folder, "contents");
  await mkdir(kept, { recursive: true });
  for (const bytes of contents) await writeFile(join(kept, sha256Hex(bytes)), bytes);
}

export async function readOutgoing(folder: string): Promise<Result<Outgoing, "KEYS_MISSING">> {
  const [root, targets] = [
    await readIfThere(join(folder, "metadata", "root.json")),
    await readIfThere(join(folder, "metadata", "targets.json")),
  ];
  if (!root || !targets) {
    return failed("KEYS_MISSING", `${folder} holds no signed root and targets`, { folder });
  }
  const contents = new Map<string, Uint8Array>();
  for (const name of await readdir(join(folder, "contents")).catch(() => [])) {
    contents.set(name, new Uint8Array(await readFile(join(folder, "contents", name))));
  }
  const roots = new Map([...(await olderRoots(folder)), [versionOf(root), root] as const]);
  return succeeded({ roots, signed: { targets, contents } });
}

async function olderRoots(folder: string): Promise<[number, Uint8Array][]> {
  const names = await readdir(join(folder, "metadata"));
  const older = names.flatMap((name) => {
    const version = /^(\d+)\.root\.json$/.exec(name)?.[1];
    return version === undefined ? [] : [[Number(version), name] as const];
  });
  const roots: [number, Uint8Array][] = [];
  for (const [version, name] of older.sort(([a], [b]) => a - b)) {
    roots.push([version, new Uint8Array(await readFile(join(folder, "metadata", name)))]);
  }
  return roots;
}

function versionOf(root: Uint8Array): number {
  return (JSON.parse(new TextDecoder().decode(root)) as { signed: { version: number } }).signed
    .version;
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
