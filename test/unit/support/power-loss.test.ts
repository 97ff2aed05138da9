/** The model of a power loss itself: it drops what it may, and never what was synced. */
import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { seededRandom } from "../../../protocol/base/random.ts";
import { filesBelow, pageCacheDisk, type PageCacheDisk } from "../../support/crash/page-cache.ts";
import { afterPowerLoss, powerLosses } from "../../support/crash/power-loss.ts";

/** Every outcome as text: paths with their lengths. */
function outcomes({ root }: PageCacheDisk, countMax = 1000): Set<string> {
  const { losses } = powerLosses(root, countMax, seededRandom(1));
  return new Set(
    losses.map((loss) => {
      const files = filesBelow(afterPowerLoss(root, loss));
      return [...files].map(([path, bytes]) => `${path}:${bytes.length}`).join(" ");
    }),
  );
}

describe("after a power loss", () => {
  test("what was synced with its directory is there in every outcome", async () => {
    const disk = pageCacheDisk();
    await disk.write("a", utf8("1"));
    await disk.sync("a");
    await disk.syncDirectory("");
    expect(outcomes(disk)).toEqual(new Set(["a:1"]));
  });

  test("an entry that was not synced may be there or not, with none, some or all of its bytes", async () => {
    const disk = pageCacheDisk();
    await disk.write("a", new Uint8Array(1200).fill(1));
    expect(outcomes(disk)).toEqual(new Set(["", "a:0", "a:512", "a:1024", "a:1200"]));
  });

  test("the entries of a directory are kept in every subset", async () => {
    const disk = pageCacheDisk();
    for (const name of ["a", "b"]) {
      await disk.write(name, utf8("1"));
      await disk.sync(name);
    }
    expect(outcomes(disk)).toEqual(new Set(["", "a:1", "b:1", "a:1 b:1"]));
  });

  test("a rename within a directory has happened or has not", async () => {
    const disk = pageCacheDisk();
    for (const [name, text] of [
      ["a", "old"],
      ["a.new", "newer"],
    ] as const) {
      await disk.write(name, utf8(text));
      await disk.sync(name);
    }
    await disk.syncDirectory("");
    await disk.rename("a.new", "a");
    expect(outcomes(disk)).toEqual(new Set(["a:3 a.new:5", "a:5"]));
  });

  test("a move between directories may have happened by half", async () => {
    const disk = pageCacheDisk();
    for (const name of ["x", "y"]) await disk.makeDirectory(name);
    await disk.write("x/a", utf8("1"));
    await disk.sync("x/a");
    for (const name of ["x", "y", ""]) await disk.syncDirectory(name);
    await disk.rename("x/a", "y/a");
    expect(outcomes(disk)).toEqual(new Set(["x/a:1", "x/a:1 y/a:1", "", "y/a:1"]));
  });

  test("a folder that is removed may be there with any part of what was in it", async () => {
    const disk = pageCacheDisk();
    await disk.makeDirectory("x");
    for (const path of ["x/a", "x/b"]) {
      await disk.write(path, utf8("1"));
      await disk.sync(path);
    }
    for (const path of ["x", ""]) await disk.syncDirectory(path);
    await disk.remove("x");
    expect(outcomes(disk)).toEqual(new Set(["", "x/a:1", "x/b:1", "x/a:1 x/b:1"]));
  });

  test("too many outcomes are sampled, with nothing kept and everything kept among them", async () => {
    const disk = pageCacheDisk();
    for (let at = 0; at < 12; at++) {
      await disk.write(`f${at}`, utf8("1"));
      await disk.sync(`f${at}`);
    }
    const seen = outcomes(disk, 20);
    expect(seen.size).toBeLessThanOrEqual(20);
    expect(seen.has("")).toBe(true);
    expect([...seen].some((text) => text.split(" ").length === 12)).toBe(true);
  });
});

test("a sync that failed leaves bytes that no later sync writes", async () => {
  const disk = pageCacheDisk();
  await disk.append("a", utf8("1"));
  disk.failSync("a");
  await disk.append("a", utf8("2"));
  await disk.sync("a");
  await disk.syncDirectory("");
  disk.losePower();
  expect(await disk.read("a")).toEqual(new Uint8Array([0, 50]));
});
