/** Files that are written whole or not at all: the published repository and uploads that wait for it. */
import { createReadStream, type ReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";

export interface FileFolder {
  /** Durable when it returns; replaces what was there at one moment. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  read(path: string): Promise<Uint8Array | undefined>;
  /** Undefined when there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** From `first` to `last`, both included. */
  stream(path: string, range: { readonly first: number; readonly last: number }): ReadStream;
  remove(path: string): Promise<void>;
}

/** Paths are relative and have been checked by the caller. */
export function fileFolder(root: string): FileFolder {
  return {
    write: (path, bytes) => writeWhole(join(root, path), bytes),
    read: (path) => orUndefined(readFile(join(root, path)).then((bytes) => new Uint8Array(bytes))),
    size: (path) =>
      orUndefined(
        stat(join(root, path)).then((found) => (found.isFile() ? found.size : undefined)),
      ),
    stream: (path, { first, last }) =>
      createReadStream(join(root, path), { start: first, end: last }),
    remove: (path) => rm(join(root, path), { force: true }),
  };
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${randomUUID()}`);
  const file = await open(temporary, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function orUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
