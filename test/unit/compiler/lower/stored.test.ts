/** Rows of models that were quantised elsewhere: programs equal the evaluator in every bit. */
import { describe, expect, test } from "@jest/globals";
import { doublingHighMultiply, tensorFrom } from "../../../../compiler/ir/index.ts";
import { countFactor, STORED_COUNT_MAX } from "../../../../compiler/lower/stages/pool.ts";
import { checkGraph, CHIPS, int8Graph } from "./chip.ts";

const SHAPE = [1, 70, 12, 21];
/** One release stands for all: they differ in placement alone. */
const TARGETS = CHIPS.map((soc) => ({ version: "1.1.0", soc }));

type Draft = ReturnType<typeof int8Graph>;

/** A graph of one node over random inputs, and over extremes alone. */
function check(build: (g: Draft) => string, seed = 1): void {
  const g = int8Graph(seed);
  const graph = g.finish(build(g));
  checkGraph(graph, seed, TARGETS);
  checkGraph(graph, -100, TARGETS.slice(0, 1));
}

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
