/** Recurrent layers of stored numbers: what they are written out as means the same, and runs on the chip. */
import { describe, expect, test } from "@jest/globals";
import { evaluate } from "../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../compiler/ir/index.ts";
import { adopt } from "../../../../compiler/passes/index.ts";
import { PARITY } from "../../../../compiler/releases/index.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { randomInputs } from "../../../support/chip-run.ts";
import { lstm, svdf } from "../../../support/recurrent-layers.ts";
import { checkGraph, CHIPS } from "./chip.ts";

const TARGETS = CHIPS.flatMap((soc) =>
  ["1.1.0", PARITY.version].map((version) => ({ version, soc })),
);

/** Written out, the graph means the same; and the chip computes that. */
function check(graph: Graph): void {
  const adopted = unwrap(adopt(graph));
  expect(adopted.nodes.map(({ op }) => op)).not.toContain(graph.nodes[0]?.op);
  for (const seed of [1, 2, -3]) {
    const inputs = randomInputs(graph, seed);
    const numbers = (of: Graph) =>
      [...evaluate(of, inputs)].map(([name, { data }]) => [name, data]);
    expect(numbers(adopted)).toEqual(numbers(graph));
  }
  checkGraph(adopted, 1, TARGETS);
  checkGraph(adopted, -5, TARGETS.slice(0, 1));
}

describe("fixed_svdf", () => {
  for (const layer of [
    { memory: "i16", rank: 1, steps: 8, low: -128 },
    { memory: "i8", rank: 2, steps: 3, low: -17 },
    { memory: "i16", rank: 3, steps: 1, low: -17 },
  ] as const) {
    const { memory, rank, steps } = layer;
    test(`${steps} steps of ${memory} at rank ${rank}`, () => check(svdf(layer)));
  }
});

describe("fixed_lstm", () => {
  const common = { steps: 3, features: 28, units: 20 };
  test("recurrent products within 16 bits, a clipped cell, steps first", () =>
    check(lstm({ ...common, scale: 0.001, cellScale: 2 ** -11, clip: 6, timeMajor: 1 })));
  test("recurrent products beyond 16 bits, units that fill no tile", () =>
    check(lstm({ ...common, units: 37, scale: 0.02, cellScale: 2 ** -12, clip: 0, timeMajor: 0 })));
  test("one step of an aligned layer", () =>
    check(
      lstm({
        ...common,
        steps: 1,
        units: 32,
        scale: 0.006,
        cellScale: 2 ** -15,
        clip: 0,
        timeMajor: 0,
      }),
    ));
});
