/**
 * The first thing a process does to the disk: what the one before left may look done without being durable,
 * because it died between writing and syncing. Nothing is built on it before it is.
 */
import type { FileSystem } from "../slots/index.ts";

export async function settleHome(files: FileSystem): Promise<void> {
  const directories = [""];
  for (const name of await files.list("")) {
    if ((await files.stat(name))?.kind === "directory") directories.push(name);
  }
  await files.settle(...directories);
}
