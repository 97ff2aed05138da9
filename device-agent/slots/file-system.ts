/** Whole, durable file operations, composed from the single steps of a Disk. */
import { assert } from "../../protocol/base/assert.ts";
import { parentOf, type Disk, type DiskEntry } from "./disk.ts";

export interface FileSystem {
  read(path: string): Promise<Uint8Array | undefined>;
  /** The file holds the old or the new bytes, whatever happens; the new ones for good after this returns. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  /** The same, but for good only from the next durable operation on: for what nothing relies on before that. */
  placeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Durable when this returns. A power loss meanwhile may leave a beginning of `bytes`. */
  appendFile(path: string, bytes: Uint8Array): Promise<void>;
  /** With its parents; for good from the next durable operation on. */
  makeDirectory(path: string): Promise<void>;
  /** Within one directory. Durable when this returns. */
  move(from: string, to: string): Promise<void>;
  /** Durable when this returns. */
  remove(path: string): Promise<void>;
  /** For good from the next durable operation on: for what is of no use, and of no harm when it comes back. */
  discard(path: string): Promise<void>;
  /** Makes durable what was done so far, and what an earlier process left in these directories. */
  settle(...directories: readonly string[]): Promise<void>;
  /** Without what is being written: it is not there yet, and no rubbish either. */
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<DiskEntry | undefined>;
  freeBytes(): Promise<number>;
}

export function fileSystemOver(disk: Disk): FileSystem {
  const { settle, changing } = settler(disk);
  const { temporaries, withTemporary } = temporaryNames();
  const makeDirectory = async (path: string): Promise<void> => {
    if ((await disk.stat(path)) !== undefined) return;
    const make = (): Promise<void> => disk.makeDirectory(path);
    if (path === "") return make();
    await makeDirectory(parentOf(path));
    await changing(parentOf(path), make);
  };
  const placeFile = async (path: string, bytes: Uint8Array): Promise<void> => {
    await makeDirectory(parentOf(path));
    await withTemporary(path, async (temporary) => {
      await disk.write(temporary, bytes);
      await disk.sync(temporary);
      await changing(parentOf(path), () => disk.rename(temporary, path));
    });
  };
  const discard = async (path: string): Promise<void> => {
    if ((await disk.stat(path)) === undefined) return;
    await changing(parentOf(path), () => disk.remove(path));
  };
  return {
    read: (path) => disk.read(path),
    list: async (path) => {
      const isWhole = (name: string): boolean => !temporaries.has(path ? `${path}/${name}` : name);
      return (await disk.list(path)).filter(isWhole);
    },
    stat: (path) => disk.stat(path),
    freeBytes: () => disk.freeBytes(),
    makeDirectory,
    placeFile,
    discard,
    settle,
    replaceFile: async (path, bytes) => {
      await placeFile(path, bytes);
      await settle();
    },
    appendFile: async (path, bytes) => {
      await makeDirectory(parentOf(path));
      const isNew = (await disk.stat(path)) === undefined;
      const append = (): Promise<void> => disk.append(path, bytes);
      await (isNew ? changing(parentOf(path), append) : append());
      await disk.sync(path);
      await settle();
    },
    move: async (from, to) => {
      assert(parentOf(from) === parentOf(to), "between directories a move may happen by half");
      await changing(parentOf(to), () => disk.rename(from, to));
      await settle();
    },
    remove: async (path) => {
      await discard(path);
      await settle();
    },
  };
}

/** What a file is called until all of it is durable: another name for each of those who write it at once. */
function temporaryNames() {
  const temporaries = new Set<string>();
  const withTemporary = async (
    path: string,
    write: (temporary: string) => Promise<void>,
  ): Promise<void> => {
    let name = `${path}.new`;
    for (let number = 2; temporaries.has(name); number++) name = `${path}.new${number}`;
    temporaries.add(name);
    try {
      await write(name);
    } finally {
      temporaries.delete(name);
    }
  };
  return { temporaries, withTemporary };
}

/** Knows which directories have entries that may not be durable, and syncs them. */
function settler(disk: Disk) {
  // A failed sync leaves a directory here: what it left only looks durable.
  const unsettled = new Set<string>();
  let settling: Promise<void> | undefined;
  const settleOne = async (directory: string): Promise<void> => {
    unsettled.delete(directory);
    try {
      if ((await disk.stat(directory)) !== undefined) await disk.syncDirectory(directory);
    } catch (error) {
      unsettled.add(directory);
      throw error;
    }
  };
  const settle = async (...directories: readonly string[]): Promise<void> => {
    for (const directory of directories) unsettled.add(directory);
    // Inferences write beside other work: what somebody else is settling is not settled yet.
    while (settling) await settling;
    let finish = (): void => undefined;
    settling = new Promise((resolve) => (finish = resolve));
    try {
      for (const waiting of [...unsettled]) await settleOne(waiting);
    } finally {
      settling = undefined;
      finish();
    }
  };
  /** Unsettled when it is over: a sync meanwhile may have come too early for it. */
  const changing = async (directory: string, change: () => Promise<void>): Promise<void> => {
    try {
      await change();
    } finally {
      unsettled.add(directory);
    }
  };
  return { settle, changing };
}
