import { describe, expect, test } from "@jest/globals";
import {
  blobStore,
  checkFit,
  download,
  downloadPath,
  driverFilesPath,
  fileSystemOver,
  readSlot,
  rebuildBundle,
  RESERVED_BYTES,
  stageBundle,
  sweep,
  type ReadFrom,
} from "../../../../device-agent/slots/index.ts";
import { pageCacheDisk } from "../../../support/crash/page-cache.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../../../protocol/base/result.ts";
import { packBundle, readBundle } from "../../../../protocol/bundle/index.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";

const BUNDLE = packBundle(
  new Map([
    ["driver.js", utf8("driver")],
    ["kernels/one", utf8("kernel")],
  ]),
  {
    version: "1.0.0",
    abi: { major: 1, minor: 0 },
    isa: { major: 1, minor: 0 },
    socs: ["sm8650"],
    kernels: ["kernels/one"],
    builtFrom: { recipe: "test", sourceSha256: sha256Hex(utf8("source")) },
  },
);
const SHA = sha256Hex(BUNDLE);

describe("the version store", () => {
  test("unpacks a bundle, and packs it again to the same bytes", async () => {
    const files = fileSystemOver(pageCacheDisk());
    expect(await stageBundle(files, BUNDLE, SHA)).toMatchObject({ value: { version: "1.0.0" } });
    expect(await files.read(`${driverFilesPath(SHA)}/kernels/one`)).toEqual(utf8("kernel"));
    expect(await rebuildBundle(files, SHA)).toEqual(succeeded(BUNDLE));
    expect((await stageBundle(files, BUNDLE, SHA)).ok).toBe(true);
  });

  test("survives a power loss right after staging", async () => {
    const disk = pageCacheDisk();
    await stageBundle(fileSystemOver(disk), BUNDLE, SHA);
    disk.losePower();
    expect((await readSlot(fileSystemOver(disk), SHA)).ok).toBe(true);
  });

  test.each([
    ["DRIVER_MISSING", `store/${SHA}`],
    ["DRIVER_DAMAGED", `store/${SHA}/files/kernels/one`],
  ])("%s when %s is gone, and staging repairs it", async (code, path) => {
    const files = fileSystemOver(pageCacheDisk());
    await stageBundle(files, BUNDLE, SHA);
    await files.remove(path);
    expect(await readSlot(files, SHA)).toMatchObject({ ok: false, code });
    expect((await stageBundle(files, BUNDLE, SHA)).ok).toBe(true);
    expect((await readSlot(files, SHA)).ok).toBe(true);
  });

  test("DRIVER_DAMAGED for one flipped byte", async () => {
    const files = fileSystemOver(pageCacheDisk());
    await stageBundle(files, BUNDLE, SHA);
    await files.replaceFile(`${driverFilesPath(SHA)}/driver.js`, utf8("drivfr"));
    expect(await readSlot(files, SHA)).toMatchObject({ ok: false, code: "DRIVER_DAMAGED" });
  });

  test("NO_SPACE leaves everything as it was", async () => {
    const files = fileSystemOver(pageCacheDisk(RESERVED_BYTES));
    expect(await stageBundle(files, BUNDLE, SHA)).toMatchObject({ ok: false, code: "NO_SPACE" });
    expect(await files.list("store")).toEqual([]);
  });

  test("BUNDLE_HASH_MISMATCH for another bundle", async () => {
    const files = fileSystemOver(pageCacheDisk());
    const other = sha256Hex(utf8("other"));
    const staged = await stageBundle(files, BUNDLE, other);
    expect(staged).toMatchObject({ ok: false, code: "BUNDLE_HASH_MISMATCH" });
  });
});

test("a bundle fits the hardware, the ABI and the instruction set, or says which not", () => {
  const bundle = readBundle(BUNDLE);
  if (!bundle.ok) throw new Error(bundle.message);
  const device = { soc: "sm8650", abi: { major: 1, minor: 1 }, isa: { major: 1, minor: 0 } };
  const code = (change: Partial<typeof device>): string => {
    const fit = checkFit(bundle.value.manifest, { ...device, ...change });
    return fit.ok ? "" : fit.code;
  };
  expect(code({})).toBe("");
  expect(code({ soc: "sm8350" })).toBe("WRONG_HARDWARE");
  expect(code({ abi: { major: 2, minor: 0 } })).toBe("WRONG_ABI");
  expect(code({ isa: { major: 0, minor: 9 } })).toBe("WRONG_ISA");
});

describe("a download", () => {
  const content = Uint8Array.from({ length: 5000 }, (_, index) => index * 7);
  const wanted = { sha256: sha256Hex(content), bytes: content.length };
  const offsets: number[] = [];
  const serve =
    (bytes: Uint8Array, until = bytes.length): ReadFrom<"SERVER_DOWN"> =>
    async (offset, onPiece) => {
      offsets.push(offset);
      for (let at = offset; at < until; at += 1000) {
        if (!(await onPiece(bytes.subarray(at, Math.min(at + 1000, until))))) break;
      }
      return until < content.length ? failed("SERVER_DOWN", "cut") : succeeded(undefined);
    };

  test("that is cut off goes on where it was, also after a power loss", async () => {
    const disk = pageCacheDisk();
    const files = fileSystemOver(disk);
    const cut = await download(files, wanted, serve(content, 3000));
    expect(cut).toMatchObject({ ok: false, code: "SERVER_DOWN" });
    disk.losePower();
    expect(await download(files, wanted, serve(content))).toEqual(succeeded(content));
    expect(offsets.slice(-2)).toEqual([0, 3000]);
  });

  test("of other bytes is DOWNLOAD_CORRUPT and starts over", async () => {
    const files = fileSystemOver(pageCacheDisk());
    const wrong = content.slice().fill(1, 100, 101);
    const corrupt = await download(files, wanted, serve(wrong));
    expect(corrupt).toMatchObject({ ok: false, code: "DOWNLOAD_CORRUPT" });
    expect(await files.stat(downloadPath(wanted.sha256))).toBeUndefined();
    expect((await download(files, wanted, serve(content))).ok).toBe(true);
  });

  test("that never ends is DOWNLOAD_TOO_LONG and stops early", async () => {
    const files = fileSystemOver(pageCacheDisk());
    let pieces = 0;
    const endless: ReadFrom<never> = async (_offset, onPiece) => {
      while (await onPiece(new Uint8Array(1000))) pieces++;
      return succeeded(undefined);
    };
    const long = await download(files, wanted, endless);
    expect(long).toMatchObject({ ok: false, code: "DOWNLOAD_TOO_LONG" });
    expect(pieces).toBe(5);
  });

  test("that ends early is DOWNLOAD_CUT_SHORT and keeps what came", async () => {
    const files = fileSystemOver(pageCacheDisk());
    const short: ReadFrom<never> = async (_offset, onPiece) =>
      succeeded(await onPiece(content.subarray(0, 10)));
    const cut = await download(files, wanted, short);
    expect(cut).toMatchObject({ ok: false, code: "DOWNLOAD_CUT_SHORT" });
    expect((await files.stat(downloadPath(wanted.sha256)))?.bytes).toBe(10);
  });

  test("that does not fit is NO_SPACE before anything is asked for", async () => {
    const files = fileSystemOver(pageCacheDisk(RESERVED_BYTES + content.length));
    const before = offsets.length;
    const full = await download(files, wanted, serve(content));
    expect(full).toMatchObject({ ok: false, code: "NO_SPACE" });
    expect(offsets.length).toBe(before);
  });
});

test("a damaged blob counts as absent, and is written again", async () => {
  const files = fileSystemOver(pageCacheDisk());
  const blobs = blobStore(files);
  const name = await blobs.put(utf8("bytes"));
  await files.replaceFile(`blobs/${name}`, utf8("bytez"));
  expect(await blobs.get(name)).toBeUndefined();
  await blobs.put(utf8("bytes"));
  expect(await blobs.get(name)).toEqual(utf8("bytes"));
});

test("sweeping removes what is not to be kept", async () => {
  const files = fileSystemOver(pageCacheDisk());
  for (const name of ["a", "b", "c"]) await files.replaceFile(`folder/${name}/x`, utf8(name));
  expect(await sweep(files, "folder", new Set(["b"]))).toEqual(["a", "c"]);
  expect(await files.list("folder")).toEqual(["b"]);
});
