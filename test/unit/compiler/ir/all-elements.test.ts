/** Elements that are formed together have the bits of the rule for one. */
import { expect, test } from "@jest/globals";
import {
  evaluateAt,
  evaluateNode,
  inferNode,
  isFloat,
  tensorFrom,
} from "../../../../compiler/ir/index.ts";
import type { Attribute, DType, Node, Tensor } from "../../../../compiler/ir/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { fc, property } from "../../../support/property.ts";

type ActivationType = "i8" | "i16" | "f16" | "f32";

const activation = fc.constantFrom<ActivationType>("i8", "i16", "f16", "f32");
const pad = fc.integer({ min: 0, max: 2 });

function operands(dtype: ActivationType, seed: number) {
  const random = seededRandom(seed);
  const stored = (type: DType, shape: readonly number[], zeroPoint: number): Tensor => {
    const quantization = { scales: [2 ** -7], zeroPoints: [zeroPoint] };
    const half = type === "i16" ? 32768 : 128;
    return tensorFrom({ dtype: type, shape, quantization }, () => random.below(2 * half) - half);
  };
  const float = (shape: readonly number[]): Tensor =>
    tensorFrom({ dtype, shape }, () => random.normal());
  const isReal = isFloat(dtype);
  return {
    x: (shape: readonly number[]) =>
      isReal ? float(shape) : stored(dtype, shape, dtype === "i8" ? 5 : 0),
    w: (shape: readonly number[]) => (isReal ? float(shape) : stored("i8", shape, 0)),
    bias: (count: number): Tensor =>
      isReal
        ? float([count])
        : tensorFrom({ dtype: "i32", shape: [count] }, () => random.below(2000) - 1000),
  };
}

function check(op: string, inputs: readonly Tensor[], attributes: Node["attributes"]): void {
  const node = { name: op, op, inputs: [], outputs: ["y"], attributes };
  const inferred = inferNode(
    node,
    inputs.map(({ type }) => type),
  );
  fc.pre(inferred.ok);
  const { types, attributes: normal } = unwrap(inferred);
  const quantization = { scales: [0.25], zeroPoints: [-3] };
  const { dtype, shape } = types[0] as { dtype: DType; shape: readonly number[] };
  const type = isFloat(dtype) ? { dtype, shape } : { dtype, shape, quantization };
  const closed = { ...node, attributes: normal };
  const [all] = evaluateNode(closed, inputs, [type]);
  const indices = Array.from({ length: all?.data.length ?? 0 }, (_, index) => index);
  const each = evaluateAt(closed, { inputs, outputTypes: [type] }, indices);
  expect(tensorFrom(type, (index) => each[index] ?? NaN).data).toEqual(all?.data);
}

test("a convolution or its transpose, in groups, of several images", () => {
  const geometry = fc.record({
    ...{ op: fc.constantFrom("conv", "conv_transpose"), dtype: activation },
    ...{ batch: fc.integer({ min: 1, max: 2 }), groups: fc.integer({ min: 1, max: 3 }) },
    channels: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10 })),
    size: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
    kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    dilations: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    pads: fc.tuple(pad, pad, pad, pad),
    seed: fc.nat(),
  });
  property(geometry, ({ op, dtype, batch, groups, channels: [inside, out], ...g }) => {
    const { x, w, bias } = operands(dtype, g.seed);
    const weights = op === "conv" ? [groups * out, inside] : [groups * inside, out];
    const { strides, dilations, pads } = g;
    const attributes = new Map<string, Attribute>(
      Object.entries({ group: groups, strides, dilations, pads }),
    );
    const inputs = [
      x([batch, groups * inside, ...g.size]),
      w([...weights, ...g.kernel]),
      bias(groups * out),
    ];
    check(op, inputs, attributes);
  });
});

test("a matrix product, over batches that broadcast", () => {
  const size = fc.integer({ min: 1, max: 20 });
  const product = fc.record({
    ...{ dtype: activation, rows: size, depth: size, columns: size, seed: fc.nat() },
    shared: fc.boolean(),
  });
  property(product, ({ dtype, rows, depth, columns, shared, seed }) => {
    const { x, w, bias } = operands(dtype, seed);
    const right = w([...(shared ? [1] : [2]), depth, columns]);
    check("matmul", [x([2, rows, depth]), right, bias(columns)], new Map());
  });
});
