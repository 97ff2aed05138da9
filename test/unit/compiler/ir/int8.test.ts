/** int8 arithmetic: each rule on numbers that expose its rounding, its zero points and its saturation. */
import { describe, expect, test } from "@jest/globals";
import {
  evaluate,
  functionTable,
  graphBuilder,
  numberList,
  perTensor,
  quantizeValue,
  softmaxTable,
  storedBounds,
  tensor,
  verify,
} from "../../../../compiler/ir/index.ts";
import type { Attribute, Encoding, Quantization, Tensor } from "../../../../compiler/ir/index.ts";

function i8(shape: readonly number[], values: readonly number[], encoding?: Encoding): Tensor {
  const quantization = encoding === undefined ? {} : { quantization: perTensor(encoding) };
  return tensor({ dtype: "i8", shape, ...quantization }, Int8Array.from(values));
}

interface Case {
  readonly op: string;
  readonly input: Tensor;
  readonly others?: readonly Tensor[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly output: Encoding;
  readonly stored: readonly number[];
}

function check({ op, input, others = [], attributes = {}, output, stored }: Case): void {
  const builder = graphBuilder(op);
  const x = builder.input("x", input.type);
  const inputs = [x, ...others.map((value, index) => builder.constant(`c${index}`, value))];
  const quantization = perTensor(output);
  builder.node({ op, name: "y", inputs, attributes, quantization });
  const graph = builder.finish(["y"]);
  expect(verify(graph)).toMatchObject({ ok: true });
  const result = evaluate(graph, new Map([["x", input]])).get("y");
  expect(result === undefined ? [] : numberList(result)).toEqual(stored);
}

const HALF: Encoding = { scale: 0.5, zeroPoint: 3 };

function weights(shape: readonly number[], values: readonly number[], scales: number[]): Tensor {
  const quantization: Quantization = { scales, zeroPoints: scales.map(() => 0), axis: 0 };
  return tensor({ dtype: "i8", shape, quantization }, Int8Array.from(values));
}

describe("int8", () => {
  test("conv: a multiplier per channel, ties to even, the bias in accumulator units", () => {
    // Sums 1, 3, -1, -3 halved: 0.5 -> 0, 1.5 -> 2, -0.5 -> 0, -1.5 -> -2; the second channel doubled.
    check({
      op: "conv",
      input: i8([1, 1, 1, 4], [4, 6, 2, 0], HALF),
      others: [
        weights([2, 1, 1, 1], [1, 1], [0.5, 2]),
        tensor({ dtype: "i32", shape: [2] }, Int32Array.of(0, 10)),
      ],
      output: { scale: 0.5, zeroPoint: -1 },
      stored: [-1, 1, -1, -3, 21, 25, 17, 13],
    });
  });

  test("conv: padding stands for zero, whatever the zero point", () => {
    check({
      op: "conv",
      input: i8([1, 1, 1, 1], [13], { scale: 1, zeroPoint: 3 }),
      others: [weights([1, 1, 1, 3], [1, 1, 1], [1])],
      attributes: { pads: [0, 1, 0, 1] },
      output: { scale: 1, zeroPoint: 0 },
      stored: [10],
    });
  });

  test("conv: results saturate, and clamps act on stored values", () => {
    const input = i8([1, 1, 1, 3], [127, 0, -128], { scale: 1, zeroPoint: 0 });
    const others = [weights([1, 1, 1, 1], [127], [1])];
    const output = { scale: 1, zeroPoint: -100 };
    check({ op: "conv", input, others, output, stored: [127, -100, -128] });
    const attributes = { clamp_min: 0, clamp_max: 6 };
    check({ op: "conv", input, others, attributes, output, stored: [-94, -100, -100] });
  });

  test("matmul: one multiplier a column", () => {
    check({
      op: "matmul",
      input: i8([1, 2], [1, 2], { scale: 1, zeroPoint: 0 }),
      others: [weights([2, 2], [1, 10, 2, 20], [1, 0.5])],
      output: { scale: 1, zeroPoint: 0 },
      stored: [5, 25],
    });
  });

  test("add: both operands are scaled and rounded once, halves upwards", () => {
    check({
      op: "add",
      input: i8([4], [0, 1, 2, 3], { scale: 0.25, zeroPoint: 0 }),
      others: [i8([1], [1], { scale: 0.25, zeroPoint: 0 })],
      output: { scale: 0.5, zeroPoint: 10 },
      stored: [11, 11, 12, 12],
    });
  });

  test("sub: the second factor is negative", () => {
    check({
      op: "sub",
      input: i8([3], [4, 5, -128], { scale: 0.5, zeroPoint: 3 }),
      others: [i8([1], [1], { scale: 0.25, zeroPoint: 0 })],
      output: { scale: 0.5, zeroPoint: 10 },
      stored: [11, 12, -121],
    });
  });

  test("mul: the product of both zero-point differences, one multiplier", () => {
    check({
      op: "mul",
      input: i8([3], [5, 3, 1], HALF),
      others: [i8([1], [7], HALF)],
      output: { scale: 0.5, zeroPoint: 0 },
      stored: [4, 0, -4],
    });
  });

  test("means: the sum of differences from the zero point, divided by the count", () => {
    const input = i8([1, 1, 2, 2], [4, 5, 6, 9], { scale: 1, zeroPoint: 2 });
    const output = { scale: 2, zeroPoint: -5 };
    check({ op: "global_average_pool", input, output, stored: [-3] });
    const attributes = { kernel: [1, 2] };
    check({ op: "average_pool", input, attributes, output, stored: [-4, -2] });
  });

  test("max pooling compares stored values", () => {
    const encoding = { scale: 1, zeroPoint: 2 };
    const input = i8([1, 1, 1, 3], [-7, -9, 4], encoding);
    check({
      op: "max_pool",
      input,
      attributes: { kernel: [1, 2] },
      output: encoding,
      stored: [-7, 4],
    });
  });

  test("padding writes the zero point for zero and the encoded value for others", () => {
    const encoding = { scale: 0.5, zeroPoint: -7 };
    const padding = { before: [1], after: [0] };
    check({
      op: "pad",
      input: i8([1], [9], encoding),
      attributes: padding,
      output: encoding,
      stored: [-7, 9],
    });
    const attributes = { ...padding, value: 2 };
    check({
      op: "pad",
      input: i8([1], [9], encoding),
      attributes,
      output: encoding,
      stored: [-3, 9],
    });
  });

  test("softmax: equal inputs share, the largest wins, the sum stays within the encoding", () => {
    const scale = 0.25;
    const table = tensor({ dtype: "i32", shape: [256] }, softmaxTable(scale));
    const output = { scale: Math.fround(1 / 256), zeroPoint: -128 };
    check({
      op: "softmax",
      input: i8([1, 2], [7, 7], { scale, zeroPoint: 0 }),
      others: [table],
      output,
      stored: [0, 0],
    });
    // e^-1 / (1 + e^-1) = 0.26894: 68.85 of 256.
    check({
      op: "softmax",
      input: i8([1, 2], [4, 0], { scale, zeroPoint: 0 }),
      others: [table],
      output,
      stored: [59, -59],
    });
    check({
      op: "softmax",
      input: i8([1, 2], [127, -128], { scale: 4, zeroPoint: 0 }),
      others: [tensor({ dtype: "i32", shape: [256] }, softmaxTable(4))],
      output,
      stored: [127, -128],
    });
  });

  test("int16 softmax: exponentials of 15 bits, one for every difference", () => {
    const scale = 2 ** -14;
    const table = tensor({ dtype: "i16", shape: [65536] }, softmaxTable(scale, "i16"));
    const input = tensor(
      { dtype: "i16", shape: [1, 2], quantization: perTensor({ scale, zeroPoint: 0 }) },
      Int16Array.from([16384, 0]),
    );
    // e^-1 = 12,054 of 32,767; the shares: 0.73106 and 0.26894 of 32,767.
    const output = { scale: Math.fround(1 / 32767), zeroPoint: 0 };
    check({ op: "softmax", input, others: [table], output, stored: [23955, 8812] });
  });

  test("the table of a function holds its rounded value for every stored input", () => {
    const from = { scale: 0.1, zeroPoint: 5 };
    const to = { scale: 0.05, zeroPoint: -128 };
    const table = functionTable((x) => Math.max(x, 0), { from, to });
    expect(table[5 + 128]).toBe(-128);
    expect(table[15 + 128]).toBe(-108);
    expect(table[0]).toBe(-128);
    expect(table[255]).toBe(116);
  });

  test("infinite clamps are the ends of int8", () => {
    expect(storedBounds([-Infinity, Infinity], HALF)).toEqual({ low: -128, high: 127 });
    expect(storedBounds([0, 6], HALF)).toEqual({ low: 3, high: 15 });
    expect(quantizeValue(0.25, { scale: 0.5, zeroPoint: 0 })).toBe(0);
    expect(quantizeValue(0.75, { scale: 0.5, zeroPoint: 0 })).toBe(2);
  });

  test("a function without a table is refused on int8", () => {
    const builder = graphBuilder("relu");
    builder.input("x", i8([1], [0], HALF).type);
    builder.node({ op: "relu", name: "y", inputs: ["x"], quantization: perTensor(HALF) });
    const result = verify(builder.finish(["y"]));
    expect(result).toMatchObject({ ok: false, code: "BAD_GRAPH" });
    if (!result.ok) expect(result.message).toContain("does not run on int8");
  });
});
