/** A disk whose every step is shown to somebody first, who may let it pass, fail it, or leave it out. */
import { CodedError } from "../../../protocol/base/result.ts";
import type { Disk, DiskCode } from "../../../device-agent/slots/index.ts";
import type { PageCacheDisk } from "./page-cache.ts";

export type Operation = keyof Disk;

export interface DiskStep {
  /** From zero. */
  readonly index: number;
  readonly operation: Operation;
  readonly path: string;
  /** What a write was to write. */
  readonly bytes?: Uint8Array | undefined;
}

export type Ruling =
  | { readonly kind: "pass" }
  /** The caller is told that it was done. */
  | { readonly kind: "omit" }
  /** `torn`: half of a write is done all the same. */
  | { readonly kind: "fail"; readonly code: DiskCode; readonly torn: boolean };

export const PASS: Ruling = { kind: "pass" };

/** Steps that leave the disk as it is. */
export const READING: ReadonlySet<Operation> = new Set(["read", "list", "stat", "freeBytes"]);
export const WRITING: ReadonlySet<Operation> = new Set(["write", "append"]);
export const SYNCING: ReadonlySet<Operation> = new Set(["sync", "syncDirectory"]);

/** `rule` is asked inside the call, so the stack still says who makes it. */
export function observedDisk(disk: PageCacheDisk, rule: (step: DiskStep) => Ruling): Disk {
  let index = 0;
  const step = async <T>(
    operation: Operation,
    path: string,
    acts: {
      readonly whole: () => Promise<T>;
      readonly half?: () => Promise<unknown>;
      readonly bytes?: Uint8Array;
    },
  ): Promise<T> => {
    const ruling = rule({ index: index++, operation, path, bytes: acts.bytes?.slice() });
    if (ruling.kind === "pass") return acts.whole();
    if (ruling.kind === "omit") return undefined as T;
    if (ruling.torn) await acts.half?.();
    if (operation === "sync") disk.failSync(path);
    throw new CodedError(ruling.code, `${operation} ${path} was made to fail`);
  };
  const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length >> 1);
  return {
    read: (path) => step("read", path, { whole: () => disk.read(path) }),
    list: (path) => step("list", path, { whole: () => disk.list(path) }),
    stat: (path) => step("stat", path, { whole: () => disk.stat(path) }),
    freeBytes: () => step("freeBytes", "", { whole: () => disk.freeBytes() }),
    write: (path, bytes) =>
      step("write", path, {
        whole: () => disk.write(path, bytes),
        half: () => disk.write(path, half(bytes)),
        bytes,
      }),
    append: (path, bytes) =>
      step("append", path, {
        whole: () => disk.append(path, bytes),
        half: () => disk.append(path, half(bytes)),
        bytes,
      }),
    sync: (path) => step("sync", path, { whole: () => disk.sync(path) }),
    syncDirectory: (path) => step("syncDirectory", path, { whole: () => disk.syncDirectory(path) }),
    rename: (from, to) => step("rename", to, { whole: () => disk.rename(from, to) }),
    remove: (path) => step("remove", path, { whole: () => disk.remove(path) }),
    makeDirectory: (path) => step("makeDirectory", path, { whole: () => disk.makeDirectory(path) }),
  };
}
