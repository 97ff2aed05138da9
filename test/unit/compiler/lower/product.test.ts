import { describe, test } from "@jest/globals";
import fc from "fast-check";
import type { Attribute } from "../../../../compiler/ir/index.ts";
import { checkGraph, int8Graph, TARGETS } from "./chip.ts";

interface ConvCase {
  readonly shape: readonly number[];
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

function convGraph(seed: number, { shape, out, kernel, attributes = {} }: ConvCase) {
  const g = int8Graph(seed);
  const x = g.input(shape);
  const group = attributes["group"];
  const perGroup = (shape[1] ?? 1) / (typeof group === "number" ? group : 1);
  const w = g.weights([out, perGroup, ...kernel], 0);
  return g.finish(g.node("conv", [x, w, g.bias(out)], attributes));
}

function check(seed: number, from: ConvCase): void {
  checkGraph(convGraph(seed, from), seed);
}

const SAME = { pads: [1, 1, 1, 1] };

describe("convolutions equal the evaluator in every bit", () => {
  test("1x1, channels and pixels that fill no crouton", () => {
    check(1, { shape: [1, 40, 9, 17], out: 70, kernel: [1, 1] });
  });
  test("3x3, padded, clamped", () => {
    const attributes = { ...SAME, clamp_min: 0, clamp_max: 2 };
    check(2, { shape: [1, 33, 16, 19], out: 32, kernel: [3, 3], attributes });
  });
  test("3x3 with stride 2 over an image of three channels", () => {
    const attributes = { pads: [0, 0, 1, 1], strides: [2, 2] };
    check(3, { shape: [1, 3, 32, 32], out: 16, kernel: [3, 3], attributes });
  });
  test("7x7 with stride 2 over an image of three channels", () => {
    const attributes = { pads: [3, 3, 3, 3], strides: [2, 2] };
    check(3, { shape: [1, 3, 30, 37], out: 8, kernel: [7, 7], attributes });
  });
  test("16x16 patches of an image, a row of which fills more than one channel tile", () => {
    check(3, {
      shape: [1, 3, 48, 64],
      out: 40,
      kernel: [16, 16],
      attributes: { strides: [16, 16] },
    });
  });
  test("5x3, dilated, unequal strides", () => {
    const attributes = { pads: [4, 2, 4, 2], dilations: [2, 2], strides: [2, 1] };
    check(4, { shape: [1, 8, 30, 26], out: 12, kernel: [5, 3], attributes });
  });
  test("groups that share channel tiles", () => {
    const attributes = { ...SAME, group: 6 };
    check(5, { shape: [1, 48, 10, 10], out: 96, kernel: [3, 3], attributes });
  });
  test("one filter a channel, 3x3", () => {
    const attributes = { ...SAME, group: 72, clamp_min: 0 };
    check(6, { shape: [1, 72, 20, 20], out: 72, kernel: [3, 3], attributes });
  });
  test("one filter a channel, 5x5 with stride 2", () => {
    const attributes = { pads: [2, 2, 2, 2], strides: [2, 2], group: 40 };
    check(7, { shape: [1, 40, 23, 14], out: 40, kernel: [5, 5], attributes });
  });
  test("one filter a channel, 7x7", () => {
    const attributes = { pads: [3, 3, 3, 3], group: 8 };
    check(8, { shape: [1, 8, 14, 14], out: 8, kernel: [7, 7], attributes });
  });
  test("weights in several parts", () => {
    check(9, { shape: [1, 160, 7, 7], out: 256, kernel: [3, 3], attributes: SAME });
  });
});

test("convolutions of any geometry equal the evaluator in every bit", () => {
  const size = fc.integer({ min: 5, max: 20 });
  const kernel = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));
  const pad = fc.integer({ min: 0, max: 3 });
  const two = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 }));
  const geometry = fc.record({
    ...{ height: size, width: size, kernel, strides: two },
    pads: fc.tuple(pad, pad, pad, pad),
    channels: fc.constantFrom(3, 8, 33),
    out: fc.constantFrom(8, 40),
    target: fc.constantFrom(...TARGETS),
    seed: fc.integer({ min: 1, max: 1000 }),
  });
  fc.assert(
    fc.property(geometry, ({ height, width, channels, out, target, seed, ...from }) => {
      const attributes = { strides: from.strides, pads: from.pads };
      const shape = [1, channels, height, width];
      checkGraph(convGraph(seed, { shape, out, kernel: from.kernel, attributes }), seed, [target]);
    }),
    { numRuns: 15 },
  );
});

test("matmul with a clamp and weights in several parts", () => {
  const g = int8Graph(20);
  const x = g.input([3, 300]);
  const y = g.node("matmul", [x, g.weights([300, 1000], 1), g.bias(1000)], { clamp_min: -1 });
  checkGraph(g.finish(y));
});

test("conv_transpose whose windows tile the output", () => {
  const g = int8Graph(21);
  const x = g.input([1, 24, 10, 7]);
  const w = g.weights([24, 20, 2, 2], 1);
  const up = g.node("conv_transpose", [x, w, g.bias(20)], { strides: [2, 2], clamp_min: 0 });
  checkGraph(g.finish(up, g.node("conv", [up, g.weights([8, 20, 3, 3], 0)])));
});
