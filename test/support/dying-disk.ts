/** A disk whose process dies at a chosen step: before it, or in the middle of a write. */
import type { Disk } from "../../device-agent/slots/index.ts";

export interface Death {
  /** Counts the steps that change something, from zero; Infinity: never. */
  readonly atStep: number;
  /** Half of the bytes are written before the end. */
  readonly torn: boolean;
}

export interface DyingDisk extends Disk {
  /** Steps so far that changed something, by name. */
  readonly steps: string[];
}

export function dyingDisk(disk: Disk, death: Death): DyingDisk {
  const steps: string[] = [];
  const alive = <T>(act: () => Promise<T>): Promise<T> => {
    if (steps.length > death.atStep) return Promise.reject(new Error("the process is dead"));
    return act();
  };
  const change = async <T>(
    name: string,
    act: () => Promise<T>,
    half: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<T> => {
    const step = steps.push(name) - 1;
    if (step < death.atStep) return act();
    if (step === death.atStep && death.torn) await half();
    throw new Error("the process is dead");
  };
  const halfOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length >> 1);
  return {
    steps,
    read: (path) => alive(() => disk.read(path)),
    list: (path) => alive(() => disk.list(path)),
    stat: (path) => alive(() => disk.stat(path)),
    freeBytes: () => alive(() => disk.freeBytes()),
    write: (path, bytes) =>
      change(
        "write",
        () => disk.write(path, bytes),
        () => disk.write(path, halfOf(bytes)),
      ),
    append: (path, bytes) =>
      change(
        "append",
        () => disk.append(path, bytes),
        () => disk.append(path, halfOf(bytes)),
      ),
    sync: (path) => change("sync", () => disk.sync(path)),
    syncDirectory: (path) => change("syncDirectory", () => disk.syncDirectory(path)),
    rename: (from, to) => change("rename", () => disk.rename(from, to)),
    remove: (path) => change("remove", () => disk.remove(path)),
    makeDirectory: (path) => change("makeDirectory", () => disk.makeDirectory(path)),
  };
}
