/** What ONNX files are made of beyond a list of nodes: nested graphs, functions, weights elsewhere, every element type. */
import { describe, expect, test } from "@jest/globals";
import { encodeModel, importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import type {
  AttributeProto,
  GraphProto,
  ImportOptions,
  ModelProto,
  NodeProto,
  TensorProto,
} from "../../../../compiler/frontend/onnx/index.ts";
import { evaluateValues, isTensor, numeric, tensorOf } from "../../../../compiler/ir/index.ts";
import type { Graph, Tensor, Value } from "../../../../compiler/ir/index.ts";
import { floats, int, longs, onnxFile, onnxNode } from "./onnx-file.ts";

const graph = (name: string, g: GraphProto): AttributeProto => ({ name, g, type: 5 });
const reference = (name: string, refAttrName: string, type: number): AttributeProto => ({
  name,
  refAttrName,
  type,
});
const named = (...names: string[]) => names.map((name) => ({ name }));

function imported(bytes: Uint8Array, options: ImportOptions = {}): Graph {
  const result = importOnnx(bytes, options);
  if (!result.ok) throw new Error(result.message);
  return result.value;
}

function f32(...values: number[]): Tensor {
  return tensorOf({ dtype: "f32", shape: [values.length] }, values);
}

/** The numbers of the first output. */
function run(model: Graph, ...inputs: readonly Value[]): number[] {
  const feeds = new Map(model.inputs.map((name, index) => [name, inputs[index]!]));
  const output = evaluateValues(model, feeds).get(model.outputs[0]!);
  if (!isTensor(output)) throw new Error("no tensor");
  return [...numeric(output)];
}

/** y = x by one node where x sums to more than zero, else by the other; both nodes give "r". */
function branching(taken: NodeProto, other: NodeProto, initializers: TensorProto[]): Uint8Array {
  const branch = (name: string, node: NodeProto): AttributeProto =>
    graph(name, { name, node: [node], output: named("r") });
  return onnxFile({
    opset: 16,
    nodes: [
      onnxNode("ReduceSum", [["x"], ["sum"]], [int("keepdims", 0)]),
      onnxNode("Greater", [["sum", "zero"], ["c"]]),
      onnxNode("If", [["c"], ["y"]], [branch("then_branch", taken), branch("else_branch", other)]),
    ],
    initializers: [floats("zero", [], [0]), ...initializers],
    inputs: { x: [2] },
    outputs: ["y"],
  });
}

describe("branches", () => {
  test("a branch reads values and weights from outside", () => {
    const [sum, product] = ["Add", "Mul"].map((op) => onnxNode(op, [["x", "w"], ["r"]]));
    const graph = imported(branching(sum!, product!, [floats("w", [1], [10])]));
    expect(run(graph, f32(1, 2))).toEqual([11, 12]);
    expect(run(graph, f32(1, -2))).toEqual([10, -20]);
    const node = graph.nodes.find(({ op }) => op === "if");
    // The weight is known and becomes the branch's own; the input is captured.
    expect(node?.inputs).toEqual(["c", "x"]);
  });

  test("a branch for sizes other than the present ones is no reason to refuse", () => {
    const [fits, other] = ["fits", "other"].map((to) => onnxNode("Reshape", [["x", to], ["r"]]));
    const shapes = [longs("fits", [2, 1]), longs("other", [3, 1])];
    const file = branching(fits!, other!, shapes);
    expect(run(imported(file), f32(1, 2))).toEqual([1, 2]);
    expect(() => run(imported(file), f32(-1, -2))).toThrow(/does not fit/);
  });
});

describe("functions", () => {
  const scaled: NodeProto = {
    ...onnxNode("Scaled", [["x"], ["y"]], [{ name: "slope", f: 0.5, type: 1 }]),
    domain: "local",
  };
  const model = (node: readonly NodeProto[], call = scaled): ModelProto => ({
    opsetImport: [
      { domain: "", version: 16 },
      { domain: "local", version: 1 },
    ],
    graph: {
      node: [call],
      input: [
        { name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } },
      ],
      output: named("y"),
    },
    functions: [
      {
        name: "Scaled",
        domain: "local",
        input: ["a"],
        output: ["b"],
        attribute: ["slope"],
        opsetImport: [{ domain: "", version: 16 }],
        node: [...node],
      },
    ],
  });
  const leaky = onnxNode("LeakyRelu", [["t"], ["b"]], [reference("alpha", "slope", 1)]);

  test("a call is replaced by the function's nodes, with its attributes", () => {
    const nodes = [onnxNode("Neg", [["a"], ["t"]]), leaky];
    expect(run(imported(encodeModel(model(nodes))), f32(2, -2))).toEqual([-1, 2]);
  });

  test("an attribute that the call leaves out is absent", () => {
    const nodes = [onnxNode("Neg", [["a"], ["t"]]), leaky];
    const call = { ...scaled, attribute: [] };
    expect(run(imported(encodeModel(model(nodes, call))), f32(2, -2))[0]).toBeCloseTo(-0.02, 6);
  });

  test("a function that calls itself is refused", () => {
    const again = { ...onnxNode("Scaled", [["a"], ["b"]]), domain: "local" };
    const result = importOnnx(encodeModel(model([again])));
    expect(result).toMatchObject({ ok: false, code: "LIMIT_EXCEEDED" });
  });
});

describe("weights", () => {
  const sum = { nodes: [onnxNode("Add", [["x", "w"], ["y"]])], inputs: { x: [3] }, outputs: ["y"] };

  test("in a file beside the model, from an offset", () => {
    const externalData = Object.entries({ location: "w/data.bin", offset: "4", length: "12" });
    const w: TensorProto = {
      name: "w",
      dims: [3],
      dataType: 1,
      dataLocation: 1,
      externalData: externalData.map(([key, value]) => ({ key, value })),
    };
    const bytes = new Uint8Array(Float32Array.of(9, 1, 2, 3, 9).buffer);
    const asked: string[] = [];
    const readExternal = (location: string) => (asked.push(location), bytes);
    const file = onnxFile({ ...sum, initializers: [w] });
    expect(run(imported(file, { readExternal }), f32(0, 0, 0))).toEqual([1, 2, 3]);
    expect(asked).toEqual(["w/data.bin"]);
    const short = importOnnx(file, { readExternal: () => bytes.subarray(0, 8) });
    expect(short).toMatchObject({ ok: false, code: "BAD_MODEL", details: { node: "w" } });
    const none = importOnnx(file, { readExternal: () => undefined });
    expect(none).toMatchObject({ ok: false, code: "BAD_MODEL" });
  });

  const sparse = (at: readonly number[]): Uint8Array =>
    encodeModel({
      opsetImport: [{ domain: "", version: 16 }],
      graph: {
        node: [...sum.nodes],
        input: [
          { name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 3 }] } } } },
        ],
        output: named("y"),
        sparseInitializer: [{ dims: [3], values: floats("w", [1], [7]), indices: longs("", at) }],
      },
    });

  test("sparse ones are zeros but where the indices say", () => {
    expect(run(imported(sparse([2])), f32(1, 1, 1))).toEqual([1, 1, 8]);
    expect(importOnnx(sparse([3]))).toMatchObject({ ok: false, code: "BAD_MODEL" });
  });
});

/** Element type code, how the file holds the elements, and the numbers that they are. */
const STORED: readonly (readonly [string, TensorProto, readonly number[]])[] = [
  ["uint16 as varints", { dataType: 4, int32Data: [Uint8Array.of(1, 0xff, 0xff, 3)] }, [1, 65535]],
  ["double as bytes", { dataType: 11, rawData: bytesOf(Float64Array.of(0.1, -2)) }, [0.1, -2]],
  ["uint64", { dataType: 13, rawData: bytesOf(BigUint64Array.of(1n, 2n ** 53n)) }, [1, 2 ** 53]],
  ["bfloat16", { dataType: 16, rawData: bytesOf(Uint16Array.of(0x3f80, 0xc000)) }, [1, -2]],
  ["half as varints", { dataType: 10, int32Data: [Uint8Array.of(0x80, 0x78, 0)] }, [1, 0]],
  ["float8", { dataType: 17, rawData: Uint8Array.of(0x38, 0xb8) }, [1, -1]],
  ["int4, two a byte", { dataType: 22, rawData: Uint8Array.of(0x8f) }, [-1, -8]],
  ["uint4 as varints", { dataType: 21, int32Data: [Uint8Array.of(0x21)] }, [1, 2]],
  ["int2, four a byte", { dataType: 26, rawData: Uint8Array.of(0b1001) }, [1, -2]],
  ["float4", { dataType: 23, rawData: Uint8Array.of(0x92) }, [1, -0.5]],
];

function bytesOf(array: Float64Array | BigUint64Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer);
}

test.each(STORED)("elements of %s", (_, message, numbers) => {
  const t: TensorProto = { ...message, name: "t", dims: [2] };
  const model = imported(
    onnxFile({ nodes: [onnxNode("Identity", [["t"], ["y"]])], initializers: [t], outputs: ["y"] }),
  );
  expect(run(model)).toEqual(numbers);
});

test("a shape given for one input binds the named sizes of all", () => {
  const file = onnxFile({
    nodes: [onnxNode("Add", [["a", "b"], ["y"]])],
    inputs: { a: ["N", 2], b: ["N", 2] },
    outputs: ["y"],
  });
  const types = (options: ImportOptions) => imported(file, options).types.get("y");
  const bound = { dtype: "f32", shape: [4, 2] };
  expect(types({ inputShapes: new Map([["a", [4, 2]]]) })).toEqual(bound);
  expect(types({ dimensions: new Map([["N", 4]]) })).toEqual(bound);
  const shapes = new Map([
    ["a", [4, 2]],
    ["b", [3, 2]],
  ]);
  expect(importOnnx(file, { inputShapes: shapes })).toMatchObject({ ok: false, code: "BAD_MODEL" });
});
