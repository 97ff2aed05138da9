import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compileCpu } from "../../../../../compiler/codegen/cpu/index.ts";
import { graphBuilder } from "../../../../../compiler/ir/index.ts";
import { checkGraph, checkNode, randomTensor } from "./compare.ts";

const small = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });

describe("matmul", () => {
  const sizes = fc.record({
    rows: small(1, 9),
    depth: small(1, 40),
    columns: small(1, 30),
    constant: fc.boolean(),
    bias: fc.constantFrom("none", "constant", "computed"),
    batchA: fc.constantFrom([], [2], [2, 3], [1, 3]),
    batchB: fc.constantFrom([], [], [3], [2, 1]),
    seed: small(1, 1e6),
  });

  test("any sizes, batches, constant and computed right sides, with and without bias", () => {
    fc.assert(
      fc.property(sizes, (s) => {
        const fits = s.batchA.length < 1 || s.batchB.length < 1 || s.batchA.at(-1) !== 2;
        if (!fits) return;
        const bias =
          s.bias === "none" ? [] : [{ shape: [s.columns], constant: s.bias === "constant" }];
        checkNode({
          op: "matmul",
          operands: [
            { shape: [...s.batchA, s.rows, s.depth] },
            { shape: [...s.batchB, s.depth, s.columns], constant: s.constant },
            ...bias,
          ],
          attributes: { clamp_min: -3 },
          seed: s.seed,
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe("pooling", () => {
  const spec = fc.record({
    size: fc.tuple(small(1, 9), small(1, 9)),
    kernel: fc.tuple(small(1, 3), small(1, 3)),
    strides: fc.tuple(small(1, 3), small(1, 3)),
    pads: fc.tuple(small(0, 1), small(0, 1), small(0, 1), small(0, 1)),
    ceil: small(0, 1),
    channels: fc.constantFrom(1, 3, 4, 6),
    seed: small(1, 1e6),
  });

  test.each([
    ["max_pool", {}],
    ["average_pool", { count_include_pad: 0 }],
    ["average_pool", { count_include_pad: 1 }],
  ])("%s %o over any window", (op, extra) => {
    fc.assert(
      fc.property(spec, (s) => {
        const [top, left, bottom, right] = s.pads;
        const fits =
          s.size[0] + top + bottom >= s.kernel[0] && s.size[1] + left + right >= s.kernel[1];
        if (!fits || s.kernel.some((size) => size === 1 && top + left + bottom + right > 0)) return;
        const attributes = {
          kernel: s.kernel,
          strides: s.strides,
          pads: s.pads,
          ceil_mode: s.ceil,
        };
        checkNode({
          op,
          operands: [{ shape: [2, s.channels, ...s.size] }],
          attributes: { ...attributes, ...extra },
          seed: s.seed,
        });
      }),
      { numRuns: 60 },
    );
  });

  test("global pools, with and without spatial axes that are images", () => {
    for (const op of ["global_average_pool", "global_max_pool"]) {
      for (const shape of [
        [2, 5, 3, 4],
        [1, 8, 1, 1],
        [2, 3, 7],
      ]) {
        checkNode({ op, operands: [{ shape }] });
      }
    }
  });
});

describe("reductions and softmax", () => {
  const shape = fc.array(small(1, 5), { minLength: 1, maxLength: 4 });

  test.each(["reduce_mean", "reduce_sum", "reduce_prod", "reduce_max", "reduce_min"])(
    "%s over any axes",
    (op) => {
      fc.assert(
        fc.property(
          shape,
          fc.array(small(0, 3), { minLength: 1, maxLength: 3 }),
          small(0, 1),
          (sizes, picked, keepdims) => {
            const axes = [...new Set(picked.map((axis) => axis % sizes.length))];
            checkNode({ op, operands: [{ shape: sizes }], attributes: { axes, keepdims } });
          },
        ),
        { numRuns: 25 },
      );
    },
  );

  test("softmax along any axis, of rows and of pixels", () => {
    fc.assert(
      fc.property(shape, small(0, 3), (sizes, picked) => {
        const axis = (picked % sizes.length) - (picked > 1 ? sizes.length : 0);
        checkNode({ op: "softmax", operands: [{ shape: sizes, scale: 5 }], attributes: { axis } });
      }),
      { numRuns: 40 },
    );
    const builder = graphBuilder("pixels");
    const x = builder.input("x", { dtype: "f32", shape: [2, 6, 3, 2] });
    const attributes = { kernel: [1, 1] };
    const pooled = builder.node({ op: "max_pool", name: "pooled", inputs: [x], attributes });
    builder.node({ op: "softmax", name: "y", inputs: [pooled], attributes: { axis: 1 } });
    checkGraph(builder.finish(["y"]), new Map([["x", randomTensor([2, 6, 3, 2], 9)]]));
  });
});

describe("movement", () => {
  test.each([
    ["identity", [2, 3, 4, 5], {}],
    ["reshape", [2, 3, 4], { shape: [6, 4] }],
    ["cast", [3, 5], { to: "f32" }],
    ["transpose", [2, 3, 4, 5], { perm: [0, 2, 3, 1] }],
    ["transpose", [3, 200], { perm: [1, 0] }],
    ["transpose", [2, 3, 4], { perm: [2, 0, 1] }],
    ["slice", [4, 6], { starts: [1, 5], ends: [4, 0], steps: [2, -2] }],
    ["slice", [1, 3, 8, 9], { starts: [0, 1, 2, 0], ends: [1, 3, 8, 9], steps: [1, 1, 3, 4] }],
    ["pad", [1, 3, 4, 5], { before: [0, 1, 2, 0], after: [0, 0, 1, 3], value: 1.5 }],
    ["pad", [6, 5], { before: [-1, 2], after: [1, -2] }],
    ["expand", [3, 1], { shape: [2, 3, 4] }],
  ])("%s %o %o, from rows and from pixels", (op, shape, attributes) => {
    checkNode({ op, operands: [{ shape }], attributes });
    if (shape.length === 4) checkBehindPixels(op, [shape], attributes);
  });

  test("concat and split along every axis", () => {
    for (let axis = 0; axis < 4; axis++) {
      const parts = [1, 3, 2].map((size) =>
        [2, 6, 3, 4].map((other, at) => (at === axis ? size : other)),
      );
      checkNode({
        op: "concat",
        operands: parts.map((shape) => ({ shape })),
        attributes: { axis },
      });
      checkBehindPixels("concat", parts, { axis });
      const whole = [2, 6, 3, 4].map((size, at) => (at === axis ? 6 : size));
      checkNode({
        op: "split",
        operands: [{ shape: whole }],
        attributes: { axis: axis - 4, sizes: [1, 3, 2] },
        outputs: 3,
      });
    }
  });

  test("resize to any size in every mode", () => {
    const text = <T extends string>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
    const spec = fc.record({
      mode: text("nearest", "linear"),
      coordinates: text("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"),
      nearest: text("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"),
      from: fc.tuple(small(1, 5), small(1, 5)),
      sizes: fc.tuple(small(1, 9), small(1, 9)),
      channels: small(1, 9),
    });
    fc.assert(
      fc.property(spec, ({ from, sizes, channels, ...modes }) => {
        const scales = sizes.map((size, axis) => size / from[axis]!);
        checkNode({
          op: "resize",
          operands: [{ shape: [2, channels, ...from] }],
          attributes: { ...modes, sizes, scales },
        });
      }),
      { numRuns: 60 },
    );
  });
});

/** The operator on values that pooling left as pixels, and pooled again where it gives an image. */
function checkBehindPixels(
  op: string,
  shapes: readonly (readonly number[])[],
  attributes: Parameters<typeof checkNode>[0]["attributes"],
): void {
  const builder = graphBuilder("behind");
  const kernel = { kernel: [1, 1] };
  const operands = shapes.map((shape, index) => {
    const x = builder.input(`x${index}`, { dtype: "f32", shape });
    return builder.node({ op: "max_pool", name: `p${index}`, inputs: [x], attributes: kernel });
  });
  builder.node({ op, name: "moved", inputs: operands, attributes: attributes ?? {} });
  builder.node({ op: "max_pool", name: "last", inputs: ["moved"], attributes: kernel });
  const inputs = new Map(shapes.map((shape, index) => [`x${index}`, randomTensor(shape, index)]));
  checkGraph(builder.finish(["last", "moved"]), inputs);
}

describe("what the CPU has no code for", () => {
  test("is refused with the node's name", () => {
    const builder = graphBuilder("refused");
    const x = builder.input("x", { dtype: "f32", shape: [4] });
    builder.node({ op: "argmax", name: "which", inputs: [x] });
    expect(compileCpu(builder.finish(["which"]))).toMatchObject({
      ok: false,
      code: "UNSUPPORTED_OP",
      details: { node: "which", op: "argmax" },
    });
  });

  test("an output that is an input or a constant is copied out", () => {
    const builder = graphBuilder("plain");
    const x = builder.input("x", { dtype: "f32", shape: [3] });
    const c = builder.constant("c", randomTensor([2], 4));
    checkGraph(builder.finish([x, c]), new Map([["x", randomTensor([3], 5)]]));
  });
});
