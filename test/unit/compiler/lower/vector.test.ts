import { describe, test } from "@jest/globals";
import { softmaxTable, tensorFrom } from "../../../../compiler/ir/index.ts";
import { checkGraph, int8Graph } from "./chip.ts";

const SHAPE = [1, 70, 12, 21];

test("a table over every element", () => {
  const g = int8Graph(1);
  checkGraph(g.finish(g.node("lut", [g.input(SHAPE), g.table()])));
});

describe("sums and products equal the evaluator in every bit", () => {
  for (const op of ["add", "sub", "mul"]) {
    test(`${op} of two tensors, clamped`, () => {
      const g = int8Graph(2);
      const y = g.node(op, [g.input(SHAPE), g.input(SHAPE)], { clamp_min: 0, clamp_max: 0.7 });
      checkGraph(g.finish(y));
    });
    test(`${op} of a tensor and one pixel`, () => {
      const g = int8Graph(3);
      checkGraph(g.finish(g.node(op, [g.input(SHAPE), g.input([1, 70, 1, 1])])));
    });
  }
  for (const op of ["add", "sub", "mul"]) {
    test(`${op} of a constant of one value a channel and a tensor`, () => {
      const g = int8Graph(4);
      const type = { dtype: "i8", shape: [1, 70, 1, 1], quantization: g.fresh() } as const;
      const c = g.builder.constant(
        "c",
        tensorFrom(type, (i) => ((i * 37) % 256) - 128),
      );
      checkGraph(g.finish(g.node(op, [c, g.input(SHAPE)])));
    });
  }
  test("a sum far beyond 16 bits", () => {
    const g = int8Graph(5);
    const quantization = { scales: [Math.fround(1e-5)], zeroPoints: [3] };
    checkGraph(g.finish(g.node("add", [g.input(SHAPE), g.input(SHAPE)], { quantization })));
  });
});

describe("pooling equals the evaluator in every bit", () => {
  const cases = [
    { shape: [1, 40, 17, 16], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    { shape: [1, 40, 13, 9], kernel: [3, 3], strides: [2, 2], pads: [0, 0, 0, 0], ceil_mode: 1 },
    { shape: [1, 64, 16, 24], kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] },
    { shape: [1, 16, 11, 11], kernel: [5, 5], strides: [1, 1], pads: [2, 2, 2, 2] },
  ];
  for (const { shape, ...attributes } of cases) {
    test(`max_pool ${JSON.stringify(attributes)}`, () => {
      const g = int8Graph(6);
      const x = g.input(shape);
      const y = g.node("max_pool", [x], { ...attributes, quantization: g.encodingOf(x) });
      checkGraph(g.finish(y));
    });
  }
  test("average_pool that counts its padding", () => {
    const g = int8Graph(7);
    const window = { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 };
    checkGraph(g.finish(g.node("average_pool", [g.input([1, 40, 17, 12])], window)));
  });
  test("global_average_pool over more rows than a run takes", () => {
    const g = int8Graph(8);
    checkGraph(g.finish(g.node("global_average_pool", [g.input([1, 5, 520, 1])])));
  });
  test("global_average_pool", () => {
    const g = int8Graph(8);
    checkGraph(g.finish(g.node("global_average_pool", [g.input([1, 40, 19, 21])])));
  });
});

test("softmax over channels", () => {
  for (const channels of [2, 32, 70]) {
    const g = int8Graph(9);
    const x = g.input([5, channels]);
    const scale = g.encodingOf(x).scales[0] ?? 1;
    const table = { type: { dtype: "i32", shape: [256] }, data: softmaxTable(scale) } as const;
    const quantization = { scales: [Math.fround(1 / 256)], zeroPoints: [-128] };
    const y = g.node("softmax", [x, g.builder.constant("e", table)], { axis: 1, quantization });
    checkGraph(g.finish(y));
  }
});

test("elementwise work on several images, and on more tokens than a crouton's row has", () => {
  const g = int8Graph(9);
  const images = g.node("lut", [g.input([2, 8, 4, 5]), g.table()]);
  const tokens = g.node("matmul", [g.input([1, 21, 40]), g.weights([40, 36], 1), g.bias(36)]);
  checkGraph(g.finish(images, g.node("lut", [tokens, g.table()])));
});

test("pixels are tokens when channels are moved last, and an image again when they are moved back", () => {
  const g = int8Graph(10);
  const x = g.node("conv", [g.input([1, 16, 6, 9]), g.weights([40, 16, 3, 3], 0)], {
    pads: [1, 1, 1, 1],
  });
  const quantization = g.encodingOf(x);
  const last = g.node("transpose", [x], { perm: [0, 2, 3, 1], quantization });
  const y = g.node("matmul", [last, g.weights([40, 24], 1)]);
  const back = { perm: [0, 3, 1, 2], quantization: g.encodingOf(y) };
  const image = g.node("transpose", [y], back);
  checkGraph(g.finish(g.node("conv", [image, g.weights([8, 24, 3, 3], 0)])));
});
