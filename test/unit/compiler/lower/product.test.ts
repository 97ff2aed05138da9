import { describe, test } from "@jest/globals";
import { checkGraph, int8Graph } from "./chip.ts";

interface ConvCase {
  readonly shape: readonly number[];
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly attributes?: Record<string, number | readonly number[]>;
}

function checkConv(seed: number, from: ConvCase): void {
  const g = int8Graph(seed);
  const x = g.input(from.shape);
  const { group = 1 } = (from.attributes ?? {}) as { group?: number };
  const w = g.weights([from.out, (from.shape[1] ?? 1) / group, ...from.kernel], 0);
  checkGraph(g.finish(g.node("conv", [x, w, g.bias(from.out)], from.attributes)), seed);
}

describe("convolutions equal the evaluator in every bit", () => {
  test("1x1, channels and pixels that fill no crouton", () => {
    checkConv(1, { shape: [1, 40, 9, 17], out: 70, kernel: [1, 1] });
  });
  test("3x3, padded, clamped", () => {
    checkConv(2, { shape: [1, 33, 16, 19], out: 32, kernel: [3, 3], attributes: { pads: [1, 1, 1, 1], clamp_min: 0, clamp_max: 2 } });
  });
  test("3x3 with stride 2 over an image of three channels", () => {
    checkConv(3, { shape: [1, 3, 32, 32], out: 16, kernel: [3, 3], attributes: { pads: [0, 0, 1, 1], strides: [2, 2] } });
  });
  test("5x3, dilated, unequal strides", () => {
    checkConv(4, { shape: [1, 8, 30, 26], out: 12, kernel: [5, 3], attributes: { pads: [4, 2, 4, 2], dilations: [2, 2], strides: [2, 1] } });
  });
  test("groups that share channel tiles", () => {
    checkConv(5, { shape: [1, 48, 10, 10], out: 96, kernel: [3, 3], attributes: { pads: [1, 1, 1, 1], group: 6 } });
  });
  test("one filter a channel, 3x3", () => {
    checkConv(6, { shape: [1, 72, 20, 20], out: 72, kernel: [3, 3], attributes: { pads: [1, 1, 1, 1], group: 72, clamp_min: 0 } });
  });
  test("one filter a channel, 5x5 with stride 2", () => {
    checkConv(7, { shape: [1, 40, 23, 14], out: 40, kernel: [5, 5], attributes: { pads: [2, 2, 2, 2], strides: [2, 2], group: 40 } });
  });
  test("one filter a channel, 7x7", () => {
    checkConv(8, { shape: [1, 8, 14, 14], out: 8, kernel: [7, 7], attributes: { pads: [3, 3, 3, 3], group: 8 } });
  });
  test("weights in several parts", () => {
    checkConv(9, { shape: [1, 256, 7, 7], out: 512, kernel: [3, 3], attributes: { pads: [1, 1, 1, 1] } });
  });
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
  const y = g.node("conv_transpose", [x, g.weights([24, 20, 2, 2], 1), g.bias(20)], { strides: [2, 2], clamp_min: 0 });
  checkGraph(g.finish(y));
});
