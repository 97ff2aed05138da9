import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compileCpu, runCpu } from "../../../../../compiler/codegen/cpu/index.ts";
import { evaluate, graphBuilder, tensorFrom } from "../../../../../compiler/ir/index.ts";
import type { Attribute } from "../../../../../compiler/ir/index.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";
import { checkGraph, checkNode, randomTensor } from "./compare.ts";

const UNARY: readonly (readonly [string, Readonly<Record<string, Attribute>>?])[] = [
  ["relu"],
  ["clip", { min: -0.5, max: 0.75 }],
  ["sigmoid"],
  ["hard_sigmoid", { alpha: 0.25, beta: 0.4 }],
  ["hard_swish"],
  ["leaky_relu", { alpha: 0.1 }],
  ["elu", { alpha: 0.7 }],
  ["softplus"],
  ["softsign"],
  ["gelu"],
  ["reciprocal"],
  ["tanh"],
  ["exp"],
  ["log"],
  ["sqrt"],
  ["erf"],
  ["sin"],
  ["cos"],
  ["neg"],
  ["abs"],
  ["floor"],
  ["ceil"],
  ["round"],
  ["sign"],
  ["pointwise", { expr: "(x*clamp(x+3,0,6))/6" }],
  ["pointwise", { expr: "pow(x,3)+pow(x,-2)-min(x,2)*max(abs(x),0.5)" }],
];

/** Samples in steps of a few units in the last place of their exponent, over all of float32. */
function wideRange(): Float32Array {
  const bits = new Uint32Array(1 << 16).map((_, index) => index * 0x10001);
  return new Float32Array(bits.buffer);
}

describe("functions of one element", () => {
  test.each(UNARY)("%s %o", (op, attributes = {}) => {
    for (const shape of [[5], [2, 3, 4, 5], [1, 1000]]) {
      checkNode({ op, attributes, operands: [{ shape, scale: 3 }] });
    }
  });

  /** Largest relative error, in units of float32's last place (2^-24 of the value). */
  test.each([
    ["exp", 2.1],
    ["sigmoid", 4],
    ["tanh", 4],
    ["log", 4],
    ["erf", 8],
  ])("%s over all of float32 is within %d units in the last place", (op, unitsMax) => {
    const data = wideRange().filter((x) => !Number.isNaN(x));
    const builder = graphBuilder("wide");
    const type = { dtype: "f32", shape: [data.length] } as const;
    builder.node({ op, name: "y", inputs: [builder.input("x", type)] });
    const graph = builder.finish(["y"]);
    const program = unwrap(compileCpu(graph));
    const actual = runCpu(program, new Map([["x", data]])).get("y")!;
    const expected = evaluate(graph, new Map([["x", { type, data }]])).get("y")!.data;
    let worst = { units: 0, x: 0, actual: 0, expected: 0 };
    for (let index = 0; index < data.length; index++) {
      const [a, b] = [actual[index]!, Number(expected[index])];
      if (Object.is(a, b) || a === b) continue;
      const floor = 2 ** -126;
      const units = Math.abs(a - b) / Math.max(Math.abs(b), floor) / 2 ** -24;
      if (!(units <= worst.units)) worst = { units, x: data[index]!, actual: a, expected: b };
    }
    if (!(worst.units <= unitsMax)) throw new Error(JSON.stringify(worst));
  });

  test("NaN and infinities go the way of the evaluator", () => {
    const data = Float32Array.of(NaN, Infinity, -Infinity, -0, 0);
    const type = { dtype: "f32", shape: [5] } as const;
    for (const op of ["exp", "sigmoid", "tanh", "log", "relu", "sqrt", "sign", "hard_swish"]) {
      const builder = graphBuilder(op);
      builder.node({ op, name: "y", inputs: [builder.input("x", type)] });
      const graph = builder.finish(["y"]);
      const actual = runCpu(unwrap(compileCpu(graph)), new Map([["x", data]])).get("y")!;
      const expected = evaluate(graph, new Map([["x", { type, data }]])).get("y")!.data;
      expect([op, ...actual].map((value) => value || 0)).toEqual(
        [op, ...(expected as Float32Array)].map((value) => value || 0),
      );
    }
  });
});

const SHAPES: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 5, 3, 4],
    [2, 5, 3, 4],
  ],
  [
    [2, 5, 3, 4],
    [1, 5, 1, 1],
  ],
  [
    [2, 5, 3, 4],
    [5, 1, 1],
  ],
  [
    [2, 8, 3, 4],
    [2, 8, 1, 1],
  ],
  [
    [1, 5, 1, 4],
    [1, 5, 3, 1],
  ],
  [[7], [1]],
  [[1], [3, 7]],
  [[3, 7], [7]],
  [
    [2, 3, 4],
    [3, 1],
  ],
];

describe("pairs", () => {
  for (const op of ["add", "sub", "mul", "div", "min", "max", "prelu"]) {
    test(`${op} broadcasts, over computed and constant operands, rows and pixels`, () => {
      for (const [a, b] of SHAPES) {
        for (const constant of [false, true]) {
          checkNode({ op, operands: [{ shape: a }, { shape: b, constant }] });
          if (a.length === 4) checkBetweenPixels(op, a, { shape: b, constant });
        }
        checkNode({ op, operands: [{ shape: a, constant: true }, { shape: b }] });
      }
    });
  }

  test("sums and products are clamped", () => {
    const attributes = { clamp_min: 0, clamp_max: 1.5 };
    for (const op of ["add", "sub", "mul"]) {
      checkNode({ op, attributes, operands: [{ shape: [2, 3] }, { shape: [2, 3] }] });
      checkNode({ op, attributes, operands: [{ shape: [9] }, { shape: [1], constant: true }] });
    }
  });

  test("powers with whole exponents", () => {
    const builder = graphBuilder("powers");
    const type = { dtype: "f32", shape: [6] } as const;
    const x = builder.input("x", type);
    for (const exponent of [0, 1, 2, 5, -3]) {
      const name = builder.constant(
        `e${exponent}`,
        tensorFrom({ dtype: "f32", shape: [] }, () => exponent),
      );
      builder.node({ op: "pow", name: `y${exponent}`, inputs: [x, name] });
    }
    checkGraph(
      builder.finish(["y0", "y1", "y2", "y5", "y-3"]),
      new Map([["x", randomTensor([6], 3)]]),
      1e-4,
    );
  });

  test("any chain of pixels and rows", () => {
    const shape = fc.tuple(
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
    );
    fc.assert(
      fc.property(shape, fc.boolean(), (sizes, constant) => {
        checkBetweenPixels("add", sizes, { shape: [1, sizes[1], 1, 1], constant });
      }),
      { numRuns: 30 },
    );
  });
});

/** The pair between two poolings of one pixel, which keep their values as pixels. */
function checkBetweenPixels(
  op: string,
  shape: readonly number[],
  second: { readonly shape: readonly number[]; readonly constant: boolean },
): void {
  const builder = graphBuilder("between");
  const inputs = new Map([["x", randomTensor(shape, 5)]]);
  const x = builder.input("x", { dtype: "f32", shape });
  const attributes = { kernel: [1, 1] };
  const before = builder.node({ op: "max_pool", name: "before", inputs: [x], attributes });
  const operand = randomTensor(second.shape, 6);
  if (!second.constant) inputs.set("b", operand);
  const b = second.constant ? builder.constant("b", operand) : builder.input("b", operand.type);
  const sum = builder.node({ op, name: "pair", inputs: [before, b] });
  const turned = op === "prelu" ? sum : builder.node({ op, name: "turned", inputs: [b, sum] });
  builder.node({ op: "max_pool", name: "after", inputs: [turned], attributes });
  checkGraph(builder.finish(["after"]), inputs, 1e-4);
}
