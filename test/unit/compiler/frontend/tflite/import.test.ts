/** TFLite files of a few operators: what they become, and what is refused. */
import { describe, expect, test } from "@jest/globals";
import { importModel } from "../../../../../compiler/frontend/import.ts";
import { importTflite } from "../../../../../compiler/frontend/tflite/index.ts";
import { evaluate, numberList, tensorOf } from "../../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../../compiler/ir/index.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";
import { tfliteFile, tfliteModel } from "../../../../support/tflite-file.ts";
import type { SmallGraph, SmallOperator } from "../../../../support/tflite-file.ts";

const IMAGE = { type: "f32", shape: [1, 2, 3, 2] } as const;
const ones = (count: number) => new Array<number>(count).fill(1);

/** Two pointwise convolutions with an addition between them. */
const NETWORK: SmallGraph = {
  tensors: {
    x: IMAGE,
    w: { type: "f32", shape: [2, 1, 1, 2], data: [1, 0, 0, 2] },
    b: { type: "f32", shape: [2], data: [10, 20] },
    first: IMAGE,
    sum: IMAGE,
    y: IMAGE,
  },
  operators: [
    conv(["x", "w", "b"], "first"),
    { code: "ADD", inputs: ["first", "first"], outputs: ["sum"], options: ["Add", {}] },
    conv(["sum", "w", "b"], "y"),
  ],
  inputs: ["x"],
  outputs: ["y"],
};

function conv(inputs: readonly string[], output: string): SmallOperator {
  const options = { padding: 0, strideX: 1, strideY: 1, activation: 1 };
  return { code: "CONV_2D", inputs, outputs: [output], options: ["Conv2D", options] };
}

function graphOf(model: SmallGraph): Graph {
  return unwrap(importTflite(tfliteFile(model)));
}

function run(graph: Graph, values: readonly number[]): readonly number[] {
  const [input = "", output = ""] = [graph.inputs[0], graph.outputs[0]];
  const type = graph.types.get(input);
  if (type === undefined) throw new Error("no input");
  const results = evaluate(graph, new Map([[input, tensorOf(type, values)]]));
  const result = results.get(output);
  return result === undefined ? [] : numberList(result);
}

describe("layout", () => {
  test("images are turned once on the way in and once on the way out", () => {
    const graph = graphOf(NETWORK);
    const ops = graph.nodes.map(({ op }) => op);
    expect(ops).toEqual(["transpose", "conv", "add", "conv", "transpose"]);
  });

  test("numbers are those of the model's own order of axes", () => {
    // relu(x * [1, 2] + [10, 20]), doubled, and once more.
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const expected = x.map((value, index) =>
      index % 2 === 0 ? 2 * (value + 10) + 10 : 2 * (2 * (2 * value + 20)) + 20,
    );
    expect(run(graphOf(NETWORK), x)).toEqual(expected);
  });
});

describe("files", () => {
  test("the format is told by the bytes", () => {
    expect(unwrap(importModel(tfliteFile(NETWORK))).outputs).toEqual(["y"]);
  });

  test("open dimensions are bound by the caller", () => {
    const tensors = {
      x: { type: "f32", shape: [1, 2], signature: [-1, 2] },
      y: { type: "f32", shape: [1, 2], signature: [-1, 2] },
    } as const;
    const operators = [{ code: "TANH", inputs: ["x"], outputs: ["y"] }];
    const file = tfliteFile({ tensors, operators, inputs: ["x"], outputs: ["y"] });
    const bound = (shape: readonly number[]) =>
      importTflite(file, { inputShapes: new Map([["x", shape]]) });
    expect(unwrap(bound([5, 2])).types.get("y")?.shape).toEqual([5, 2]);
    expect(bound([5, 3])).toMatchObject({ ok: false, code: "BAD_MODEL" });
  });

  test("a signature names its graph", () => {
    const graph = (code: string): SmallGraph => ({
      tensors: { x: { type: "f32", shape: [1] }, y: { type: "f32", shape: [1] } },
      operators: [{ code, inputs: ["x"], outputs: ["y"] }],
      inputs: ["x"],
      outputs: ["y"],
    });
    const file = tfliteModel({
      graphs: [graph("NEG"), graph("ABS")],
      signatures: [
        { key: "negate", subgraph: 0 },
        { key: "absolute", subgraph: 1 },
      ],
    });
    const opOf = (signature: string) => unwrap(importTflite(file, { signature })).nodes[0]?.op;
    expect([opOf("negate"), opOf("absolute")]).toEqual(["neg", "abs"]);
    const missing = importTflite(file, { signature: "double" });
    expect(missing).toMatchObject({
      ok: false,
      message: "there is no signature double; the model has: negate, absolute",
    });
  });

  test("blocks of a sparse matrix land where they belong", () => {
    // [4, 4] in blocks of two rows: block row 0 has column 1, block row 1 has columns 0 and 3.
    const segments = ["Uint8Vector", { values: Uint8Array.from([0, 1, 3]) }];
    const indices = ["Uint8Vector", { values: Uint8Array.from([1, 0, 3]) }];
    const sparsity = {
      traversalOrder: [0, 1, 2],
      blockMap: [0],
      dimensions: [
        { format: 0, denseSize: 2 },
        { format: 1, segmentsType: 3, segments, indicesType: 3, indices },
        { format: 0, denseSize: 2 },
      ],
    };
    const tensors = {
      x: { type: "f32", shape: [4, 4] },
      w: { type: "f32", shape: [4, 4], data: [1, 2, 3, 4, 5, 6], sparsity },
      dense: { type: "f32", shape: [4, 4] },
      y: { type: "f32", shape: [4, 4] },
    } as const;
    const operators: SmallOperator[] = [
      { code: "DENSIFY", inputs: ["w"], outputs: ["dense"] },
      { code: "ADD", inputs: ["x", "dense"], outputs: ["y"], options: ["Add", {}] },
    ];
    const graph = graphOf({ tensors, operators, inputs: ["x"], outputs: ["y"] });
    expect(run(graph, new Array<number>(16).fill(0))).toEqual([
      ...[0, 1, 0, 0],
      ...[0, 2, 0, 0],
      ...[3, 0, 0, 5],
      ...[4, 0, 0, 6],
    ]);
  });
});

describe("refusals", () => {
  const refused = (model: SmallGraph) => importTflite(tfliteFile(model));

  test("an unknown operator is named with the tensor it writes", () => {
    const tensors = { x: { type: "f32", shape: [1] }, y: { type: "f32", shape: [1] } } as const;
    const operators = [{ code: "FlexErf", inputs: ["x"], outputs: ["y"] }];
    const result = refused({ tensors, operators, inputs: ["x"], outputs: ["y"] });
    expect(result).toMatchObject({ ok: false, code: "UNSUPPORTED_OP", details: { node: "y" } });
  });

  test("weights that are cut off are a bad model", () => {
    const w = { type: "f32", shape: [2, 1, 1, 2], data: ones(3) } as const;
    const result = refused({ ...NETWORK, tensors: { ...NETWORK.tensors, w } });
    expect(result).toMatchObject({ ok: false, code: "BAD_MODEL" });
  });

  test("every prefix and every flipped byte of a file ends in a graph or a typed refusal", () => {
    const file = tfliteFile(NETWORK);
    for (let length = 0; length < file.length; length += 7) importTflite(file.subarray(0, length));
    for (let at = 0; at < file.length; at++) {
      for (const value of [0, 127, 255]) {
        const broken = file.slice();
        broken[at] = value;
        importTflite(broken);
      }
    }
  });
});
