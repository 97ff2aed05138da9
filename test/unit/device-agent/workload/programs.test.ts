import { describe, expect, test } from "@jest/globals";
import { blobStore, fileSystemOver } from "../../../../device-agent/slots/index.ts";
import {
  joinRun,
  programCache,
  programFacts,
  programKey,
  reachableWorkload,
  readModels,
  runOfBytes,
  bytesOfRun,
  seededRun,
  splitRun,
  writeModel,
  type RegisteredModel,
} from "../../../../device-agent/workload/index.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { brand } from "../../../../protocol/base/brand.ts";
import { pageCacheDisk } from "../../../support/crash/page-cache.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";

const hash = (text: string) => sha256Hex(utf8(text));
const SM8650 = present(socNamed("sm8650"), "sm8650");
const SM8350 = present(socNamed("sm8350"), "sm8350");
const PORT = { name: "x", dtype: "f32", shape: [1, 2] };
const MODEL: RegisteredModel = {
  id: brand("m"),
  format: "onnx",
  sha256: hash("model"),
  inputShapes: [{ input: "x", shape: [1, 2] }],
  inputs: [PORT],
  outputs: [{ ...PORT, name: "y" }],
  encodings: hash("encodings"),
  goldens: [{ inputs: hash("in"), outputs: hash("out") }],
  goldensFrom: { version: "1.0.0", sha256: hash("driver") },
  referenceMicroseconds: 100.5,
};
const ON = { soc: SM8650, backend: "htp" } as const;
const FACTS = programFacts(MODEL, hash("driver"), ON);

function cache() {
  const files = fileSystemOver(pageCacheDisk());
  const blobs = blobStore(files);
  return { files, blobs, programs: programCache(files, blobs) };
}

describe("the program cache", () => {
  test("gives back what was stored under the same facts, with its time", async () => {
    const { programs } = cache();
    await programs.put(FACTS, utf8("program"), 12.5);
    expect(await programs.get(FACTS)).toEqual({ program: utf8("program"), microseconds: 12.5 });
    expect(await programs.microseconds(FACTS)).toBe(12.5);
  });

  test.each([
    ["model", programFacts({ ...MODEL, sha256: hash("x") }, hash("driver"), ON)],
    ["driver", programFacts(MODEL, hash("other driver"), ON)],
    ["chip", programFacts(MODEL, hash("driver"), { ...ON, soc: SM8350 })],
    ["backend", programFacts(MODEL, hash("driver"), { ...ON, backend: "cpu" })],
    ["encodings", programFacts({ ...MODEL, encodings: hash("x") }, hash("driver"), ON)],
    ["bound shape", programFacts({ ...MODEL, inputShapes: [] }, hash("driver"), ON)],
  ])("knows no program of another %s", async (_name, facts) => {
    const { programs } = cache();
    await programs.put(FACTS, utf8("program"), 1);
    expect(programKey(facts)).not.toBe(programKey(FACTS));
    expect(await programs.get(facts)).toBeUndefined();
  });

  test("does not believe a descriptor that was moved under another key", async () => {
    const { files, programs } = cache();
    await programs.put(FACTS, utf8("program"), 1);
    const other = programFacts(MODEL, hash("other driver"), ON);
    await files.move(`programs/${programKey(FACTS)}.json`, `programs/${programKey(other)}.json`);
    expect(await programs.get(other)).toBeUndefined();
  });

  test("counts a damaged program or descriptor as absent", async () => {
    const { files, programs } = cache();
    await programs.put(FACTS, utf8("program"), 1);
    await files.replaceFile(`blobs/${hash("program")}`, utf8("progrem"));
    expect(await programs.get(FACTS)).toBeUndefined();
    await files.replaceFile(`programs/${programKey(FACTS)}.json`, utf8("{"));
    expect(await programs.get(FACTS)).toBeUndefined();
    expect((await programs.descriptors()).size).toBe(0);
  });
});

test("reachable are a model's own blobs, programs of living drivers, and pinned programs of dead ones", async () => {
  const { programs } = cache();
  const drivers = ["current", "pinned", "dead"].map(hash);
  for (const [index, driver] of drivers.entries()) {
    await programs.put(programFacts(MODEL, driver, ON), utf8(`program ${index}`), 1);
  }
  const [current = hash(""), pinned = hash("")] = drivers;
  const reachable = await reachableWorkload(programs, {
    models: [MODEL],
    soc: SM8650,
    drivers: [current],
    pins: [{ model: MODEL.id, driver: pinned }],
  });
  const expected = ["program 0", "program 1", "model", "encodings", "in", "out"].map(hash);
  expect([...reachable.blobs].sort()).toEqual(expected.sort());
  // Of two drivers, for two backends.
  expect(reachable.programs.size).toBe(4);
});

test("a registered model survives the disk", async () => {
  const { files } = cache();
  await writeModel(files, MODEL);
  expect(await readModels(files)).toEqual([MODEL]);
});

describe("a run's values", () => {
  const ports = [PORT, { name: "z", dtype: "f32", shape: [3] }];
  test("split by port and join again", () => {
    const run = seededRun(ports, 1);
    const split = splitRun(run, ports);
    expect(split.get("z")?.length).toBe(3);
    expect(joinRun(split, ports)).toEqual(run);
    expect(runOfBytes(bytesOfRun(run.subarray(1)))).toEqual(run.slice(1));
  });

  test("that are missing are not numbers", () => {
    const joined = joinRun(new Map([["x", new Float32Array([1, 2])]]), ports);
    expect([...joined]).toEqual([1, 2, NaN, NaN, NaN]);
  });

  test("of one seed are the same, of another different", () => {
    expect(seededRun(ports, 1)).toEqual(seededRun(ports, 1));
    expect(seededRun(ports, 1)).not.toEqual(seededRun(ports, 2));
  });
});
