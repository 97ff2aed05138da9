/** The Disk of this machine, below one directory. */
import { constants } from "node:fs";
import { appendFile, mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CodedError } from "../../protocol/base/result.ts";
import type { Disk } from "../slots/index.ts";

/** Only the owner reads what the agent keeps: a device key is among it. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** `directory` is created when it is absent. */
export function machineDisk(directory: string): Disk {
  const at = (path: string): string => join(directory, path);
  return {
    read: (path) => unlessAbsent(path, () => readFile(at(path))),
    write: (path, bytes) => coded(path, () => writeFile(at(path), bytes, { mode: FILE_MODE })),
    append: (path, bytes) => coded(path, () => appendFile(at(path), bytes, { mode: FILE_MODE })),
    sync: (path) => coded(path, () => syncPath(at(path), constants.O_RDWR)),
    syncDirectory: (path) =>
      coded(path, () => syncPath(at(path), constants.O_RDONLY | constants.O_DIRECTORY)),
    rename: (from, to) => coded(from, () => rename(at(from), at(to))),
    remove: (path) => coded(path, () => rm(at(path), { recursive: true, force: true })),
    makeDirectory: (path) =>
      coded(path, async () => {
        const first = await mkdir(at(path), { recursive: true, mode: DIRECTORY_MODE });
        // Directories below the agent's own are synced by who makes them; those above it by nobody else.
        if (path === "" && first !== undefined) await syncAbove(directory, dirname(first));
      }),
    list: async (path) => ((await unlessAbsent(path, () => readdir(at(path)))) ?? []).sort(),
    stat: (path) =>
      unlessAbsent(path, async () => {
        const found = await stat(at(path));
        if (found.isDirectory()) return { kind: "directory" as const, bytes: 0 };
        return { kind: "file" as const, bytes: found.size };
      }),
    freeBytes: () =>
      coded("", async () => {
        const { bavail, bsize } = await statfs(directory);
        return bavail * bsize;
      }),
  };
}

/** Every directory from the parent of `path` up to `last`. */
async function syncAbove(path: string, last: string): Promise<void> {
  const parent = dirname(resolve(path));
  await syncPath(parent, constants.O_RDONLY | constants.O_DIRECTORY);
  if (parent !== resolve(last) && parent !== dirname(parent)) await syncAbove(parent, last);
}

async function syncPath(path: string, flags: number): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function unlessAbsent<T>(path: string, act: () => Promise<T>): Promise<T | undefined> {
  return coded(path, async () => {
    try {
      return await act();
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return undefined;
      throw error;
    }
  });
}

async function coded<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const code = ["ENOSPC", "EDQUOT"].includes(systemCode(error)) ? "NO_SPACE" : "DISK_FAILED";
    throw new CodedError(code, `${path}: ${String(error)}`, { path }).because(error);
  }
}

function systemCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}
