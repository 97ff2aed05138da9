/** What the offline folder holds for a server: the newest signed metadata, and contents not handed in yet. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { SignedTargets } from "./offline-signing.ts";

export interface Outgoing {
  readonly root: Uint8Array;
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
  return succeeded({ root, signed: { targets, contents } });
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
