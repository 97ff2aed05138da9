/** Rows of models that were quantised elsewhere: programs equal the evaluator in every bit. */
import { describe, expect, test } from "@jest/globals";
import { doublingHighMultiply, tensorFrom } from "../../../../compiler/ir/index.ts";
import { countFactor, STORED_COUNT_MAX } from "../../../../compiler/lower/stages/pool.ts";
import { check } from "./chip.ts";
import type { Draft } from "./chip.ts";

const SHAPE = [1, 70, 12, 21];
/** Weights whose differences to their zero point need nine bits. */
function asymmetric(g: Draft, shape: readonly number[], zeroPoint = -7): string {
  const quantization = { scales: [Math.fround(0.004)], zeroPoints: [zeroPoint] };
  const type = { dtype: "i8", shape, quantization } as const;
  return g.builder.constant(
    "asymmetric",
    tensorFrom(type, (index) => (index === 0 ? 127 : g.random.below(256) - 128)),
  );
}

describe("weights with a zero point", () => {
  const pads = [1, 1, 1, 1];
  test("a convolution whose channels fill no tiles, clamped", () => {
    check((g) =>
      g.node("fixed_conv", [g.input([1, 20, 9, 11]), asymmetric(g, [45, 20, 3, 3]), g.bias(45)], {
        ...{ pads, clamp_min: 0, clamp_max: 1 },
      }),
    );
  });
  test("a convolution in groups", () => {
    check((g) =>
      g.node("fixed_conv", [g.input([1, 16, 9, 9]), asymmetric(g, [24, 4, 3, 3])], { group: 4 }),
    );
  });
  for (const kernel of [3, 5]) {
    test(`one ${kernel}x${kernel} filter a channel`, () => {
      check((g) =>
        g.node("fixed_conv", [g.input([1, 40, 13, 9]), asymmetric(g, [40, 1, kernel, kernel])], {
          ...{ group: 40, pads, strides: [2, 2] },
        }),
      );
    });
  }
  test("a transposed convolution", () => {
    check((g) =>
      g.node("fixed_conv_transpose", [g.input([1, 12, 5, 6]), asymmetric(g, [12, 9, 2, 2])], {
        strides: [2, 2],
      }),
    );
  });
  test("a matrix product", () => {
    check((g) =>
      g.node("fixed_matmul", [g.input([5, 40]), asymmetric(g, [40, 37], 100), g.bias(37)]),
    );
  });
  test("a matrix product with all of an image, in either order of axes", () => {
    for (const perm of [
      [0, 1, 2, 3],
      [0, 2, 3, 1],
    ]) {
      check((g) => {
        const x = g.input([1, 20, 5, 11]);
        const encoding = { quantization: g.encodingOf(x) };
        const turned = g.node("transpose", [x], { perm, ...encoding });
        const flat = g.node("reshape", [turned], { shape: [1, 1100], ...encoding });
        return g.node("fixed_matmul", [flat, asymmetric(g, [1100, 40]), g.bias(40)]);
      });
    }
  });
  test("a matrix product with pixels that leave a row half empty", () => {
    check((g) => {
      const x = g.input([1, 11, 20]);
      const flat = g.node("reshape", [x], { shape: [1, 220], quantization: g.encodingOf(x) });
      return g.node("fixed_matmul", [flat, asymmetric(g, [220, 40]), g.bias(40)]);
    });
  });
  test("weights that int8 holds as differences", () => {
    check((g) => {
      const quantization = { scales: [Math.fround(0.004)], zeroPoints: [-128] };
      const type = { dtype: "i8", shape: [8, 8, 1, 1], quantization } as const;
      const w = g.builder.constant(
        "w",
        tensorFrom(type, () => g.random.below(128) - 128),
      );
      return g.node("fixed_conv", [g.input([1, 8, 5, 5]), w]);
    });
  });
});

describe("sums and products", () => {
  const clamp = { clamp_min: 0, clamp_max: 0.7 };
  for (const op of ["fixed_add", "fixed_sub"]) {
    test(`${op} of two tensors, clamped`, () => {
      check((g) => g.node(op, [g.input(SHAPE), g.input(SHAPE)], { rule: "shifted", ...clamp }), 2);
    });
    test(`${op} of a tensor and one pixel`, () => {
      check((g) => g.node(op, [g.input(SHAPE), g.input([1, 70, 1, 1])], { rule: "shifted" }), 3);
    });
  }
  for (const scale of [1e-4, 5]) {
    test(`a sum in steps of ${scale}`, () => {
      const quantization = { scales: [Math.fround(scale)], zeroPoints: [3] };
      const options = { rule: "shifted", quantization };
      check((g) => g.node("fixed_add", [g.input(SHAPE), g.input(SHAPE)], options), 4);
    });
  }
  test("a sum with a constant", () => {
    check((g) => {
      const type = { dtype: "i8", shape: [1, 70, 1, 1], quantization: g.fresh() } as const;
      const c = g.builder.constant(
        "c",
        tensorFrom(type, (i) => ((i * 37) % 256) - 128),
      );
      return g.node("fixed_add", [c, g.input(SHAPE)], { rule: "shifted" });
    }, 5);
  });
  const tabled: readonly (readonly [string, string])[] = [
    ...[["fixed_add", "raised"] as const, ["fixed_sub", "raised"] as const],
    ...[["fixed_mul", "fixed"] as const, ["fixed_squared_difference", "raised"] as const],
    ...[["fixed_prelu", "fixed"] as const, ["fixed_div", "fixed"] as const],
    ...[["fixed_max", "stored"] as const, ["fixed_min", "stored"] as const],
  ];
  for (const [op, rule] of tabled) {
    test(`${op} by a table of all pairs`, () => {
      check((g) => g.node(op, [g.input(SHAPE), g.input(SHAPE)], { rule, clamp_min: -0.9 }), 6);
      check((g) => g.node(op, [g.input(SHAPE), g.input([1, 70, 1, 1])], { rule }), 7);
      check((g) => g.node(op, [g.input([1, 70, 1, 1]), g.input(SHAPE)], { rule }), 8);
    });
  }
  test("one pixel minus a tensor", () => {
    check((g) =>
      g.node("fixed_sub", [g.input([1, 70, 1, 1]), g.input(SHAPE)], { rule: "shifted" }),
    );
  });
  test("a product, clamped", () => {
    check((g) =>
      g.node("fixed_mul", [g.input(SHAPE), g.input(SHAPE)], { rule: "f32_rne", ...clamp }),
    );
  });
});

describe("means", () => {
  for (const origin of [0, -128]) {
    for (const [height, width] of [
      [7, 7],
      [8, 16],
      [1, 1],
      [33, 33],
    ] as const) {
      test(`of images of ${height}x${width} numbers counted from ${origin}`, () => {
        check((g) => {
          const x = g.input([1, 40, height, width]);
          const kernel = [height, width];
          const encoding = { quantization: g.encodingOf(x) };
          return g.node("fixed_average_pool", [x], { kernel, origin, ...encoding });
        });
        check((g) =>
          g.node("fixed_mean", [g.input([1, 40, height, width])], { axes: [2, 3], origin }),
        );
      });
    }
    test(`of what lies in the image, counted from ${origin}`, () => {
      for (const [height, width] of [
        [12, 13],
        [8, 16],
      ] as const) {
        check((g) => {
          const x = g.input([1, 40, height, width]);
          const window = { kernel: [3, 3], strides: [2, 1], pads: [1, 1, 1, 1], origin };
          return g.node("fixed_average_pool", [x], { ...window, quantization: g.encodingOf(x) });
        });
      }
    });
    test(`of windows of numbers counted from ${origin}`, () => {
      check((g) => {
        const x = g.input([1, 40, 12, 13]);
        const window = { kernel: [2, 3], strides: [2, 2], origin, quantization: g.encodingOf(x) };
        return g.node("fixed_average_pool", [x], window);
      });
    });
  }
});

test("a mean by multiplication divides every sum as a division does", () => {
  const wrong: number[] = [];
  for (let count = 1; count <= STORED_COUNT_MAX; count++) {
    const factor = countFactor(count);
    const means = [0, 1, 2, 127, 128, 254];
    for (const sum of means.flatMap((mean) => nearTie(mean, count))) {
      const rounded = Math.trunc((sum + Math.floor(count / 2)) / count);
      const up = doublingHighMultiply(sum, factor);
      const down = doublingHighMultiply(-sum, factor);
      if (up !== rounded || down + rounded !== 0) wrong.push(count);
    }
  }
  expect(wrong).toEqual([]);
});

/** Sums whose mean lies around the middle between two whole numbers. */
function nearTie(mean: number, count: number): number[] {
  const tie = mean * count + Math.floor(count / 2);
  return [tie - 1, tie, tie + 1];
}

describe("softmax", () => {
  for (const channels of [2, 32, 70]) {
    test(`over ${channels} channels`, () => {
      check((g) => {
        const quantization = { scales: [Math.fround(1 / 256)], zeroPoints: [-128] };
        return g.node("fixed_softmax", [g.input([5, channels])], { beta: 0.7, quantization });
      });
    });
  }
});

describe("products of two tensors", () => {
  const turned = (g: Draft, x: string): string => {
    return g.node("transpose", [x], { perm: [0, 2, 1], quantization: g.encodingOf(x) });
  };
  for (const rule of ["f32_rne", "fixed"]) {
    for (const [tokens, depth, columns] of [
      [45, 70, 33],
      [9, 32, 77],
    ] as const) {
      const quantization = { scales: [Math.fround(0.3)], zeroPoints: [-7] };
      const how = { rule, quantization, clamp_max: 30 };
      test(`${tokens} x ${depth} x ${columns} by ${rule}, both with zero points`, () => {
        check((g) => {
          const operands = [g.input([1, tokens, depth]), g.input([1, depth, columns])];
          return g.node("fixed_matmul", operands, how);
        });
        check((g) => {
          const operands = [g.input([1, tokens, depth]), turned(g, g.input([1, columns, depth]))];
          return g.node("fixed_matmul", operands, how);
        });
      });
    }
  }
  test("int16 in fixed point, the second turned", () => {
    check((g) => {
      const wide = (name: string, shape: readonly number[]): string =>
        g.builder.input(name, {
          ...{ dtype: "i16", shape },
          quantization: { scales: [1e-4], zeroPoints: [0] },
        });
      const operands = [wide("a", [1, 20, 40]), turned(g, wide("b", [1, 37, 40]))];
      const quantization = { scales: [2e-3], zeroPoints: [0] };
      return g.node("fixed_matmul", operands, { rule: "fixed_wide", quantization });
    });
  });
});

describe("the index of the largest channel", () => {
  for (const [channels, keepdims] of [
    [21, 0],
    [70, 1],
    [256, 0],
  ] as const) {
    test(`of ${channels}`, () => {
      check((g) => {
        const quantization = { scales: [1], zeroPoints: [-128] };
        return g.node("fixed_argmax", [g.input([1, channels, 9, 13])], {
          axis: 1,
          keepdims,
          quantization,
        });
      });
    });
  }
});

describe("linear interpolation", () => {
  for (const coordinates of ["half_pixel", "align_corners", "asymmetric"]) {
    for (const sizes of [
      [13, 24],
      [17, 21],
    ]) {
      test(`${coordinates} to ${sizes.join("x")}`, () => {
        check((g) => {
          const x = g.input([1, 40, 9, 11]);
          const scales = [sizes[0]! / 9, sizes[1]! / 11];
          const how = { mode: "linear", coordinates, nearest: "floor" };
          return g.node("fixed_resize", [x], {
            sizes,
            scales,
            ...how,
            quantization: g.encodingOf(x),
          });
        });
      });
    }
  }
});
