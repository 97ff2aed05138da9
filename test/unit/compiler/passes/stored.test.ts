/** Models that were quantised elsewhere keep their results when they are put into the chip's types. */
import { describe, expect, test } from "@jest/globals";
import {
  evaluate,
  graphBuilder,
  numeric,
  tensorFrom,
  toReal,
} from "../../../../compiler/ir/index.ts";
import type { Attribute, Graph, GraphBuilder, Tensor } from "../../../../compiler/ir/index.ts";
import { adopt, isStored } from "../../../../compiler/passes/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";

const encoding = { scales: [Math.fround(0.05)], zeroPoints: [117] };
const IMAGE = { dtype: "u8", shape: [1, 6, 8, 9], quantization: encoding } as const;

/** The adopted graph's numbers are the evaluator's of the model, 128 lower where those are uint8. */
function check(build: (b: GraphBuilder) => string): Graph {
  const builder = graphBuilder("test");
  const graph = builder.finish([build(builder)]);
  const adopted = unwrap(adopt(graph));
  const random = seededRandom(3);
  const inputs = new Map(
    graph.inputs.map((name) => [name, tensorFrom(builder.typeOf(name), () => random.below(256))]),
  );
  const [expected, actual] = [
    evaluate(graph, inputs),
    evaluate(adopted, new Map([...inputs].map(([name, value]) => [name, lower(value)]))),
  ];
  for (const name of graph.outputs) {
    const [wanted, got] = [lower(expected.get(name)!), actual.get(name)!];
    expect(got.type).toEqual(wanted.type);
    expect(got.data).toEqual(wanted.data);
  }
  expect([...adopted.types.values()].filter(({ dtype }) => dtype === "u8")).toEqual([]);
  return adopted;
}

function lower(value: Tensor): Tensor {
  const { dtype, shape, quantization } = value.type;
  if (dtype !== "u8" || quantization === undefined) return value;
  const { scales, zeroPoints } = quantization;
  const moved = { scales, zeroPoints: zeroPoints.map((zero) => zero - 128) };
  const data = numeric(value);
  const type = { dtype: "i8", shape, quantization: moved } as const;
  return tensorFrom(type, (index) => (data[index] ?? 0) - 128);
}

function weights(b: GraphBuilder, shape: readonly number[]): string {
  const quantization = { scales: [Math.fround(0.01)], zeroPoints: [131] };
  const type = { dtype: "u8", shape, quantization } as const;
  return b.constant(
    "w",
    tensorFrom(type, (i) => (i * 41) % 256),
  );
}

type Attributes = Readonly<Record<string, Attribute>>;

describe("uint8 as int8, 128 lower", () => {
  const unary: readonly (readonly [string, Attributes])[] = [
    ["fixed_average_pool", { kernel: [2, 2], strides: [1, 1] }],
    ["fixed_mean", { axes: [2, 3] }],
    ["fixed_softmax", {}],
    ["fixed_resize", { sizes: [11, 13], scales: [11 / 8, 13 / 9], mode: "linear" }],
    ["max_pool", { kernel: [2, 2], strides: [2, 2] }],
    ["transpose", { perm: [0, 2, 3, 1] }],
  ];
  for (const [op, attributes] of unary) {
    test(op, () => {
      check((b) =>
        b.node({
          ...{ op, name: "y", inputs: [b.input("x", IMAGE)], attributes },
          quantization: encoding,
        }),
      );
    });
  }
  for (const op of ["fixed_add", "fixed_sub", "fixed_mul", "fixed_squared_difference"]) {
    const rule = { fixed_mul: "f32_rne", fixed_squared_difference: "raised" }[op] ?? "shifted";
    test(op, () => {
      check((b) => {
        const inputs = [b.input("a", IMAGE), b.input("b", IMAGE)];
        return b.node({ op, name: "y", inputs, attributes: { rule }, quantization: encoding });
      });
    });
  }
  test("fixed_conv with weights of uint8", () => {
    check((b) => {
      const inputs = [b.input("x", IMAGE), weights(b, [4, 6, 3, 3])];
      const attributes = { pads: [1, 1, 1, 1] };
      return b.node({ op: "fixed_conv", name: "y", inputs, attributes, quantization: encoding });
    });
  });
  test("a table", () => {
    check((b) => {
      const table = tensorFrom({ dtype: "u8", shape: [256] }, (i) => (i * 7) % 256);
      const inputs = [b.input("x", IMAGE), b.constant("t", table)];
      return b.node({ op: "lut", name: "y", inputs, quantization: encoding });
    });
  });
});

test("tables that change nothing but the type vanish", () => {
  const adopted = check((b) => {
    const table = tensorFrom({ dtype: "i8", shape: [256] }, (i) => i - 128);
    const inputs = [b.input("x", IMAGE), b.constant("t", table)];
    const quantization = { scales: encoding.scales, zeroPoints: [-11] };
    const x = b.node({ op: "lut", name: "signed", inputs, quantization });
    const attributes = { kernel: [2, 2], strides: [2, 2] };
    return b.node({ op: "max_pool", name: "y", inputs: [x], attributes, quantization });
  });
  expect(adopted.nodes.map(({ op }) => op)).toEqual(["max_pool"]);
});

test("conversions at the border become the ports' encodings", () => {
  const b = graphBuilder("test");
  const border = { scales: [Math.fround(0.1)], zero_points: [7] };
  const x = b.input("x", { dtype: "f32", shape: [1, 4, 4, 4] });
  const stored = b.node({
    ...{ op: "quantize", name: "q", inputs: [x], attributes: { ...border, to: "u8" } },
    quantization: { scales: border.scales, zeroPoints: [7] },
  });
  const attributes = { kernel: [2, 2], strides: [2, 2] };
  const quantization = { scales: border.scales, zeroPoints: [7] };
  const pooled = b.node({ op: "max_pool", name: "p", inputs: [stored], attributes, quantization });
  const y = b.node({ op: "dequantize", name: "y", inputs: [pooled], attributes: border });
  const adopted = unwrap(adopt(b.finish([y])));
  expect(adopted.nodes.map(({ op }) => op)).toEqual(["max_pool"]);
  const lowered = { scales: border.scales, zeroPoints: [-121] };
  for (const [name, shape] of [
    ["x", [1, 4, 4, 4]],
    ["y", [1, 4, 2, 2]],
  ] as const) {
    expect(adopted.types.get(name)).toEqual({ dtype: "i8", shape, quantization: lowered });
  }
});

test("the index of the largest channel leaves as an int8", () => {
  const b = graphBuilder("test");
  const x = b.input("x", IMAGE);
  const graph = b.finish([
    b.node({ op: "argmax", name: "y", inputs: [x], attributes: { axis: 1 } }),
  ]);
  const random = seededRandom(5);
  const stored = tensorFrom(IMAGE, () => random.below(256));
  const expected = evaluate(graph, new Map([["x", stored]])).get("y")!;
  const actual = evaluate(unwrap(adopt(graph)), new Map([["x", lower(stored)]])).get("y")!;
  expect([...toReal(actual)]).toEqual([...toReal(expected)]);
  expect(actual.type.dtype).toBe("i8");
});

test("an operator that means uint8 itself is refused by name", () => {
  const b = graphBuilder("test");
  const x = b.input("x", IMAGE);
  const y = b.node({ op: "cast", name: "numbers", inputs: [x], attributes: { to: "i32" } });
  expect(adopt(b.finish([y]))).toMatchObject({
    code: "UNSUPPORTED_OP",
    details: { node: "numbers", operator: "cast" },
  });
});

test("what works on real numbers among stored ones is refused by name", () => {
  const b = graphBuilder("test");
  const attributes = { scales: encoding.scales, zero_points: encoding.zeroPoints };
  const x = b.input("x", IMAGE);
  const max = b.node({
    op: "max_pool",
    name: "max",
    inputs: [x],
    attributes: { kernel: [2, 2] },
    quantization: encoding,
  });
  const real = b.node({ op: "dequantize", name: "real", inputs: [max], attributes });
  const y = b.node({
    op: "reduce_max",
    name: "largest",
    inputs: [real],
    attributes: { axes: [1] },
  });
  expect(adopt(b.finish([y]))).toMatchObject({
    code: "UNSUPPORTED_OP",
    details: { node: "largest", operator: "reduce_max", dtype: "f32" },
  });
});

test("a graph of floats is not stored", () => {
  const b = graphBuilder("test");
  const y = b.node({ op: "relu", name: "y", inputs: [b.input("x", { ...IMAGE, dtype: "f32" })] });
  expect(isStored(b.finish([y]))).toBe(false);
});
