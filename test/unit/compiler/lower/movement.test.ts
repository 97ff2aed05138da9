import { expect, test } from "@jest/globals";
import { checkGraph, CHIPS, compile, int8Graph } from "./chip.ts";

function checkConcat(channels: readonly number[]): void {
  const g = int8Graph(1);
  const quantization = g.fresh();
  const x = g.input([1, 32, 10, 17]);
  const parts = channels.map((count) =>
    g.node("conv", [x, g.weights([count, 32, 1, 1], 0), g.bias(count)], { quantization }),
  );
  const y = g.node("concat", parts, { axis: 1, quantization });
  const total = channels.reduce((a, b) => a + b);
  const z = g.node("conv", [y, g.weights([16, total, 1, 1], 0)]);
  checkGraph(g.finish(y, z));
}

test("concat of whole channel tiles", () => checkConcat([64, 32, 40]));
test("concat of parts that begin inside channel tiles", () => checkConcat([24, 24, 40, 5]));

for (const factor of [2, 4, 8]) {
  test(`nearest resize by ${factor}`, () => {
    const g = int8Graph(2);
    const x = g.input([1, 40, 5, 9]);
    const sizes = { sizes: [5 * factor, 9 * factor], scales: [factor, factor] };
    const rules = { coordinates: "asymmetric", nearest: "floor" };
    const y = g.node("resize", [x], { ...sizes, ...rules, quantization: g.encodingOf(x) });
    checkGraph(g.finish(y));
  });
}

for (const coordinates of ["half_pixel", "align_corners"]) {
  test(`linear resize, ${coordinates}`, () => {
    const g = int8Graph(5);
    const x = g.input([1, 40, 5, 9]);
    const sizes = { sizes: [13, 32], scales: [13 / 5, 32 / 9], coordinates };
    const y = g.node("lerp_resize", [x], { ...sizes, quantization: g.encodingOf(x) });
    checkGraph(g.finish(y));
  });
}

const ENLARGED = [
  { by: [2, 2], from: [5, 9], coordinates: "half_pixel" },
  { by: [2, 2], from: [16, 12], coordinates: "asymmetric" },
  { by: [3, 4], from: [9, 8], coordinates: "half_pixel" },
  { by: [1, 8], from: [4, 1], coordinates: "half_pixel" },
  { by: [5, 1], from: [3, 11], coordinates: "asymmetric" },
] as const;

for (const { by, from, coordinates } of ENLARGED) {
  test(`linear resize of ${from.join(" x ")} by ${by.join(" x ")}, ${coordinates}`, () => {
    const g = int8Graph(6);
    const x = g.input([1, 40, ...from]);
    const sizes = { sizes: [from[0] * by[0], from[1] * by[1]], scales: by, coordinates };
    const y = g.node("lerp_resize", [x], { ...sizes, quantization: g.encodingOf(x) });
    checkGraph(g.finish(y));
  });
}

test("reshape of one pixel is a new name", () => {
  const g = int8Graph(3);
  const mean = g.node("global_average_pool", [g.input([1, 70, 6, 6])]);
  const quantization = g.encodingOf(mean);
  const flat = g.node("reshape", [mean], { shape: [1, 70], quantization });
  checkGraph(g.finish(g.node("matmul", [flat, g.weights([70, 10], 1)])));
});

test("a chain of conv_transpose and tables up to an output", () => {
  const g = int8Graph(4);
  const x = g.node("conv", [g.input([1, 8, 9, 11]), g.weights([24, 8, 3, 3], 0)]);
  const up = g.node("conv_transpose", [x, g.weights([24, 20, 2, 2], 1), g.bias(20)], {
    strides: [2, 2],
    clamp_min: 0,
  });
  const bent = g.node("lut", [up, g.table()]);
  const y = g.node("conv_transpose", [bent, g.weights([20, 2, 2, 2], 1), g.bias(2)], {
    strides: [2, 2],
  });
  const graph = g.finish(g.node("lut", [y, g.table()]));
  checkGraph(graph);
  const [soc] = CHIPS;
  if (soc === undefined) throw new Error("no chip");
  const copies = (version: string): number =>
    compile(graph, version, soc).segments.reduce((count, segment) => {
      if (segment.kind !== "htp") return count;
      const dma = segment.streams.filter(({ queue }) => queue.engine === "dma");
      return count + dma.reduce((sum, stream) => sum + stream.instructions.length, 0);
    }, 0);
  expect(copies("1.1.0")).toBeLessThan(copies("1.0.0"));
});
