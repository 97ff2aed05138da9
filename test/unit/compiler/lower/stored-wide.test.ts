/** Stored numbers of 16 bits, alone and beside those of 8: programs equal the evaluator in every bit. */
import { describe, test } from "@jest/globals";
import { tensorFrom } from "../../../../compiler/ir/index.ts";
import { check } from "./chip.ts";
import type { Draft } from "./chip.ts";

const SHAPE = [1, 70, 12, 21];

test("softmax of int8 in int16", () => {
  for (const shape of [
    [1, 2],
    [3, 9, 40],
    [1, 12, 1, 5],
  ]) {
    check((g) => {
      const quantization = { scales: [2 ** -16], zeroPoints: [-32768] };
      const x = g.input(shape);
      const last =
        shape.length === 4 ? { perm: [0, 2, 3, 1], quantization: g.encodingOf(x) } : undefined;
      const turned = last === undefined ? x : g.node("transpose", [x], last);
      return g.node("fixed_softmax", [turned], { to: "i16", quantization });
    });
  }
});

describe("int16 in fixed point", () => {
  const scaled = (scale: number) => ({ scales: [Math.fround(scale)], zeroPoints: [0] });
  const wide = (g: Draft, name: string, shape: readonly number[]): string =>
    g.builder.input(name, { dtype: "i16", shape, quantization: scaled(g.random.uniform() * 1e-3) });
  const bias = (g: Draft, count: number): string => {
    const type = { dtype: "i64", shape: [count] } as const;
    return g.builder.constant(
      "bias",
      tensorFrom(type, () => g.random.below(2 ** 31) - 2 ** 30),
    );
  };
  const options = { rule: "fixed_wide", quantization: scaled(2e-3) };
  test("a convolution, clamped", () => {
    check((g) => {
      const inputs = [wide(g, "x", [1, 20, 9, 11]), g.weights([45, 20, 3, 3], 0), bias(g, 45)];
      return g.node("fixed_conv", inputs, { ...options, clamp_min: 0, pads: [1, 1, 1, 1] });
    });
  });
  test("one filter a channel", () => {
    check((g) => {
      const inputs = [wide(g, "x", [1, 40, 9, 11]), g.weights([40, 1, 3, 3], 0), bias(g, 40)];
      return g.node("fixed_conv", inputs, { ...options, group: 40 });
    });
  });
  test("a matrix product", () => {
    check((g) => {
      const inputs = [wide(g, "x", [5, 40]), g.weights([40, 37], 1), bias(g, 37)];
      return g.node("fixed_matmul", inputs, options);
    });
  });
  test("products by 31-bit multipliers, of bytes and of halves, by weights of both", () => {
    const how = { rule: "fixed", quantization: scaled(2e-5), clamp_max: 0.5 };
    const weights = (g: Draft): string => {
      const type = { dtype: "i16", shape: [20, 9], quantization: scaled(1e-5) } as const;
      return g.builder.constant(
        "w",
        tensorFrom(type, () => g.random.below(65536) - 32768),
      );
    };
    check((g) => {
      const inputs = [g.input([1, 20, 9, 11]), g.weights([45, 20, 3, 3], 0), g.bias(45)];
      return g.node("fixed_conv", inputs, { ...how, quantization: scaled(0.1), clamp_max: 5 });
    });
    check((g) => {
      const inputs = [wide(g, "x", [1, 16, 9, 11]), g.weights([24, 4, 1, 1], 0), g.bias(24)];
      return g.node("fixed_conv", inputs, { ...how, group: 4 });
    });
    check((g) => g.node("fixed_matmul", [wide(g, "x", [5, 20]), weights(g), g.bias(9)], how));
  });
  test("products divided by a power of two", () => {
    const power = (exponent: number) => ({ quantization: scaled(2 ** exponent) });
    const input = (g: Draft, name: string, shape: readonly number[]): string =>
      g.builder.input(name, { dtype: "i16", shape, ...power(-15) });
    for (const exponent of [-30, -18, -12]) {
      const how = { rule: "power", ...power(exponent) };
      check((g) => g.node("fixed_mul", [input(g, "a", SHAPE), input(g, "b", SHAPE)], how));
      check((g) => g.node("fixed_mul", [input(g, "a", SHAPE), input(g, "b", [1, 70, 1, 1])], how));
    }
  });
  for (const [op, rule] of [
    ["fixed_add", "raised"],
    ["fixed_sub", "raised"],
    ["fixed_mul", "fixed"],
  ] as const) {
    for (const scale of [1e-6, 1e-3]) {
      test(`${op} in steps of ${scale}`, () => {
        const how = { rule, quantization: scaled(scale), clamp_max: 1e-2 };
        check((g) => g.node(op, [wide(g, "a", SHAPE), wide(g, "b", SHAPE)], how));
        check((g) => g.node(op, [wide(g, "a", SHAPE), wide(g, "b", [1, 70, 1, 1])], how));
      });
    }
  }
});

describe("between int8 and int16", () => {
  const encoding = { quantization: { scales: [Math.fround(0.01)], zeroPoints: [-19] } };
  const input = (g: Draft, dtype: "i8" | "i16", shape: readonly number[]): string =>
    g.builder.input("x", { dtype, shape, ...encoding });
  const table = (g: Draft, dtype: "i8" | "i16", count: number): string => {
    const half = dtype === "i8" ? 128 : 32768;
    const type = { dtype, shape: [count] } as const;
    return g.builder.constant(
      "t",
      tensorFrom(type, () => g.random.below(2 * half) - half),
    );
  };
  for (const shape of [
    [1, 40, 9, 13],
    [1, 70],
    [3, 11, 20],
  ]) {
    test(`numbers of [${shape.join(", ")}] as they are, and by a table`, () => {
      check((g) => g.node("fixed_cast", [input(g, "i8", shape)], { to: "i16", ...encoding }));
      check((g) => g.node("fixed_cast", [input(g, "i16", shape)], { to: "i8", ...encoding }));
      check((g) => g.node("lut", [input(g, "i8", shape), table(g, "i16", 256)], encoding));
      check((g) => g.node("lut", [input(g, "i16", shape), table(g, "i8", 65536)], encoding));
    });
  }
  test("the same number under another encoding has its own padding", () => {
    check((g) => {
      const x = g.node("fixed_cast", [g.input([1, 20, 9, 11])], { to: "i8", ...encoding });
      return g.node("conv", [x, g.weights([32, 20, 3, 3], 0)], { pads: [1, 1, 1, 1] });
    });
  });
});
