/** One contract for every Disk: the one in memory and the one of this machine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { machineDisk } from "../../../../device-agent/shell/disk.ts";
import { fileSystemOver, sweep, type Disk } from "../../../../device-agent/slots/index.ts";
import { pageCacheDisk } from "../../../support/crash/page-cache.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";

const directory = await mkdtemp(join(tmpdir(), "retile-disk-"));
afterAll(() => rm(directory, { recursive: true }));
let created = 0;

const DISKS: readonly (readonly [string, () => Disk])[] = [
  ["in memory, with a page cache", () => pageCacheDisk()],
  ["of this machine", () => machineDisk(join(directory, String(created++)))],
];

describe.each(DISKS)("the disk %s", (_name, open) => {
  test("a file that is not there reads as undefined, lists as nothing, and can be removed", async () => {
    const files = fileSystemOver(open());
    expect(await files.read("a/b")).toBeUndefined();
    expect(await files.stat("a")).toBeUndefined();
    expect(await files.list("a")).toEqual([]);
    await files.remove("a/b");
  });

  test("replaceFile creates folders and replaces what was there", async () => {
    const files = fileSystemOver(open());
    await files.replaceFile("a/b/c", utf8("one"));
    await files.replaceFile("a/b/c", utf8("three"));
    expect(new Uint8Array((await files.read("a/b/c")) ?? [])).toEqual(utf8("three"));
    expect(await files.list("a/b")).toEqual(["c"]);
    expect(await files.stat("a/b/c")).toEqual({ kind: "file", bytes: 5 });
    expect(await files.stat("a/b")).toEqual({ kind: "directory", bytes: 0 });
  });

  test("appendFile adds at the end", async () => {
    const files = fileSystemOver(open());
    await files.appendFile("log", utf8("one "));
    await files.appendFile("log", utf8("two"));
    expect(new Uint8Array((await files.read("log")) ?? [])).toEqual(utf8("one two"));
  });

  test("a folder moves with all that is in it, and is removed so", async () => {
    const files = fileSystemOver(open());
    await files.replaceFile("from/x/y", utf8("1"));
    await files.move("from/x", "from/z");
    expect(await files.stat("from/x")).toBeUndefined();
    expect(await files.list("from/z")).toEqual(["y"]);
    await files.remove("from");
    expect(await files.read("from/z/y")).toBeUndefined();
  });

  test("renaming what is not there is DISK_FAILED", async () => {
    await expect(fileSystemOver(open()).move("no", "where")).rejects.toMatchObject({
      code: "DISK_FAILED",
    });
  });
});

describe("power loss", () => {
  test("forgets what was only written, keeps what was synced with its directory", async () => {
    const disk = pageCacheDisk();
    await fileSystemOver(disk).replaceFile("kept", utf8("old"));
    await disk.write("kept.new", utf8("new"));
    await disk.rename("kept.new", "kept");
    await disk.write("lost", utf8("gone"));
    disk.losePower();
    expect(await disk.list("")).toEqual(["kept"]);
    expect(await disk.read("kept")).toEqual(utf8("old"));
  });

  test("loses nothing that a file system operation has returned from", async () => {
    const disk = pageCacheDisk();
    const files = fileSystemOver(disk);
    await files.replaceFile("a/b", utf8("1"));
    await files.appendFile("c/d", utf8("2"));
    await files.replaceFile("g/h/i", utf8("3"));
    await files.move("g/h", "g/k");
    disk.losePower();
    expect(await disk.read("a/b")).toEqual(utf8("1"));
    expect(await disk.read("c/d")).toEqual(utf8("2"));
    expect(await disk.read("g/k/i")).toEqual(utf8("3"));
    expect(await disk.stat("g/h")).toBeUndefined();
  });

  test("loses what was placed or discarded until the next durable operation", async () => {
    const disk = pageCacheDisk();
    const files = fileSystemOver(disk);
    const change = async (): Promise<void> => {
      await files.placeFile("a/placed", utf8("1"));
      await files.discard("old");
    };
    await files.replaceFile("old", utf8("0"));
    await change();
    disk.losePower();
    expect(await disk.list("")).toEqual(["old"]);
    await change();
    await files.replaceFile("state", utf8("2"));
    disk.losePower();
    expect(await disk.list("")).toEqual(["a", "state"]);
    expect(await disk.read("a/placed")).toEqual(utf8("1"));
  });
});

test("who write one file at once do not get into each other's way, and nobody sweeps what they write", async () => {
  const disk = pageCacheDisk();
  const syncs: (() => void)[] = [];
  const waiting: Disk = {
    ...disk,
    sync: async (path) => {
      await new Promise<void>((resolve) => syncs.push(resolve));
      await disk.sync(path);
    },
  };
  const files = fileSystemOver(waiting);
  const writers = ["one", "two", "three"].map((text) => files.replaceFile("a/b", utf8(text)));
  while (syncs.length < writers.length) await new Promise(setImmediate);
  expect(await disk.list("a")).toHaveLength(3);
  expect(await sweep(files, "a", new Set())).toEqual([]);
  syncs.forEach((go) => go());
  await Promise.all(writers);
  expect(await files.list("a")).toEqual(["b"]);
  expect(await files.read("a/b")).toEqual(utf8("three"));
});

test("what returns is durable, whoever else syncs the same directory meanwhile", async () => {
  const random = seededRandom(1);
  const disk = pageCacheDisk();
  const pause = async (): Promise<void> => {
    for (let ticks = random.below(6); ticks > 0; ticks--) await Promise.resolve();
  };
  const slow: Disk = {
    ...disk,
    rename: (from, to) => pause().then(() => disk.rename(from, to)),
    syncDirectory: async (path) => {
      await pause();
      await disk.syncDirectory(path);
      await pause();
    },
  };
  const files = fileSystemOver(slow);
  const isDurable = async (name: string): Promise<boolean> => {
    await pause();
    await files.replaceFile(name, utf8(name));
    return disk.root.durable.has(name);
  };
  for (let round = 0; round < 50; round++) {
    const names = ["a", "b", "c", "d"].map((name) => `${name}${round}`);
    expect(await Promise.all(names.map(isDurable))).toEqual([true, true, true, true]);
  }
});

test("a full disk is NO_SPACE and what was there stays", async () => {
  const disk = pageCacheDisk(8);
  const files = fileSystemOver(disk);
  await files.replaceFile("a", utf8("12345678"));
  expect(await files.freeBytes()).toBe(0);
  await expect(files.replaceFile("a", utf8("abc"))).rejects.toMatchObject({ code: "NO_SPACE" });
  expect(await files.read("a")).toEqual(utf8("12345678"));
});
