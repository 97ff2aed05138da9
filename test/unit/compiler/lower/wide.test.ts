/** int16 activations by int8 weights: what the chip gives equals the evaluator in every bit. */
import { describe, test } from "@jest/globals";
import { quantize } from "../../../../compiler/quant/index.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { CHIPS, checkGraph } from "./chip.ts";
import { attention, clampedConvolution, floatGraph } from "./float-graph.ts";
import type { Float } from "./float-graph.ts";

const TARGETS = CHIPS.map((soc) => ({ version: "1.1.0", soc }));
const PARITY_TARGETS = CHIPS.slice(0, 1).map((soc) => ({ version: "parity", soc }));

function check(make: (g: Float) => string, targets = TARGETS): void {
  const g = floatGraph(2);
  const graph = g.builder.finish([make(g)]);
  const ranges = new Map([...graph.types.keys()].map((name) => [name, { min: -3, max: 4 }]));
  checkGraph(unwrap(quantize(graph, ranges, "i16")), 1, targets);
}

describe("w8a16", () => {
  test("3x3 convolution with stride and padding, clamped", () => check(clampedConvolution));
  test("an image turned on its way in, in windows and as it is", () =>
    check(
      (g) => {
        const image = g.input([1, 3, 20, 22]);
        const pads = [1, 1, 1, 1];
        return g.node("conv", [image, g.constant([33, 3, 3, 3])], { strides: [2, 2], pads });
      },
      [...TARGETS, ...PARITY_TARGETS],
    ));
  test("an image turned on its way in, with several readers", () =>
    check((g) => {
      const image = g.input([1, 3, 20, 22]);
      const pads = [1, 1, 1, 1];
      const filtered = g.node("conv", [image, g.constant([3, 3, 3, 3])], { pads });
      return g.node("add", [filtered, image], {});
    }, PARITY_TARGETS));
  for (const kernel of [3, 5]) {
    test(`${kernel}x${kernel} depthwise`, () =>
      check((g) => {
        const pad = (kernel - 1) / 2;
        const weights = [g.constant([40, 1, kernel, kernel]), g.constant([40])];
        const pads = [pad, pad, pad, pad];
        return g.node("conv", [g.input([1, 40, 9, 10]), ...weights], { group: 40, pads });
      }));
  }
  test("a matrix on tokens, normalised", () =>
    check((g) => {
      const y = g.node("matmul", [g.input([1, 21, 70]), g.constant([70, 40])]);
      return g.node("layer_norm", [y, g.constant([40]), g.constant([40])]);
    }));
  test("two heads of attention, whose tokens fill no channel tile", () => check(attention));
  test("softmax over more channels than one run takes", () =>
    check((g) => g.node("softmax", [g.input([1, 9, 430])], { axis: -1 })));
  for (const op of ["add", "sub", "mul"]) {
    test(`${op} of two tensors and of a pixel`, () =>
      check((g) => {
        const x = g.input([1, 40, 9, 13]);
        const sum = g.node(op, [x, g.input([1, 40, 9, 13])], { clamp_max: 1 });
        return g.node("mul", [sum, g.node("sigmoid", [g.input([1, 40, 1, 1])])]);
      }));
  }
  test("pooling", () =>
    check((g) => {
      const window = { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
      const largest = g.node("max_pool", [g.input([1, 40, 15, 17])], window);
      const mean = g.node("average_pool", [largest], { kernel: [2, 2], strides: [2, 2] });
      return g.node("global_average_pool", [mean]);
    }));
  test("concatenation, slices and linear resize", () =>
    check((g) => {
      const parts = [g.input([1, 24, 5, 9]), g.input([1, 40, 5, 9])];
      const all = g.node("concat", parts, { axis: 1 });
      const cut = { starts: [0, 5, 1, 0], ends: [1, 60, 5, 9], steps: [1, 1, 1, 2] };
      const scales = { sizes: [32, 40], scales: [8, 8] };
      return g.node("resize", [g.node("slice", [all], cut)], { mode: "linear", ...scales });
    }));
});
