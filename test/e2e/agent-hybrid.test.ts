/** A model of which the HTP has all but the last step: one program of two segments, installed, measured and recompiled. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { buildBundle, releaseSource } from "../../cli/driver/build-bundle.ts";
import { floats, ints, onnxFile, onnxNode } from "../unit/compiler/frontend/onnx-file.ts";
import { importModel } from "../../compiler/frontend/import.ts";
import { evaluate, tensorFrom } from "../../compiler/ir/index.ts";
import { signalToNoiseDb } from "../../compiler/quant/index.ts";
import { createAgent, type Agent } from "../../device-agent/index.ts";
import { brand, type ModelId } from "../../protocol/base/brand.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { deviceServer, type DeviceServer } from "../support/device-server.ts";
import { modelOf, optionsFor, told } from "../support/test-agent.ts";

const LARGEST = brand<ModelId>("largest");
const CHANNELS = 96;
const SIZE = 48;

/** x f32[1,3,48,48] -> two convolutions -> the largest of each pixel's channels, which the HTP has nothing for. */
function model(): Uint8Array {
  const random = seededRandom(3);
  const windows = [ints("pads", [1, 1, 1, 1]), ints("strides", [2, 2])];
  const weights = (name: string, from: number) => {
    const reach = 1 / Math.sqrt(from * 9);
    const values = Array.from({ length: CHANNELS * from * 9 }, () => random.normal() * reach);
    return floats(name, [CHANNELS, from, 3, 3], values);
  };
  return onnxFile({
    nodes: [
      onnxNode("Conv", [["x", "w"], ["a"]], windows),
      onnxNode("Relu", [["a"], ["b"]]),
      onnxNode("Conv", [["b", "v"], ["y"]], windows),
      onnxNode("ReduceMax", [["y"], ["z"]], [ints("axes", [1])]),
    ],
    initializers: [weights("w", 3), weights("v", CHANNELS)],
    inputs: { x: [1, 3, SIZE, SIZE] },
    outputs: ["z"],
  });
}

const MODEL = model();
let home = "";
let server: DeviceServer;
let agent: Agent;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "retile-hybrid-"));
  server = await deviceServer();
  const [before, after] = await Promise.all(
    ["1.0.0", "1.1.0"].map((version) => buildBundle(releaseSource(version))),
  );
  await server.publish([before!.bytes, after!.bytes], after!.bytes);
  agent = createAgent(optionsFor(join(home, "device"), server, {}));
  unwrap(await agent.init(before!.bytes, server.root));
  unwrap(await agent.enrol("token"));
  unwrap(await agent.registerModel(modelOf(LARGEST, MODEL)));
});

afterAll(() => rm(home, { recursive: true }));

/** The segments' kinds, and how well the numbers are those of the float model. */
async function run(): Promise<{ readonly kinds: string; readonly snrDb: number }> {
  const random = seededRandom(7);
  const x = tensorFrom({ dtype: "f32", shape: [1, 3, SIZE, SIZE] }, () => random.normal());
  const ran = unwrap(await agent.run(LARGEST, new Map([["x", x.data as Float32Array]])));
  const { segments, microseconds, cpuMicroseconds } = ran.timing;
  const chip = segments.map((one) => (one.kind === "htp" ? one.timing.microseconds : 0));
  expect(microseconds).toBe(chip.reduce((sum, each) => sum + each, 0) + cpuMicroseconds);
  const expected = evaluate(unwrap(importModel(MODEL)), new Map([["x", x]])).get("z")!.data;
  const snrDb = signalToNoiseDb([...(expected as Float32Array)], [...ran.outputs.get("z")!]);
  return { kinds: segments.map(({ kind }) => kind).join(" "), snrDb };
}

test("runs on the HTP, and its last step on the CPU", async () => {
  const { kinds, snrDb } = await run();
  expect(kinds).toBe("htp cpu");
  expect(snrDb).toBeGreaterThan(20);
  expect(await readdir(join(home, "device/programs"))).toHaveLength(1);
  const { models } = unwrap(await agent.status());
  expect(models[0]?.microseconds).toBeGreaterThan(0);
});

test("follows its driver: recompiled in segments, compared with its goldens and measured by running", async () => {
  const outcome = unwrap(await agent.poll());
  expect(outcome).toMatchObject({ kind: "committed", to: { version: "1.1.0" } });
  expect(told(server)).toBe("accepted installed compiled kept measured committed");
  const [measured] = server.reports.flatMap(({ body }) =>
    body.kind === "model_outcome" && body.verdict.kind === "kept" ? [body.verdict.measured] : [],
  );
  expect(measured?.afterMicroseconds).toBeGreaterThan(0);
  expect(measured?.outputSnrDb).toBeGreaterThan(20);
  const { kinds, snrDb } = await run();
  expect(kinds).toBe("htp cpu");
  expect(snrDb).toBeGreaterThan(20);
});
