/** A model that no driver lowers to the HTP: the driver generates WebAssembly, the agent runs and measures it. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { buildBundle, releaseSource } from "../../cli/driver/build-bundle.ts";
import { floats, ints, onnxFile, onnxNode } from "../unit/compiler/frontend/onnx-file.ts";
import { importModel } from "../../compiler/frontend/import.ts";
import { evaluate, tensorFrom } from "../../compiler/ir/index.ts";
import { createAgent, type Agent } from "../../device-agent/index.ts";
import { workerEngine } from "../../device-agent/shell/cpu/engine.ts";
import { brand, type ModelId } from "../../protocol/base/brand.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { deviceServer, type DeviceServer } from "../support/device-server.ts";
import { modelOf, optionsFor, told, type DeviceOptions } from "../support/test-agent.ts";

const PRODUCTS = brand<ModelId>("products");
/** x f32[1,3,16,16] -> convolution -> the product over its channels, which the HTP has nothing for. */
const MODEL = onnxFile({
  nodes: [
    onnxNode("Conv", [["x", "w"], ["y"]], [ints("pads", [1, 1, 1, 1])]),
    onnxNode("ReduceProd", [["y"], ["z"]], [ints("axes", [1])]),
  ],
  initializers: [
    floats(
      "w",
      [4, 3, 3, 3],
      Array.from({ length: 4 * 27 }, (_, index) => ((index * 7) % 11) / 11 - 0.5),
    ),
  ],
  inputs: { x: [1, 3, 16, 16] },
  outputs: ["z"],
});

let home = "";
let server: DeviceServer;
let agent: Agent;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "retile-cpu-"));
  server = await deviceServer();
  const [before, after] = await Promise.all(
    ["1.0.0", "1.1.0"].map((version) => buildBundle(releaseSource(version))),
  );
  await server.publish([before!.bytes, after!.bytes], after!.bytes);
  agent = open();
  unwrap(await agent.init(before!.bytes, server.root));
  unwrap(await agent.enrol("token"));
  unwrap(await agent.registerModel(modelOf(PRODUCTS, MODEL)));
});

afterAll(() => rm(home, { recursive: true }));

function open(options: DeviceOptions = {}): Agent {
  return createAgent(optionsFor(join(home, "device"), server, options));
}

function isNear(actual: number, expected: number): boolean {
  return Math.abs(actual - expected) <= 2e-5 * (1 + Math.abs(expected));
}

test("runs on the CPU, with the evaluator's numbers and a time of its own", async () => {
  const random = seededRandom(7);
  const x = tensorFrom({ dtype: "f32", shape: [1, 3, 16, 16] }, () => random.normal());
  const ran = unwrap(await agent.run(PRODUCTS, new Map([["x", x.data as Float32Array]])));
  const expected = evaluate(unwrap(importModel(MODEL)), new Map([["x", x]])).get("z")!.data;
  const actual = [...ran.outputs.get("z")!];
  expect(actual.length).toBe(256);
  expect(actual.every((value, index) => isNear(value, Number(expected[index])))).toBe(true);
  expect(ran.timing.microseconds).toBeGreaterThan(0);
  const { models, score } = unwrap(await agent.status());
  expect(models[0]?.microseconds).toBeGreaterThan(0);
  expect(score).toBeCloseTo(1000, 6);
});

test("follows its driver: recompiled, compared with its goldens and measured, both by running", async () => {
  const outcome = unwrap(await agent.poll());
  expect(outcome).toMatchObject({ kind: "committed", to: { version: "1.1.0" } });
  expect(told(server)).toBe("accepted installed compiled kept measured committed");
  const [report] = server.reports.flatMap(({ body }) =>
    body.kind === "model_outcome" && body.verdict.kind === "kept" ? [body.verdict.measured] : [],
  );
  expect(report?.beforeMicroseconds).toBeGreaterThan(0);
  expect(report?.afterCycles).toBeGreaterThan(0);
});

test("whose program never ends is killed, and the agent lives on", async () => {
  const impatient = open({ cpu: workerEngine({ timeMsMax: 1, idleMsMax: 1000 }) });
  const x = new Float32Array(3 * 256);
  expect(await impatient.run(PRODUCTS, new Map([["x", x]]))).toMatchObject({ code: "CPU_TIMEOUT" });
  expect((await agent.run(PRODUCTS, new Map([["x", x]]))).ok).toBe(true);
});

test("has its CPU programs swept with their driver", async () => {
  const programs = await readdir(join(home, "device/programs"));
  await writeFile(join(home, "device/programs/stray.json"), "{}");
  unwrap(await agent.unregisterModel(PRODUCTS));
  expect(programs.length).toBe(2);
  expect(await readdir(join(home, "device/programs"))).toEqual([]);
});
