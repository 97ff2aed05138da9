import { describe, expect, test } from "@jest/globals";
import { compileCpu, cpuRunner } from "../../../../../compiler/codegen/cpu/index.ts";
import { evaluate } from "../../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../../compiler/ir/index.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";
import { expectClose } from "./compare.ts";
import { builtGraph, ocrGraph, randomInputs } from "./models.ts";

const SEED = 11;
const TOLERANCE = 2e-4;
/** The fastest counts: other work on the machine only ever adds time. */
const TIMED_RUNS = 5;

interface Bars {
  readonly compileMillisecondsMax: number;
  readonly inferenceMillisecondsMax: number;
}

const NETWORKS: readonly (readonly [string, () => Graph, Bars])[] = [
  [
    "text-orientation classifier",
    () => ocrGraph("classifier", [1, 3, 48, 192]),
    { compileMillisecondsMax: 1000, inferenceMillisecondsMax: 50 },
  ],
  [
    "text detector",
    () => ocrGraph("detector", [1, 3, 320, 320]),
    { compileMillisecondsMax: 1000, inferenceMillisecondsMax: 500 },
  ],
  [
    "SqueezeNet 1.1",
    () => builtGraph("squeezenet1_1"),
    { compileMillisecondsMax: 1000, inferenceMillisecondsMax: 150 },
  ],
  [
    "MobileNetV2",
    () => builtGraph("mobilenet_v2"),
    { compileMillisecondsMax: 1000, inferenceMillisecondsMax: 150 },
  ],
  [
    "ResNet-50",
    () => builtGraph("resnet50"),
    { compileMillisecondsMax: 4000, inferenceMillisecondsMax: 1000 },
  ],
];

describe("one full inference agrees with the evaluator, within its time", () => {
  test.each(NETWORKS)("%s", (_name, load, bars) => {
    const graph = load();
    const started = performance.now();
    const program = unwrap(compileCpu(graph));
    const compileMilliseconds = performance.now() - started;
    const inputs = randomInputs(graph, SEED);
    const runner = cpuRunner(program);
    const outputs = runner.run(inputs);
    const inferenceMilliseconds = Math.min(
      ...Array.from({ length: TIMED_RUNS }, () => {
        const before = performance.now();
        runner.run(inputs);
        return performance.now() - before;
      }),
    );
    const tensors = new Map(
      [...inputs].map(([name, data]) => [name, { type: graph.types.get(name)!, data }]),
    );
    for (const [name, expected] of evaluate(graph, tensors)) {
      expectClose(name, outputs.get(name)!, expected, TOLERANCE);
    }
    expect(compileMilliseconds).toBeLessThan(bars.compileMillisecondsMax);
    expect(inferenceMilliseconds).toBeLessThan(bars.inferenceMillisecondsMax);
  });
});
