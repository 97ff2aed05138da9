/** Garbage collection by reachability: what nothing refers to goes. */
import type { FileSystem } from "./file-system.ts";

/**
 * Removes every entry of a folder whose name is not to be kept; returns the removed names. One durable step after
 * another, although what came back would only be swept again: so a power loss leaves a device one of few disks.
 */
export async function sweep(
  files: FileSystem,
  directory: string,
  keep: ReadonlySet<string>,
): Promise<readonly string[]> {
  const removed = (await files.list(directory)).filter((name) => !keep.has(name));
  for (const name of removed) await files.remove(`${directory}/${name}`);
  return removed;
}
