/** Whole, durable file operations, composed from the single steps of a Disk. */
import { assert } from "../../protocol/base/assert.ts";
import { parentOf, type Disk, type DiskEntry } from "./disk.ts";

export interface FileSystem {
  read(path: string): Promise<Uint8Array | undefined>;
  /** The file holds the old or the new bytes, whatever happens; the new ones for good after this returns. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Durable when this returns. A power loss meanwhile may leave a beginning of `bytes`. */
  appendFile(path: string, bytes: Uint8Array): Promise<void>;
  /** With its parents. */
  makeDirectory(path: string): Promise<void>;
  /** Within one directory. Durable when this returns. */
  move(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes durable what an earlier process left in a directory without syncing it. */
  settle(directory: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<DiskEntry | undefined>;
  freeBytes(): Promise<number>;
}

/** What `replaceFile` leaves behind when it is cut short ends so. */
export const TEMPORARY_SUFFIX = ".new";

export function fileSystemOver(disk: Disk): FileSystem {
  // A sync that failed is made up for before anything else is called durable: what it left looks as if it were.
  const unsettled = new Set<string>();
  const settleEntries = async (directory: string): Promise<void> => {
    unsettled.add(directory);
    for (const waiting of unsettled) {
      if ((await disk.stat(waiting)) !== undefined) await disk.syncDirectory(waiting);
      unsettled.delete(waiting);
    }
  };
  const makeDirectory = async (path: string): Promise<void> => {
    if ((await disk.stat(path)) !== undefined) return;
    if (path !== "") await makeDirectory(parentOf(path));
    await disk.makeDirectory(path);
    if (path !== "") await settleEntries(parentOf(path));
  };
  return {
    read: (path) => disk.read(path),
    list: (path) => disk.list(path),
    stat: (path) => disk.stat(path),
    freeBytes: () => disk.freeBytes(),
    makeDirectory,
    replaceFile: async (path, bytes) => {
      await makeDirectory(parentOf(path));
      const temporary = path + TEMPORARY_SUFFIX;
      await disk.write(temporary, bytes);
      await disk.sync(temporary);
      await disk.rename(temporary, path);
      await settleEntries(parentOf(path));
    },
    appendFile: async (path, bytes) => {
      const isNew = (await disk.stat(path)) === undefined;
      if (isNew) await makeDirectory(parentOf(path));
      await disk.append(path, bytes);
      await disk.sync(path);
      if (isNew) await settleEntries(parentOf(path));
    },
    move: async (from, to) => {
      assert(parentOf(from) === parentOf(to), "between directories a move may happen by half");
      await disk.rename(from, to);
      await settleEntries(parentOf(to));
    },
    remove: async (path) => {
      if ((await disk.stat(path)) === undefined) return;
      await disk.remove(path);
      await settleEntries(parentOf(path));
    },
    settle: (directory) => settleEntries(directory),
  };
}
