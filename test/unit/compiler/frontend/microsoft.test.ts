/** The domain com.microsoft: integer arithmetic as onnxruntime does it, and nodes fused from several. */
import { describe, expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import type {
  AttributeProto,
  NodeProto,
  TensorProto,
} from "../../../../compiler/frontend/onnx/index.ts";
import { evaluate, numberList, tensorOf } from "../../../../compiler/ir/index.ts";
import { float, floats, int, ints, onnxFile, onnxNode, text } from "./onnx-file.ts";

interface Case {
  readonly nodes: readonly NodeProto[];
  readonly initializers?: readonly TensorProto[];
  readonly shape?: readonly number[];
  readonly x: readonly number[];
  readonly y: readonly number[];
}

function microsoft(
  opType: string,
  names: readonly [readonly string[], readonly string[]],
  attributes: readonly AttributeProto[] = [],
): NodeProto {
  return { ...onnxNode(opType, names, attributes), domain: "com.microsoft" };
}

function bytes(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return { name, dims: [...dims], dataType: 2, rawData: Uint8Array.from(values) };
}

/** x stored as q by (1, 10); results are read back by (0.5, 100). */
const ENCODINGS = [
  ...[floats("sx", [], [1]), bytes("zx", [], [10])],
  ...[floats("sy", [], [0.5]), bytes("zy", [], [100])],
];
const STORED = ["q", "sx", "zx"];
const RESULT = ["sy", "zy"];

function onStored(
  opType: string,
  inputs: readonly string[],
  attributes: AttributeProto[] = [],
): NodeProto[] {
  return [
    onnxNode("QuantizeLinear", [["x", "sx", "zx"], ["q"]]),
    microsoft(opType, [inputs, ["r"]], attributes),
    onnxNode("DequantizeLinear", [["r", "sy", "zy"], ["y"]]),
  ];
}

const CASES: Readonly<Record<string, Case>> = {
  QLinearAdd: {
    nodes: onStored("QLinearAdd", [...STORED, ...STORED, ...RESULT]),
    initializers: ENCODINGS,
    x: [1, 2.4, -3],
    y: [2, 4, -6],
  },
  "QLinearMul saturates": {
    nodes: onStored("QLinearMul", [...STORED, ...STORED, ...RESULT]),
    initializers: ENCODINGS,
    x: [2, 100],
    y: [4, 77.5],
  },
  QLinearConcat: {
    nodes: onStored("QLinearConcat", [...RESULT, ...STORED, ...STORED], [int("axis", 0)]),
    initializers: ENCODINGS,
    x: [1, 2],
    y: [1, 2, 1, 2],
  },
  "QLinearGlobalAveragePool with channels last": {
    nodes: onStored("QLinearGlobalAveragePool", [...STORED, ...RESULT], [int("channels_last", 1)]),
    initializers: ENCODINGS,
    shape: [1, 2, 1, 2],
    x: [1, 2, 3, 6],
    y: [2, 4],
  },
  QLinearAveragePool: {
    nodes: onStored("QLinearAveragePool", [...STORED, ...RESULT], [ints("kernel_shape", [1, 2])]),
    initializers: ENCODINGS,
    shape: [1, 1, 1, 3],
    x: [1, 2, 6],
    y: [1.5, 4],
  },
  DynamicQuantizeMatMul: {
    nodes: [microsoft("DynamicQuantizeMatMul", [["x", "b", "sb", "zb"], ["y"]])],
    initializers: [bytes("b", [2, 1], [3, 5]), floats("sb", [], [2]), bytes("zb", [], [1])],
    shape: [1, 2],
    x: [0, 255],
    y: [2040],
  },
  "FusedConv with an addend and an activation": {
    nodes: [microsoft("FusedConv", [["x", "w", "", "x"], ["y"]], [text("activation", "Relu")])],
    initializers: [floats("w", [1, 1, 1, 1], [-3])],
    shape: [1, 1, 1, 2],
    x: [1, -1],
    y: [0, 2],
  },
  "FusedMatMul with a transpose and a factor": {
    nodes: [microsoft("FusedMatMul", [["x", "x"], ["y"]], [int("transB", 1), float("alpha", 0.5)])],
    shape: [1, 2],
    x: [1, 3],
    y: [5],
  },
  "FusedGemm with an activation": {
    nodes: [
      microsoft(
        "FusedGemm",
        [["x", "x"], ["y"]],
        [int("transA", 1), text("activation", "LeakyRelu"), float("activation_alpha", 0.5)],
      ),
    ],
    shape: [1, 2],
    x: [1, -2],
    y: [1, -1, -1, 4],
  },
  "SkipLayerNormalization of a sum": {
    nodes: [microsoft("SkipLayerNormalization", [["x", "x", "g"], ["y"]], [float("epsilon", 0)])],
    initializers: [floats("g", [2], [1, 2])],
    shape: [1, 1, 2],
    x: [1, 3],
    y: [-1, 2],
  },
  "BiasGelu adds first": {
    nodes: [microsoft("BiasGelu", [["x", "b"], ["y"]])],
    initializers: [floats("b", [1], [-1])],
    shape: [1],
    x: [1],
    y: [0],
  },
  NhwcMaxPool: {
    nodes: [microsoft("NhwcMaxPool", [["x"], ["y"]], [ints("kernel_shape", [2, 1])])],
    shape: [1, 2, 1, 2],
    x: [1, 8, 3, 4],
    y: [3, 8],
  },
};

describe("the com.microsoft domain", () => {
  test.each(Object.entries(CASES))("%s", (_, { nodes, initializers = [], shape, x, y }) => {
    const sizes = [...(shape ?? [x.length])];
    const file = onnxFile({ nodes, initializers, inputs: { x: sizes }, outputs: ["y"] });
    const graph = importOnnx(file);
    if (!graph.ok) throw new Error(graph.message);
    const input = tensorOf({ dtype: "f32", shape: sizes }, x);
    const result = evaluate(graph.value, new Map([["x", input]])).get("y");
    if (result === undefined) throw new Error("no output");
    const found = numberList(result);
    expect(found).toHaveLength(y.length);
    for (const [index, value] of y.entries()) expect(found[index]).toBeCloseTo(value, 5);
  });

  test("an activation that nobody knows is refused by name", () => {
    const nodes = [microsoft("FusedConv", [["x", "w"], ["y"]], [text("activation", "Warp")])];
    const initializers = [floats("w", [1, 1, 1, 1], [1])];
    const file = onnxFile({ nodes, initializers, inputs: { x: [1, 1, 1, 1] }, outputs: ["y"] });
    expect(importOnnx(file)).toMatchObject({ ok: false, code: "UNSUPPORTED_OP" });
  });
});
