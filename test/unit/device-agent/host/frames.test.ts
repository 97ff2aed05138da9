import { describe, expect, test } from "@jest/globals";
import { blobCollector } from "../../../../device-agent/host/blobs.ts";
import { frameHeader, frameReader } from "../../../../device-agent/host/frames.ts";
import { sandboxCommand, sandboxLevel } from "../../../../device-agent/host/index.ts";
import { concatBytes, utf8 } from "../../../../protocol/base/bytes.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { fc, property } from "../../../support/property.ts";

test("frames come out as they went in, however the stream is cut", () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  property(fc.tuple(frames, fc.integer({ min: 1, max: 17 })), ([sent, step]) => {
    const stream = concatBytes(sent.flatMap((frame) => [frameHeader(frame.length), frame]));
    const reader = frameReader(40);
    const got: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += step) {
      const read = reader.push(stream.subarray(at, at + step));
      if (read === "too_long") throw new Error("no frame is too long");
      got.push(...read);
    }
    expect(got).toEqual(sent.map((frame) => new Uint8Array(frame)));
  });
});

test("a frame that announces too much is refused before it comes", () => {
  expect(frameReader(10).push(frameHeader(11))).toBe("too_long");
});

describe("blobs in pieces", () => {
  const whole = utf8("one two");
  const sha256 = sha256Hex(whole);
  const piece = (text: string, last: boolean) => ({ sha256, bytes: utf8(text), last });

  test("are whole when the last one came", () => {
    const blobs = blobCollector();
    expect(blobs.add(piece("one ", false))).toBeUndefined();
    expect(blobs.unfinished()).toBe(sha256);
    expect(blobs.add(piece("two", true))).toBeUndefined();
    expect(blobs.unfinished()).toBeUndefined();
    expect(blobs.complete().get(sha256)).toEqual(whole);
  });

  test("that do not have their hash are refused", () => {
    expect(blobCollector().add(piece("one", true))).toContain("does not have the hash");
  });
});

describe("the sandbox", () => {
  const tools = {
    node: "node",
    permissionFlag: "--permission",
    childScript: "/c.mjs",
    withoutNetwork: ["unshare", "--net", "--"],
    prlimit: true,
    setpriv: true,
  };
  const folders = { files: "/f", blobs: "/b" };
  const limits = { residentBytesMax: 100 << 20, cpuSecondsMax: 2.5 };

  test("is strong with a network namespace and a data limit, otherwise degraded", () => {
    expect(sandboxLevel(tools)).toBe("strong");
    expect(sandboxLevel({ ...tools, withoutNetwork: undefined })).toBe("degraded");
    expect(sandboxLevel({ ...tools, prlimit: false })).toBe("degraded");
  });

  test("wraps what there is around Node, and reads three paths", () => {
    const { program, arguments: words } = sandboxCommand(tools, folders, limits);
    expect(program).toBe("setpriv");
    expect(words.join(" ")).toContain("KILL -- unshare --net -- prlimit --data=");
    expect(words).toContain("--cpu=3");
    expect(words.filter((word) => word.startsWith("--allow"))).toEqual([
      "--allow-fs-read=/c.mjs",
      "--allow-fs-read=/f",
      "--allow-fs-read=/b",
    ]);
  });

  test("without any tool is Node with its permission flag", () => {
    const none = { ...tools, withoutNetwork: undefined, prlimit: false, setpriv: false };
    const { program, arguments: words } = sandboxCommand(none, folders, limits);
    expect(program).toBe("node");
    expect(words[0]).toBe("--permission");
    expect(words.slice(-3)).toEqual(["/c.mjs", "/f", "/b"]);
  });
});
