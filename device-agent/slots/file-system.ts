/** Whole, durable file operations, composed from the single steps of a Disk. */
import { parentOf, type Disk, type DiskEntry } from "./disk.ts";

export interface FileSystem {
  read(path: string): Promise<Uint8Array | undefined>;
  /** The file holds the old or the new bytes, whatever happens; the new ones for good after this returns. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Durable when this returns. A power loss meanwhile may leave a beginning of `bytes`. */
  appendFile(path: string, bytes: Uint8Array): Promise<void>;
  /** With its parents. */
  makeDirectory(path: string): Promise<void>;
  /** Both parents are durable when this returns. */
  move(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<DiskEntry | undefined>;
  freeBytes(): Promise<number>;
}

/** What `replaceFile` leaves behind when it is cut short ends so. */
export const TEMPORARY_SUFFIX = ".new";

export function fileSystemOver(disk: Disk): FileSystem {
  const makeDirectory = async (path: string): Promise<void> => {
    if ((await disk.stat(path)) !== undefined) return;
    if (path !== "") await makeDirectory(parentOf(path));
    await disk.makeDirectory(path);
    if (path !== "") await disk.syncDirectory(parentOf(path));
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
      await disk.syncDirectory(parentOf(path));
    },
    appendFile: async (path, bytes) => {
      const isNew = (await disk.stat(path)) === undefined;
      if (isNew) await makeDirectory(parentOf(path));
      await disk.append(path, bytes);
      await disk.sync(path);
      if (isNew) await disk.syncDirectory(parentOf(path));
    },
    move: async (from, to) => {
      await makeDirectory(parentOf(to));
      await disk.rename(from, to);
      await disk.syncDirectory(parentOf(to));
      if (parentOf(from) !== parentOf(to)) await disk.syncDirectory(parentOf(from));
    },
    remove: async (path) => {
      if ((await disk.stat(path)) === undefined) return;
      await disk.remove(path);
      await disk.syncDirectory(parentOf(path));
    },
  };
}
