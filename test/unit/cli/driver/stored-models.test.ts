/** Integer TFLite files through the driver's ABI: real numbers in, the evaluator's real numbers out. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { ModelSession } from "../../../../cli/driver/session.ts";
import { RELEASES } from "../../../../compiler/releases/index.ts";
import { openSession } from "../../../../device-agent/runtime/index.ts";
import { workerEngine } from "../../../../device-agent/index.ts";
import { SOCS } from "../../../../device-agent/soc/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { retile } from "../../../support/command-line.ts";
import { tfliteFile } from "../../../support/tflite-file.ts";
import type { SmallGraph, SmallTensor } from "../../../support/tflite-file.ts";

type Stored = "i8" | "u8";

const WINDOW = { padding: 0, strideX: 1, strideY: 1 };

/** A residual block, its mean, a dense layer over all of it, and softmax. */
function network(type: Stored): SmallGraph {
  const random = seededRandom(9);
  const low = type === "u8" ? 0 : -128;
  const middle = low + 120;
  const activation = (shape: readonly number[], scale: number): SmallTensor => {
    return { type, shape, scales: [scale], zeroPoints: [middle] };
  };
  const weights = (shape: readonly number[]): SmallTensor => ({
    ...{ type, shape, scales: [Math.fround(0.01)], zeroPoints: [type === "u8" ? 131 : 0] },
    data: Array.from({ length: shape.reduce((a, b) => a * b) }, () => low + random.below(256)),
  });
  const bias = (count: number): SmallTensor => ({
    ...{ type: "i32", shape: [count], scales: [Math.fround(0.0005)], zeroPoints: [0] },
    data: Array.from({ length: count }, () => random.below(2000) - 1000),
  });
  const image = [1, 6, 5, 4];
  return {
    tensors: {
      ...{ x: activation(image, 0.05), w: weights([4, 3, 3, 4]), b: bias(4) },
      ...{ made: activation(image, 0.07), sum: activation(image, 0.09) },
      pooled: activation([1, 3, 2, 4], 0.09),
      ...{ dense: weights([7, 24]), offsets: bias(7), scores: activation([1, 7], 0.1) },
      y: { type, shape: [1, 7], scales: [1 / 256], zeroPoints: [low] },
    },
    operators: [
      {
        ...{ code: "CONV_2D", inputs: ["x", "w", "b"], outputs: ["made"] },
        options: ["Conv2D", { ...WINDOW, activation: 1 }],
      },
      { code: "ADD", inputs: ["x", "made"], outputs: ["sum"], options: ["Add", {}] },
      {
        ...{ code: "AVERAGE_POOL_2D", inputs: ["sum"], outputs: ["pooled"] },
        options: ["Pool2D", { padding: 1, strideX: 2, strideY: 2, kernelX: 2, kernelY: 2 }],
      },
      {
        ...{ code: "FULLY_CONNECTED", inputs: ["pooled", "dense", "offsets"] },
        ...{ outputs: ["scores"], options: ["FullyConnected", {}] },
      },
      { code: "SOFTMAX", inputs: ["scores"], outputs: ["y"], options: ["Softmax", { beta: 0.05 }] },
    ],
    inputs: ["x"],
    outputs: ["y"],
  };
}

test.each(["i8", "u8"] as const)("a network of %s", (type) => {
  const recipe = present([...RELEASES.values()].at(-1), "a release");
  const random = seededRandom(4);
  const values = Float32Array.from({ length: 120 }, () => random.normal() * 3);
  const bytes = tfliteFile(network(type));
  const driver = new ModelSession(recipe, { name: "m", bytes, inputShapes: [], runs: [values] });
  const reference = unwrap(driver.reference());
  const port = { name: "x", dtype: "f32", shape: [1, 6, 5, 4] };
  expect(reference.inputPorts).toEqual([port]);
  const expected = new Float32Array(driver.driver.get(reference.outputs[0]!).slice().buffer);
  expect(new Set(expected).size).toBeGreaterThan(2);
  for (const soc of SOCS) {
    const { program } = unwrap(driver.compile(soc, "htp"));
    const session = unwrap(openSession(program, soc, workerEngine()));
    const { outputs } = unwrap(session.run(new Map([["x", values]])));
    expect({ soc: soc.name, y: outputs.get("y") }).toEqual({ soc: soc.name, y: expected });
  }
});

test("`driver trace` times it as it is stored", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trace-"));
  const model = join(folder, "m.tflite");
  writeFileSync(model, tfliteFile(network("u8")));
  const out = ["--out", join(folder, "trace.json"), "--top", "9"];
  const { report } = await retile("driver", "trace", model, "--soc", "sm8650", ...out);
  rmSync(folder, { recursive: true });
  const { microseconds, lowerBoundUs, operators } = report.summary;
  expect(microseconds).toBeGreaterThan(lowerBoundUs);
  expect(operators.length).toBeGreaterThan(4);
});
