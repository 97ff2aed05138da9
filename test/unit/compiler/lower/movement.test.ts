import { test } from "@jest/globals";
import { checkGraph, int8Graph } from "./chip.ts";

function checkConcat(channels: readonly number[]): void {
  const g = int8Graph(1);
  const quantization = g.fresh();
  const x = g.input([1, 32, 10, 17]);
  const parts = channels.map((count) =>
    g.node("conv", [x, g.weights([count, 32, 1, 1], 0), g.bias(count)], {}, quantization),
  );
  const y = g.node("concat", parts, { axis: 1 }, quantization);
  const z = g.node("conv", [y, g.weights([16, channels.reduce((a, b) => a + b), 1, 1], 0)]);
  checkGraph(g.finish(y, z));
}

test("concat of whole channel tiles", () => checkConcat([64, 32, 40]));
test("concat of parts that begin inside channel tiles", () => checkConcat([24, 24, 40, 5]));

for (const factor of [2, 4, 8]) {
  test(`nearest resize by ${factor}`, () => {
    const g = int8Graph(2);
    const x = g.input([1, 40, 5, 9]);
    const attributes = {
      sizes: [5 * factor, 9 * factor],
      scales: [factor, factor],
      coordinates: "asymmetric",
      nearest: "floor",
    };
    checkGraph(g.finish(g.node("resize", [x], attributes, g.quantizationOf(x))));
  });
}

test("reshape and transpose of one pixel are new names", () => {
  const g = int8Graph(3);
  const x = g.input([1, 70, 6, 6]);
  const mean = g.node("global_average_pool", [x]);
  const flat = g.node("reshape", [mean], { shape: [1, 70] }, g.quantizationOf(mean));
  checkGraph(g.finish(g.node("matmul", [flat, g.weights([70, 10], 1)])));
});
