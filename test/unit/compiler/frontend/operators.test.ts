/** ONNX operators whose spelling differs from the compiler's: what comes out, in numbers. */
import { describe, expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import { evaluate, numberList, print, tensorOf } from "../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../compiler/ir/index.ts";
import { float, floats, int, ints, longs, onnxFile, onnxNode, text } from "./onnx-file.ts";
import type { SmallModel } from "./onnx-file.ts";

function imported(model: SmallModel): Graph {
  const result = importOnnx(onnxFile(model));
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.value;
}

interface Case {
  readonly model: Omit<SmallModel, "outputs" | "inputs">;
  readonly input: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

function check({ model, input, shape, values }: Case): void {
  const graph = imported({ ...model, inputs: { x: input.shape }, outputs: ["y"] });
  const x = tensorOf({ dtype: "f32", shape: input.shape }, input.values);
  const y = evaluate(graph, new Map([["x", x]])).get("y");
  if (y === undefined) throw new Error("no output");
  expect(y.type.shape).toEqual(shape);
  for (const [index, value] of values.entries()) expect(numberList(y)[index]).toBeCloseTo(value, 5);
}

const FOUR = { shape: [1, 1, 2, 2], values: [1, 2, 3, 4] };
const LINE = { shape: [1, 1, 4], values: [1, 2, 3, 4] };
const toY = [["x"], ["y"]] as const;

const CASES: Readonly<Record<string, Case>> = {
  "Conv over a sequence": {
    model: {
      nodes: [onnxNode("Conv", [["x", "w", "b"], ["y"]], [ints("pads", [1, 0])])],
      initializers: [floats("w", [1, 1, 2], [10, 1]), floats("b", [1], [0.5])],
    },
    input: LINE,
    shape: [1, 1, 4],
    values: [1.5, 12.5, 23.5, 34.5],
  },
  "Conv with auto_pad SAME_UPPER": {
    model: {
      nodes: [onnxNode("Conv", [["x", "w"], ["y"]], [text("auto_pad", "SAME_UPPER")])],
      initializers: [floats("w", [1, 1, 2, 2], [1, 1, 1, 1])],
    },
    input: FOUR,
    shape: [1, 1, 2, 2],
    values: [10, 6, 7, 4],
  },
  "Clip with bounds as attributes (opset 6 to 10)": {
    model: { opset: 9, nodes: [onnxNode("Clip", toY, [float("min", 2), float("max", 3)])] },
    input: FOUR,
    shape: [1, 1, 2, 2],
    values: [2, 2, 3, 3],
  },
  "Clip with an upper bound as input only": {
    model: {
      nodes: [onnxNode("Clip", [["x", "", "high"], ["y"]])],
      initializers: [floats("high", [], [3])],
    },
    input: FOUR,
    shape: [1, 1, 2, 2],
    values: [1, 2, 3, 3],
  },
  "Softmax before opset 13 runs over all later axes": {
    model: { opset: 11, nodes: [onnxNode("Softmax", toY, [int("axis", 1)])] },
    input: { shape: [1, 2, 2], values: [0, 0, 0, 0] },
    shape: [1, 2, 2],
    values: [0.25, 0.25, 0.25, 0.25],
  },
  "Softmax since opset 13 runs over one axis": {
    model: { nodes: [onnxNode("Softmax", toY, [int("axis", 1)])] },
    input: { shape: [1, 2, 2], values: [0, 0, 0, 0] },
    shape: [1, 2, 2],
    values: [0.5, 0.5, 0.5, 0.5],
  },
  "Reshape with 0 and -1, its shape computed from the input": {
    model: {
      nodes: [
        onnxNode("Shape", [["x"], ["s"]]),
        onnxNode("Slice", [["s", "zero", "one"], ["batch"]]),
        onnxNode("Concat", [["batch", "rest"], ["wanted"]], [int("axis", 0)]),
        onnxNode("Reshape", [["x", "wanted"], ["y"]]),
      ],
      initializers: [longs("zero", [0]), longs("one", [1]), longs("rest", [0, -1])],
    },
    input: FOUR,
    shape: [1, 1, 4],
    values: [1, 2, 3, 4],
  },
  "Unsqueeze and Squeeze with axes as input": {
    model: {
      nodes: [
        onnxNode("Unsqueeze", [["x", "front"], ["u"]]),
        onnxNode("Squeeze", [["u", "axes"], ["y"]]),
      ],
      initializers: [longs("front", [0, -1]), longs("axes", [0, 1])],
    },
    input: { shape: [1, 2], values: [5, 6] },
    shape: [2, 1],
    values: [5, 6],
  },
  "Slice backwards with the smallest end there is": {
    model: {
      nodes: [onnxNode("Slice", [["x", "from", "to", "axes", "by"], ["y"]])],
      initializers: [
        longs("from", [-1]),
        longs("to", [Number.MIN_SAFE_INTEGER]),
        longs("axes", [-1]),
        longs("by", [-2]),
      ],
    },
    input: LINE,
    shape: [1, 1, 2],
    values: [4, 2],
  },
  "Resize by scales, nearest, rounding down": {
    model: {
      nodes: [
        onnxNode(
          "Resize",
          [["x", "", "scales"], ["y"]],
          [
            text("mode", "nearest"),
            text("coordinate_transformation_mode", "asymmetric"),
            text("nearest_mode", "floor"),
          ],
        ),
      ],
      initializers: [floats("scales", [4], [1, 1, 1, 2])],
    },
    input: FOUR,
    shape: [1, 1, 2, 4],
    values: [1, 1, 2, 2, 3, 3, 4, 4],
  },
  "Resize by sizes, linear, half-pixel centres": {
    model: {
      nodes: [onnxNode("Resize", [["x", "", "", "sizes"], ["y"]], [text("mode", "linear")])],
      initializers: [longs("sizes", [1, 1, 1, 2])],
    },
    input: FOUR,
    shape: [1, 1, 1, 2],
    values: [2, 3],
  },
  "Pad with a value, its counts an input": {
    model: {
      nodes: [onnxNode("Pad", [["x", "pads", "value"], ["y"]])],
      initializers: [longs("pads", [0, 0, 1, 0, 0, 1]), floats("value", [], [9])],
    },
    input: LINE,
    shape: [1, 1, 6],
    values: [9, 1, 2, 3, 4, 9],
  },
  "Gemm with both flags and factors": {
    model: {
      nodes: [
        onnxNode(
          "Gemm",
          [["x", "w", "c"], ["y"]],
          [float("alpha", 2), float("beta", 3), int("transA", 1), int("transB", 1)],
        ),
      ],
      initializers: [floats("w", [1, 2], [1, 10]), floats("c", [], [1])],
    },
    input: { shape: [2, 1], values: [3, 4] },
    shape: [1, 1],
    values: [89],
  },
  "MatMul of a vector loses the dimension it was lent": {
    model: {
      nodes: [onnxNode("MatMul", [["x", "w"], ["y"]])],
      initializers: [floats("w", [2, 3], [1, 2, 3, 4, 5, 6])],
    },
    input: { shape: [2], values: [1, 10] },
    shape: [3],
    values: [41, 52, 63],
  },
  "DepthToSpace, blocks first": {
    model: { nodes: [onnxNode("DepthToSpace", toY, [int("blocksize", 2)])] },
    input: { shape: [1, 4, 1, 1], values: [1, 2, 3, 4] },
    shape: [1, 1, 2, 2],
    values: [1, 2, 3, 4],
  },
  "Sum of three and Mean of two": {
    model: {
      nodes: [onnxNode("Sum", [["x", "x", "x"], ["s"]]), onnxNode("Mean", [["s", "x"], ["y"]])],
    },
    input: { shape: [2], values: [1, 2] },
    shape: [2],
    values: [2, 4],
  },
  "Split into equal parts, one of them unused": {
    model: { nodes: [onnxNode("Split", [["x"], ["", "y"]], [int("axis", -1)])] },
    input: LINE,
    shape: [1, 1, 2],
    values: [3, 4],
  },
  "Dropout passes its input on": {
    model: { nodes: [onnxNode("Dropout", [["x"], ["y"]])] },
    input: { shape: [2], values: [1, 2] },
    shape: [2],
    values: [1, 2],
  },
  "QuantizeLinear and DequantizeLinear round to the grid": {
    model: {
      nodes: [
        onnxNode("QuantizeLinear", [["x", "s", "z"], ["q"]]),
        onnxNode("DequantizeLinear", [["q", "s", "z"], ["y"]]),
      ],
      initializers: [
        floats("s", [], [0.5]),
        { name: "z", dims: [], dataType: 3, rawData: Uint8Array.of(1) },
      ],
    },
    input: { shape: [3], values: [0.26, 0.74, 100] },
    shape: [3],
    values: [0.5, 0.5, 63],
  },
};

describe("ONNX operators", () => {
  test.each(Object.keys(CASES))("%s", (name) => {
    const each = CASES[name];
    if (each === undefined) throw new Error(name);
    check(each);
  });

  test("shape arithmetic leaves no trace in the graph", () => {
    const each = CASES["Reshape with 0 and -1, its shape computed from the input"];
    if (each === undefined) throw new Error("case");
    const graph = imported({ ...each.model, inputs: { x: [1, 1, 2, 2] }, outputs: ["y"] });
    expect(print(graph)).toBe(
      [
        'graph "small" {',
        "  input x: f32[1,1,2,2]",
        "  y = reshape(x) {shape=[1,1,4]} -> y: f32[1,1,4]",
        "  output y",
        "}",
        "",
      ].join("\n"),
    );
  });
});
