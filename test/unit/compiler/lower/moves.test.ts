/** Moves of pixels and channels, and what transformers are made of, in int8. */
import { describe, test } from "@jest/globals";
import { softmaxTable, tensorFrom } from "../../../../compiler/ir/index.ts";
import { CHIPS, checkGraph, int8Graph } from "./chip.ts";

const TARGETS = CHIPS.slice(0, 1).map((soc) => ({ version: "1.1.0", soc }));

describe("moves equal the evaluator in every bit", () => {
  test("slices of channels and of pixels, every other one too", () => {
    const g = int8Graph(1);
    const x = g.input([1, 70, 9, 13]);
    const quantization = g.encodingOf(x);
    const cut = (starts: number[], ends: number[], steps: number[]): string =>
      g.node("slice", [x], { starts, ends, steps, quantization });
    const channels = cut([0, 20, 0, 0], [1, 66, 9, 13], [1, 1, 1, 1]);
    const pixels = cut([0, 0, 2, 1], [1, 70, 9, 12], [1, 1, 2, 3]);
    const both = cut([0, 5, 1, 0], [1, 40, 8, 13], [1, 1, 1, 2]);
    checkGraph(g.finish(channels, pixels, both), 1, TARGETS);
  });
  test("padding with zeros", () => {
    const g = int8Graph(2);
    const x = g.input([1, 40, 6, 7]);
    const attributes = { before: [0, 0, 1, 2], after: [0, 0, 3, 0], quantization: g.encodingOf(x) };
    checkGraph(g.finish(g.node("pad", [x], attributes)), 1, TARGETS);
  });
  test("a channel shuffle: reshape, transpose, reshape", () => {
    const g = int8Graph(3);
    const x = g.input([1, 48, 7, 10]);
    const quantization = g.encodingOf(x);
    const split = g.node("reshape", [x], { shape: [1, 2, 24, 7, 10], quantization });
    const turned = g.node("transpose", [split], { perm: [0, 2, 1, 3, 4], quantization });
    const y = g.node("reshape", [turned], { shape: [1, 48, 7, 10], quantization });
    checkGraph(g.finish(g.node("conv", [y, g.weights([8, 48, 1, 1], 0)])), 1, TARGETS);
  });
  test("shuffled channels by a pixel in the usual order", () => {
    const g = int8Graph(3);
    const x = g.input([1, 33, 5, 3]);
    const quantization = g.encodingOf(x);
    const split = g.node("reshape", [x], { shape: [1, 11, 3, 5, 3], quantization });
    const turned = g.node("transpose", [split], { perm: [0, 2, 1, 3, 4], quantization });
    const y = g.node("reshape", [turned], { shape: [1, 33, 5, 3], quantization });
    checkGraph(g.finish(g.node("add", [y, g.input([1, 33, 1, 1])])), 1, TARGETS);
  });
  test("an image beside one whose channels were shuffled", () => {
    const g = int8Graph(3);
    const x = g.input([1, 16, 6, 4]);
    const quantization = g.encodingOf(x);
    const split = g.node("reshape", [x], { shape: [1, 8, 2, 6, 4], quantization });
    const turned = g.node("transpose", [split], { perm: [0, 2, 1, 3, 4], quantization });
    const y = g.node("reshape", [turned], { shape: [1, 16, 6, 4], quantization });
    const other = g.builder.input("other", { dtype: "i8", shape: [1, 16, 6, 2], quantization });
    const all = g.node("concat", [other, y], { axis: 3, quantization });
    checkGraph(g.finish(all), 1, TARGETS);
  });
  test("ports with their channels last", () => {
    const g = int8Graph(7);
    const x = g.input([1, 6, 9, 5]);
    const turned = { perm: [0, 3, 1, 2], quantization: g.encodingOf(x) };
    const image = g.node("transpose", [x], turned);
    const y = g.node("conv", [image, g.weights([7, 5, 3, 3], 0)], { pads: [1, 1, 1, 1] });
    const back = { perm: [0, 2, 3, 1], quantization: g.encodingOf(y) };
    checkGraph(g.finish(g.node("transpose", [y], back)), 1, TARGETS);
  });
  test("images of different widths beside each other, and one column of them all", () => {
    const g = int8Graph(9);
    const quantization = g.fresh();
    const parts = [3, 1, 2].map((width) =>
      g.builder.input(`part${width}`, { dtype: "i8", shape: [1, 8, 9, width], quantization }),
    );
    const all = g.node("concat", parts, { axis: 3, quantization });
    const attributes = { starts: [0, 0, 0, 4], ends: [1, 8, 9, 5], steps: [1, 1, 1, 1] };
    checkGraph(g.finish(all, g.node("slice", [all], { ...attributes, quantization })), 1, TARGETS);
  });
  test("a class token before the patches of an image, and a position for each", () => {
    const g = int8Graph(4);
    const x = g.input([1, 40, 5, 6]);
    const quantization = g.encodingOf(x);
    const rows = g.node("reshape", [x], { shape: [1, 40, 30], quantization });
    const tokens = g.node("transpose", [rows], { perm: [0, 2, 1], quantization });
    const constant = (name: string, shape: readonly number[]): string =>
      g.builder.constant(
        name,
        tensorFrom({ dtype: "i8", shape, quantization }, () => g.random.below(256) - 128),
      );
    const all = g.node("concat", [constant("class", [1, 1, 40]), tokens], {
      axis: 1,
      quantization,
    });
    const y = g.node("add", [all, constant("positions", [1, 31, 40])]);
    const attributes = { starts: [0, 0, 0], ends: [1, 1, 40], steps: [1, 1, 1] };
    const first = g.node("slice", [y], { ...attributes, quantization: g.encodingOf(y) });
    checkGraph(g.finish(y, first), 1, TARGETS);
  });
});

test("ports hold axes of tokens and of channels in their order", () => {
  const g = int8Graph(9);
  const x = g.input([3, 5, 10, 7]);
  const tokens = g.node("reshape", [x], { shape: [15, 70], quantization: g.encodingOf(x) });
  const y = g.node("matmul", [tokens, g.weights([70, 48], 1)]);
  const shape = [3, 5, 6, 8];
  checkGraph(
    g.finish(g.node("reshape", [y], { shape, quantization: g.encodingOf(y) })),
    1,
    TARGETS,
  );
});

describe("what was moved is padded by its zero point", () => {
  const pads = [1, 1, 1, 1];
  test("a pad by another number, a slice, and pixels and channels picked by indices", () => {
    const g = int8Graph(3);
    const x = g.input([1, 20, 13, 17]);
    const quantization = g.encodingOf(x);
    const indices = (name: string, ...values: number[]): string =>
      g.builder.constant(
        name,
        tensorFrom({ dtype: "i64", shape: [values.length] }, (at) => values[at] ?? 0),
      );
    const cut = { starts: [0, 0, 1, 2], ends: [1, 20, 12, 15], steps: [1, 1, 1, 1], quantization };
    const half = { before: [0, 0, 1, 0], after: [0, 0, 1, 0], value: 0.5, quantization };
    const moved = [
      g.node("pad", [x], half),
      g.node("slice", [x], cut),
      g.node("gather", [x, indices("rows", 3, -1, 0, 3, 7)], { axis: 2, quantization }),
      g.node("gather", [x, indices("channels", 19, 4, 4, -20)], { axis: 1, quantization }),
    ];
    const outputs = moved.map((value) => {
      const channels = g.builder.typeOf(value).shape[1] ?? 1;
      return g.node("conv", [value, g.weights([32, channels, 3, 3], 0)], { pads });
    });
    checkGraph(g.finish(...outputs), 1, TARGETS);
  });
});

describe("attention and normalisation equal the evaluator in every bit", () => {
  test("layer normalisation over channels", () => {
    const g = int8Graph(5);
    const parameter = (name: string, channels: number): string =>
      g.builder.constant(
        name,
        tensorFrom({ dtype: "f32", shape: [channels] }, () => g.random.uniform() * 2 - 1),
      );
    const x = g.input([1, 21, 70]);
    const y = g.node("lane_norm", [x, parameter("s", 70), parameter("b", 70)], {
      quantization: { scales: [Math.fround(0.02)], zeroPoints: [3] },
    });
    checkGraph(g.finish(y), 1, TARGETS);
  });
  test("two heads: scores, softmax over each, and the mix of the values", () => {
    const g = int8Graph(6);
    const symmetric = (scale: number) => ({ scales: [Math.fround(scale)], zeroPoints: [0] });
    const x = g.input([1, 45, 64]);
    const part = (scale: number): string =>
      g.node("matmul", [x, g.weights([64, 64], 1)], { quantization: symmetric(scale) });
    const heads = (value: string): string => {
      const quantization = g.encodingOf(value);
      const split = g.node("reshape", [value], { shape: [1, 45, 2, 32], quantization });
      return g.node("transpose", [split], { perm: [0, 2, 1, 3], quantization });
    };
    const [q, k, v] = [heads(part(0.05)), heads(part(0.04)), heads(part(0.03))];
    const turned = { perm: [0, 1, 3, 2], quantization: g.encodingOf(k) };
    const scores = g.node("matmul", [q, g.node("transpose", [k], turned)]);
    const { scales } = g.encodingOf(scores);
    const table = g.builder.constant("exponentials", {
      type: { dtype: "i32", shape: [256] },
      data: softmaxTable(scales[0] ?? 1),
    });
    const share = { scales: [Math.fround(1 / 255)], zeroPoints: [-128] };
    const shares = g.node("softmax", [scores, table], { axis: -1, quantization: share });
    const mixed = g.node("matmul", [shares, v]);
    const quantization = g.encodingOf(mixed);
    const back = g.node("transpose", [mixed], { perm: [0, 2, 1, 3], quantization });
    const joined = g.node("reshape", [back], { shape: [1, 45, 64], quantization });
    checkGraph(g.finish(joined), 1, TARGETS);
  });
});
