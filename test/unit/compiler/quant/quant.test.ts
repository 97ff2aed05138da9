/** Quantisation: encodings, what operators demand of them, weights, and what is refused. */
import { describe, expect, test } from "@jest/globals";
import {
  encodingOf,
  graphBuilder,
  numberList,
  parse,
  perTensor,
  tensorOf,
  verify,
} from "../../../../compiler/ir/index.ts";
import type { Graph, Tensor, TensorType } from "../../../../compiler/ir/index.ts";
import {
  calibrate,
  encodingFor,
  exportEncodings,
  importEncodings,
  observe,
  quantize,
  quantizeAccumulator,
  rangesOf,
  signalToNoiseDb,
} from "../../../../compiler/quant/index.ts";
import type {
  Encodings,
  Observations,
  Range,
  RangeRule,
} from "../../../../compiler/quant/index.ts";
import { fc, property } from "../../../support/property.ts";
import { unwrap } from "../../../../protocol/base/result.ts";

function graphOf(lines: string): Graph {
  const parsed = parse(`graph "g" {\n${lines}\n}`);
  if (!parsed.ok) throw new Error(`${parsed.message}\n${lines}`);
  return parsed.value;
}

function ranges(entries: Readonly<Record<string, readonly [number, number]>>): Encodings {
  return new Map(Object.entries(entries).map(([name, [min, max]]) => [name, { min, max }]));
}

function quantized(lines: string, entries: Parameters<typeof ranges>[0]): Graph {
  const result = quantize(graphOf(lines), ranges(entries));
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  expect(verify(result.value)).toMatchObject({ ok: true });
  return result.value;
}

function scaleOf(graph: Graph, name: string): number {
  return encodingOf(graph.types.get(name) ?? { dtype: "i8", shape: [] }).scale;
}

describe("ranges", () => {
  test("an encoding holds zero exactly and covers the range within half a step", () => {
    const bound = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    property(fc.tuple(bound, bound), ([a, b]) => {
      const range: Range = { min: Math.min(a, b), max: Math.max(a, b) };
      const { scale, zeroPoint } = encodingFor(range);
      expect(Number.isInteger(zeroPoint) && zeroPoint >= -128 && zeroPoint <= 127).toBe(true);
      expect(Math.fround(scale)).toBe(scale);
      const slack = scale * 0.5001 + 1e-12;
      if (range.max > range.min) {
        expect((-128 - zeroPoint) * scale).toBeLessThanOrEqual(Math.min(range.min, 0) + slack);
        expect((127 - zeroPoint) * scale).toBeGreaterThanOrEqual(Math.max(range.max, 0) - slack);
      }
    });
  });

  test("nothing but zeros still has an encoding", () => {
    expect(encodingFor({ min: 0, max: 0 })).toEqual({ scale: 1, zeroPoint: 0 });
    expect(encodingFor({ min: 0, max: 1e-44 }).scale).toBeGreaterThan(0);
  });

  function rangeOf(rule: RangeRule, ...runs: Float32Array[]): Range | undefined {
    const observations: Observations = new Map();
    for (const run of runs) observe(observations, "v", run);
    return rangesOf(observations, rule).get("v");
  }
  const many = Float32Array.from({ length: 10_000 }, (_, index) => index / 10_000);
  const outlier = Float32Array.of(-100, 50);

  test("min-max keeps the extremes of all runs", () => {
    expect(rangeOf({ kind: "min-max" }, many, outlier)).toEqual({ min: -100, max: 50 });
  });

  test("a percentile drops the rare", () => {
    const range = rangeOf({ kind: "percentile", share: 0.001 }, many, outlier);
    expect(range?.min).toBeCloseTo(0, 1);
    expect(range?.max).toBeCloseTo(1, 1);
  });

  test("the squared-error rule clips an outlier, but not a tail that carries signal", () => {
    const clipped = rangeOf(
      { kind: "mse" },
      new Float32Array(1_000_000).fill(0.3),
      many,
      Float32Array.of(3),
    );
    expect(clipped?.max).toBeLessThan(2.5);
    const even = rangeOf({ kind: "mse" }, many);
    expect(even?.max).toBeGreaterThan(0.99);
    expect(even?.min).toBeCloseTo(0);
  });

  test("calibration sees the float values of the graph, whoever runs it", () => {
    const graph = graphOf("input x: f32[2]\n y = relu(x) -> y: f32[2]\n output y");
    const encodings = calibrate(graph, [
      (report) => {
        report("x", Float32Array.of(-1, 2));
        report("y", Float32Array.of(0, 2));
        report("stranger", Float32Array.of(9, 9));
      },
      (report) => report("x", Float32Array.of(-3, 0)),
    ]);
    expect([...encodings]).toEqual([
      ["x", { min: -3, max: 2 }],
      ["y", { min: 0, max: 2 }],
    ]);
  });

  test("encodings survive their text form, and equal ones give equal text", () => {
    const name = fc.string();
    const entry = fc.tuple(
      name,
      fc.double({ noNaN: true, min: -1e30, max: 0 }),
      fc.double({ noNaN: true, min: 0, max: 1e30 }),
    );
    property(fc.uniqueArray(entry, { selector: ([key]) => key }), (entries) => {
      const encodings = new Map(entries.map(([key, min, max]) => [key, { min, max: max + 0 }]));
      const text = exportEncodings(encodings);
      expect(exportEncodings(new Map([...encodings].reverse()))).toBe(text);
      const read = importEncodings(text);
      if (!read.ok) throw new Error(read.message);
      expect(exportEncodings(read.value)).toBe(text);
    });
  });

  test.each([
    "",
    "[]",
    "{}",
    '{"format":"retile-encodings","version":2,"values":[]}',
    '{"format":"retile-encodings","version":1,"values":[{"name":"a","min":2,"max":1}]}',
    '{"format":"retile-encodings","version":1,"values":[{"name":"a","min":0,"max":1},{"name":"a","min":0,"max":1}]}',
  ])("%j is refused", (text) =>
    expect(importEncodings(text)).toMatchObject({ ok: false, code: "BAD_ENCODINGS" }),
  );
});

describe("shared encodings", () => {
  test("max pooling, reshaping and nearest resizing keep the encoding of their input", () => {
    const graph = quantized(
      `input x: f32[1,1,2,2]
       p = max_pool(x) {kernel=[2,2], pads=[0,0,1,1]} -> p: f32[1,1,2,2]
       r = resize(p) {scales=[2,2], sizes=[4,4]} -> r: f32[1,1,4,4]
       y = reshape(r) {shape=[16]} -> y: f32[16]
       output y`,
      { x: [-1, 3], p: [0, 3], r: [0, 3], y: [0, 3] },
    );
    for (const name of ["p", "r", "y"]) expect(scaleOf(graph, name)).toBe(scaleOf(graph, "x"));
  });

  test("a concat's parts are written in its encoding, or brought to it by a table", () => {
    const graph = quantized(
      `input x: f32[1,2]
       a = add(x, x) -> a: f32[1,2]
       b = exp(x) -> b: f32[1,2]
       c = concat(a, x, b) {axis=0} -> c: f32[3,2]
       output c
       output b`,
      { x: [-1, 1], a: [-2, 2], b: [0, 3], c: [-2, 3] },
    );
    const concat = graph.nodes.find((node) => node.op === "concat");
    expect(concat?.inputs).toEqual(["a", "c/part1", "c/part2"]);
    for (const name of concat?.inputs ?? []) expect(scaleOf(graph, name)).toBe(scaleOf(graph, "c"));
    expect(graph.nodes.map((node) => node.op)).toEqual(["add", "lut", "lut", "lut", "concat"]);
  });

  test("a convolution whose only reader is a ReLU saturates where the fused one clamps", () => {
    const lines = `input x: f32[1,1,1,1]
       constant w: f32[1,1,1,1] = [1]
       c = conv(x, w) -> c: f32[1,1,1,1]
       y = relu(c) -> y: f32[1,1,1,1]
       output y`;
    const graph = quantized(lines, { x: [-1, 1], c: [-5, 2], y: [0, 2] });
    expect(graph.types.get("c")?.quantization).toEqual(graph.types.get("y")?.quantization);
  });

  test("in front of hard-swish nothing is spent on values that it makes zero", () => {
    const lines = `input x: f32[1,1,1,1]
       constant w: f32[1,1,1,1] = [1]
       c = conv(x, w) -> c: f32[1,1,1,1]
       y = hard_swish(c) -> y: f32[1,1,1,1]
       output y`;
    const graph = quantized(lines, { x: [-1, 1], c: [-20, 5], y: [-0.375, 5] });
    expect(scaleOf(graph, "c")).toBeCloseTo(8 / 255, 3);
  });

  test("a fused clamp bounds the range, calibrated or not", () => {
    const lines = `input x: f32[1]
       y = add(x, x) {clamp_max=6, clamp_min=0} -> y: f32[1]
       output y`;
    expect(scaleOf(quantized(lines, { x: [-9, 9], y: [-9, 9] }), "y")).toBe(Math.fround(6 / 255));
    expect(scaleOf(quantized(lines, { x: [-9, 9] }), "y")).toBe(Math.fround(6 / 255));
  });
});

describe("weights", () => {
  const input = { scale: Math.fround(0.02), zeroPoint: -128 };
  function f32(shape: readonly number[], values: readonly number[]): Tensor {
    return tensorOf({ dtype: "f32", shape }, values);
  }

  test("each output channel has its own symmetric scale, biases are in accumulator units", () => {
    const result = quantizeAccumulator({
      op: "conv",
      name: "c",
      channels: 2,
      weights: f32([2, 1, 1, 2], [1, -0.5, 0.001, 0.002]),
      bias: f32([2], [0.5, -1]),
      input,
    });
    if (!result.ok) throw new Error(result.message);
    const { weights, bias } = result.value;
    expect(numberList(weights)).toEqual([127, -64, 64, 127]);
    const [first = 0, second = 0] = weights.type.quantization?.scales ?? [];
    expect(first).toBe(Math.fround(1 / 127));
    expect(numberList(bias)).toEqual([
      Math.round(0.5 / (input.scale * first)),
      Math.round(-1 / (input.scale * second)),
    ]);
  });

  test("a transposed convolution's channels run second, through its groups", () => {
    const result = quantizeAccumulator({
      op: "conv_transpose",
      name: "t",
      channels: 4,
      weights: f32([2, 2, 1, 1], [1, 2, 3, 4]),
      bias: undefined,
      input,
    });
    if (!result.ok) throw new Error(result.message);
    expect(numberList(result.value.weights)).toEqual([127, 127, 127, 127]);
    expect(result.value.weights.type.quantization?.scales).toEqual(
      [1, 2, 3, 4].map((peak) => Math.fround(peak / 127)),
    );
  });

  test("a channel of tiny weights and a large bias gets a scale that the bias fits", () => {
    const spec = {
      op: "conv",
      name: "c",
      channels: 1,
      weights: f32([1, 1, 1, 1], [1e-20]),
      bias: f32([1], [1000]),
      input,
    };
    const result = quantizeAccumulator(spec);
    if (!result.ok) throw new Error(result.message);
    const scale = result.value.weights.type.quantization?.scales[0] ?? 0;
    expect(Number(result.value.bias.data[0]) * scale * input.scale).toBeCloseTo(1000, 3);
  });

  test("sums that int32 might not hold are refused", () => {
    const count = 70_000;
    const weights = f32([1, count, 1, 1], new Array<number>(count).fill(1));
    const result = quantizeAccumulator({
      op: "conv",
      name: "huge",
      channels: 1,
      weights,
      bias: undefined,
      input,
    });
    expect(result).toMatchObject({
      ok: false,
      code: "ACCUMULATOR_OVERFLOW",
      details: { name: "huge" },
    });
  });
});

describe("operators", () => {
  const refusals: readonly (readonly [string, string, Parameters<typeof ranges>[0], string])[] = [
    [
      "a value that calibration did not see",
      "input x: f32[1]\n y = exp(x) -> y: f32[1]\n output y",
      { x: [0, 1] },
      "MISSING_ENCODING",
    ],
    [
      "an operator in floats only",
      "input x: f32[2]\n y = reduce_sum(x) {axes=[0]} -> y: f32[1]\n output y",
      { x: [0, 1], y: [0, 1] },
      "NOT_QUANTIZABLE",
    ],
    [
      "whole numbers",
      "input x: i32[2]\n y = neg(x) -> y: i32[2]\n output y",
      {},
      "MISSING_ENCODING",
    ],
    [
      "weights that are computed",
      "input x: f32[1,1,1,1]\n y = conv(x, x) -> y: f32[1,1,1,1]\n output y",
      { x: [0, 1], y: [0, 1] },
      "NOT_QUANTIZABLE",
    ],
    [
      "a mean over windows of different sizes",
      "input x: f32[1,1,3,3]\n y = average_pool(x) {kernel=[2,2], pads=[1,1,0,0]} -> y: f32[1,1,3,3]\n output y",
      { x: [0, 1], y: [0, 1] },
      "NOT_QUANTIZABLE",
    ],
    [
      "cubic interpolation",
      'input x: f32[1,1,2,2]\n y = resize(x) {mode="cubic", scales=[2,2], sizes=[4,4]} -> y: f32[1,1,4,4]\n output y',
      { x: [0, 1], y: [0, 1] },
      "NOT_QUANTIZABLE",
    ],
  ];
  test.each(refusals.map(([name, ...rest]) => [name, rest] as const))(
    "%s: refused",
    (_, [lines, entries, code]) => {
      expect(quantize(graphOf(lines), ranges(entries))).toMatchObject({ ok: false, code });
    },
  );

  test("functions become tables, softmax gets its exponentials, constants an encoding of their own", () => {
    const graph = quantized(
      `input x: f32[1,4]
       constant k: f32[1,4] = [1, 2, -3, 4]
       s = sub(x, k) -> s: f32[1,4]
       h = hard_swish(s) -> h: f32[1,4]
       m = mul(h, x) -> m: f32[1,4]
       y = softmax(m) -> y: f32[1,4]
       output y`,
      { x: [-1, 1], s: [-5, 4], h: [-0.4, 4], m: [-4, 4] },
    );
    expect(graph.nodes.map((node) => node.op)).toEqual(["sub", "lut", "mul", "softmax"]);
    const [, constant = ""] = graph.nodes[0]?.inputs ?? [];
    expect(encodingOf(graph.types.get(constant) as TensorType).scale).toBe(Math.fround(7 / 255));
    expect(encodingOf(graph.types.get("y") as TensorType)).toEqual({
      scale: Math.fround(1 / 255),
      zeroPoint: -128,
    });
  });

  test.each([
    ["i8", 127],
    ["i16", 32767],
  ] as const)("operands of a product of two values are symmetric over all of %s", (dtype, most) => {
    const graph = graphOf(
      "input x: f32[2,3]\n input z: f32[3,2]\n y = matmul(x, z) -> y: f32[2,2]\n output y",
    );
    const entries = ranges({ x: [-1, 2], z: [0, 3], y: [-4, 4] });
    const { types } = unwrap(quantize(graph, entries, dtype));
    const scales = ["x", "z"].map((name) => encodingOf(types.get(name) as TensorType).scale);
    expect(scales).toEqual([Math.fround(2 / most), Math.fround(3 / most)]);
  });

  test("the smaller factor of a product comes last", () => {
    const graph = quantized(
      "input x: f32[1,4,1,1]\n input z: f32[1,4,2,2]\n y = mul(x, z) -> y: f32[1,4,2,2]\n output y",
      { x: [-1, 1], z: [-2, 1], y: [-2, 2] },
    );
    expect(graph.nodes[0]?.inputs).toEqual(["z", "x"]);
  });

  test("the same graph and ranges give the same graph", () => {
    const builder = graphBuilder("g");
    builder.input("x", { dtype: "f32", shape: [1, 2] });
    builder.constant("w", tensorOf({ dtype: "f32", shape: [2, 1] }, [0.1, 0.2]));
    builder.node({ op: "matmul", name: "y", inputs: ["x", "w"] });
    const graph = builder.finish(["y"]);
    const entries = ranges({ x: [-1, 1], y: [-1, 1] });
    expect(quantize(graph, entries)).toEqual(quantize(graph, entries));
    expect(perTensor({ scale: 1, zeroPoint: 2 })).toEqual({ scales: [1], zeroPoints: [2] });
  });
});

test("the signal-to-noise ratio is in decibels of power", () => {
  expect(signalToNoiseDb([10, 0], [9, 0])).toBeCloseTo(20, 10);
  expect(signalToNoiseDb([1, 2], [1, 2])).toBe(Infinity);
  expect(signalToNoiseDb([0], [1])).toBe(-Infinity);
});
