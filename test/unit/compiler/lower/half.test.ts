/** fp16: what the chip gives equals the evaluator in every bit. */
import { describe, test } from "@jest/globals";
import { toHalf } from "../../../../compiler/quant/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import { CHIPS, checkGraph } from "./chip.ts";
import { attention, clampedConvolution, floatGraph } from "./float-graph.ts";
import type { Float } from "./float-graph.ts";

/** Products in fp16, but not all functions. */
const SM8450 = present(socNamed("sm8450"), "chip");

/** sm8350 has no fp16. */
const TARGETS = CHIPS.filter(({ features }) => features.includes("fp16")).flatMap((soc) =>
  ["1.0.0", "1.1.0"].map((version) => ({ version, soc })),
);

const PARITY_TARGETS = [{ version: "parity", soc: SM8450 }];

function check(make: (g: Float) => string, targets = TARGETS): void {
  const g = floatGraph(1);
  const graph = g.builder.finish([make(g)]);
  checkGraph(unwrap(toHalf(graph)), 1, targets);
}

describe("products", () => {
  test("3x3 convolution with stride and padding, clamped", () => check(clampedConvolution));
  test("the first convolution of an image", () =>
    check((g) =>
      g.node("conv", [g.input([1, 3, 20, 22]), g.constant([33, 3, 3, 3])], {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      }),
    ));
  test("an image turned on its way in, in patches a row of which fills more than one channel tile", () =>
    check(
      (g) =>
        g.node("conv", [g.input([1, 3, 48, 64]), g.constant([40, 3, 16, 16]), g.constant([40])], {
          strides: [16, 16],
        }),
      [...TARGETS, ...PARITY_TARGETS],
    ));
  test("an image turned on its way in, in windows with a margin", () =>
    check(
      (g) =>
        g.node("conv", [g.input([1, 3, 30, 37]), g.constant([33, 3, 7, 7])], {
          strides: [2, 2],
          pads: [3, 3, 3, 3],
        }),
      PARITY_TARGETS,
    ));
  test("groups of a few channels, dilated", () =>
    check((g) =>
      g.node("conv", [g.input([1, 64, 9, 10]), g.constant([64, 16, 3, 3])], {
        group: 4,
        pads: [2, 2, 2, 2],
        dilations: [2, 2],
      }),
    ));
  test("enlargement keeps the sign of zero", () =>
    check((g) => {
      const x = g.node("neg", [g.node("relu", [g.input([1, 24, 5, 9])])]);
      const sizes = { sizes: [20, 9], scales: [4, 1] };
      return g.node("resize", [x], { ...sizes, coordinates: "asymmetric", nearest: "floor" });
    }));
  for (const op of ["reciprocal", "log"]) {
    test(`channels that fill no tile, of a ${op}, which is infinite at zero`, () =>
      check((g) => {
        const x = g.node(op, [g.node("abs", [g.input([1, 24, 5, 9])])]);
        return g.node("conv", [x, g.constant([8, 24, 3, 3])]);
      }));
  }
  for (const [kernel, stride] of [
    [3, 1],
    [5, 2],
    [7, 1],
  ] as const) {
    test(`${kernel}x${kernel} depthwise, stride ${stride}`, () =>
      check((g) => {
        const pad = (kernel - 1) / 2;
        const weights = [g.constant([40, 1, kernel, kernel]), g.constant([40])];
        return g.node("conv", [g.input([1, 40, 14, 15]), ...weights], {
          group: 40,
          strides: [stride, stride],
          pads: [pad, pad, pad, pad],
        });
      }));
  }
  test("a transposed convolution whose windows tile the image", () =>
    check((g) =>
      g.node(
        "conv_transpose",
        [g.input([1, 24, 7, 9]), g.constant([24, 5, 2, 2]), g.constant([5])],
        {
          strides: [2, 2],
        },
      ),
    ));
  test("a matrix on tokens", () =>
    check((g) => g.node("matmul", [g.input([1, 21, 70]), g.constant([70, 40]), g.constant([40])])));
  test("two heads of attention", () => check(attention));
});

describe("elementwise", () => {
  for (const op of ["add", "sub", "mul"]) {
    test(`${op} of two tensors, of a pixel, of constants`, () =>
      check((g) => {
        const x = g.input([1, 40, 9, 13]);
        const sum = g.node(op, [x, g.input([1, 40, 9, 13])], { clamp_max: 1 });
        const scaled = g.node(op, [sum, g.input([1, 40, 1, 1])]);
        return g.node(op, [scaled, g.constant([40, 1, 1])]);
      }));
  }
  for (const op of ["sigmoid", "hard_swish", "gelu", "hard_sigmoid", "tanh", "relu"]) {
    test(op, () => check((g) => g.node(op, [g.input([1, 33, 7, 9])])));
  }
  for (const op of ["tanh", "erf", "cos"]) {
    test(`${op} on a chip without it`, () =>
      check((g) => g.node(op, [g.input([1, 33, 7, 9])]), [{ version: "1.1.0", soc: SM8450 }]));
  }
});

describe("reductions and moves", () => {
  test("pooling", () =>
    check((g) => {
      const x = g.input([1, 40, 15, 17]);
      const window = { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
      const largest = g.node("max_pool", [x], window);
      const mean = g.node("average_pool", [largest], { kernel: [2, 2], strides: [2, 2] });
      return g.node("global_average_pool", [mean]);
    }));
  test("the mean of a large plane", () =>
    check((g) => g.node("global_average_pool", [g.input([1, 70, 19, 21])])));
  test("normalisation and softmax over channels", () =>
    check((g) => {
      const norm = g.node("layer_norm", [g.input([1, 21, 70]), g.constant([70]), g.constant([70])]);
      return g.node("softmax", [norm], { axis: -1 });
    }));
  test("concatenation of parts that begin inside channel tiles", () =>
    check((g) => g.node("concat", [g.input([1, 24, 5, 9]), g.input([1, 40, 5, 9])], { axis: 1 })));
  test("slices of channels and pixels", () =>
    check((g) =>
      g.node("slice", [g.input([1, 70, 9, 13])], {
        starts: [0, 5, 1, 0],
        ends: [1, 40, 8, 13],
        steps: [1, 1, 1, 2],
      }),
    ));
  test("nearest resize", () =>
    check((g) =>
      g.node("resize", [g.input([1, 40, 5, 9])], {
        sizes: [10, 18],
        scales: [2, 2],
        coordinates: "asymmetric",
        nearest: "floor",
      }),
    ));
  for (const sizes of [
    [40, 72],
    [13, 32],
  ] as const) {
    test(`linear resize to ${sizes.join(" x ")}`, () =>
      check((g) =>
        g.node("resize", [g.input([1, 40, 5, 9])], {
          mode: "linear",
          sizes,
          scales: [sizes[0] / 5, sizes[1] / 9],
        }),
      ));
  }
});
