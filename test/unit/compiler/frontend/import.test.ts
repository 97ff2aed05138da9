/** Files: what is bound, what is shared, and how bad ones end. */
import { describe, expect, test } from "@jest/globals";
import { encodeModel, importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import type { TensorProto } from "../../../../compiler/frontend/onnx/index.ts";
import {
  closeGraph,
  evaluate,
  numberList,
  opennessOf,
  tensorOf,
} from "../../../../compiler/ir/index.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { fc, property } from "../../../support/property.ts";
import { floats, int, ints, longs, onnxFile, onnxNode } from "./onnx-file.ts";
import type { SmallModel } from "./onnx-file.ts";

const RELU = { nodes: [onnxNode("Relu", [["x"], ["y"]])], outputs: ["y"] };
const CONV: SmallModel = {
  nodes: [
    onnxNode("Conv", [["x", "w"], ["c"]], [ints("kernel_shape", [1, 1])]),
    onnxNode("Relu", [["c"], ["y"]]),
  ],
  initializers: [floats("w", [2, 1, 1, 1], [1, -1])],
  inputs: { x: [1, 1, 4, 4] },
  outputs: ["y"],
};

function external(location: string): TensorProto {
  const externalData = [{ key: "location", value: location }];
  return { dims: [1], dataType: 1, dataLocation: 1, externalData };
}

function refusal(bytes: Uint8Array, shapes: Record<string, number[]> = {}) {
  const result = importOnnx(bytes, { inputShapes: new Map(Object.entries(shapes)) });
  if (result.ok) throw new Error("it was accepted");
  return result;
}

describe("shapes", () => {
  const open = onnxFile({ ...RELU, inputs: { x: ["N", 3] } });

  test("an open dimension keeps its name until it is bound", () => {
    const graph = importOnnx(open);
    if (!graph.ok) throw new Error(graph.message);
    const named = { kind: "tensor", dtype: "f32", dims: ["N", 3] };
    expect([...graph.value.open]).toEqual([
      ["x", named],
      ["y", named],
    ]);
    const why = { ok: false, code: "DYNAMIC_SHAPE", details: { node: "x" } };
    expect(closeGraph(graph.value)).toMatchObject(why);
    const bound = importOnnx(open, { inputShapes: new Map([["x", [5, 3]]]) });
    if (!bound.ok) throw new Error(bound.message);
    expect(bound.value.types.get("y")).toEqual({ dtype: "f32", shape: [5, 3] });
  });

  test("a binding must agree with the dimensions that are known", () => {
    expect(refusal(open, { x: [5, 4] })).toMatchObject({ code: "BAD_MODEL" });
    expect(refusal(open, { x: [5] })).toMatchObject({ code: "BAD_MODEL" });
    expect(refusal(open, { x: [-1, 3] })).toMatchObject({ code: "BAD_MODEL" });
  });

  test("a shape that depends on the data leaves the graph open", () => {
    const nodes = [
      onnxNode("Cast", [["x"], ["s"]], [int("to", 7)]),
      onnxNode("Reshape", [["x", "s"], ["y"]]),
    ];
    const graph = unwrap(importOnnx(onnxFile({ nodes, inputs: { x: [2] }, outputs: ["y"] })));
    expect(opennessOf(graph)).toMatchObject({ name: "y" });
    const y = evaluate(graph, new Map([["x", tensorOf({ dtype: "f32", shape: [2] }, [1, 2])]])).get(
      "y",
    );
    expect(y?.type.shape).toEqual([1, 2]);
  });
});

describe("tensors", () => {
  const identity = (tensor: TensorProto): SmallModel => ({
    nodes: [onnxNode("Identity", [["t"], ["y"]])],
    initializers: [{ ...tensor, name: "t" }],
    outputs: ["y"],
  });
  const read = (tensor: TensorProto): number[] => {
    const result = importOnnx(onnxFile(identity(tensor)));
    if (!result.ok) throw new Error(result.message);
    const value = result.value.constants.get("y");
    return value === undefined ? [] : numberList(value);
  };
  const float = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer);

  test("are read in every encoding of their numbers", () => {
    expect(read({ dims: [2], dataType: 1, floatData: [float(1.5), float(2)] })).toEqual([1.5, 2]);
    expect(read({ dims: [2], dataType: 7, int64Data: [Uint8Array.of(0xac, 0x02, 0x05)] })).toEqual([
      300, 5,
    ]);
    const minusOne = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 255, 1);
    expect(read({ dims: [1], dataType: 6, int32Data: [minusOne] })).toEqual([-1]);
    expect(read({ dims: [2], dataType: 3, rawData: Uint8Array.of(255, 1) })).toEqual([-1, 1]);
    expect(read({ dims: [1], dataType: 10, rawData: Uint8Array.of(0, 0x3e) })).toEqual([1.5]);
  });

  test("share the file's bytes where they are aligned", () => {
    const count = 64;
    for (let padding = 0; padding < 4; padding++) {
      const name = `w${"x".repeat(padding)}`;
      const nodes = [onnxNode("Add", [["x", name], ["y"]])];
      const initializers = [floats(name, [count], new Array<number>(count).fill(1))];
      const file = onnxFile({ nodes, initializers, inputs: { x: [count] }, outputs: ["y"] });
      // A buffer of its own: alignment is counted from its start.
      const bytes = file.slice();
      const result = importOnnx(bytes);
      if (!result.ok) throw new Error(result.message);
      const data = result.value.constants.get(name)?.data;
      const at = Buffer.from(bytes).indexOf(Buffer.from(float(1)));
      expect(ArrayBuffer.isView(data) && data.buffer === bytes.buffer).toBe(at % 4 === 0);
    }
  });

  const flaws: readonly (readonly [string, TensorProto, string])[] = [
    ["fewer bytes than the shape says", { dims: [3], dataType: 1, rawData: float(1) }, "BAD_MODEL"],
    ["a torn element", { dims: [1], dataType: 1, rawData: Uint8Array.of(1, 2, 3) }, "BAD_MODEL"],
    ["a torn varint", { dims: [1], dataType: 7, int64Data: [Uint8Array.of(0x80)] }, "BAD_MODEL"],
    ["a negative dimension", { dims: [-1], dataType: 1, rawData: float(1) }, "BAD_MODEL"],
    ["an absurd shape", { dims: [2 ** 40, 2 ** 40], dataType: 1 }, "LIMIT_EXCEEDED"],
    [
      "nine dimensions",
      { dims: new Array<number>(9).fill(1), dataType: 1, rawData: float(1) },
      "LIMIT_EXCEEDED",
    ],
    ["texts that are not there", { dims: [1], dataType: 8 }, "BAD_MODEL"],
    ["complex numbers", { dims: [1], dataType: 14 }, "UNSUPPORTED_TYPE"],
    ["a type of the future", { dims: [1], dataType: 99 }, "UNSUPPORTED_TYPE"],
    ["data in another file", external("weights.bin"), "UNSUPPORTED_TYPE"],
    ["data outside the folder", external("../../etc/passwd"), "BAD_MODEL"],
    ["data at the root", external("/etc/passwd"), "BAD_MODEL"],
    ["data nowhere", external(""), "BAD_MODEL"],
  ];
  test.each(flaws)("%s: refused", (_, tensor, code) => {
    expect(refusal(onnxFile(identity(tensor)))).toMatchObject({ code, details: { node: "t" } });
  });
});

describe("graphs", () => {
  const flaws: readonly (readonly [string, SmallModel, string, RegExp])[] = [
    [
      "an unknown operator",
      { nodes: [onnxNode("Teleport", [["x"], ["y"]])], inputs: { x: [1] }, outputs: ["y"] },
      "UNSUPPORTED_OP",
      /node Teleport_of_y \(Teleport\)/,
    ],
    [
      "another domain",
      {
        nodes: [{ ...onnxNode("Relu", [["x"], ["y"]]), domain: "com.example" }],
        inputs: { x: [1] },
        outputs: ["y"],
      },
      "UNSUPPORTED_OP",
      /com\.example/,
    ],
    [
      "an operator set that is too old",
      { ...RELU, inputs: { x: [1] }, opset: 0 },
      "UNSUPPORTED_OP",
      /operator set 0/,
    ],
    [
      "a value that nobody writes",
      { ...RELU, inputs: { z: [1] } },
      "BAD_MODEL",
      /reads x, which nobody/,
    ],
    [
      "a value written twice",
      { nodes: [...RELU.nodes, ...RELU.nodes], inputs: { x: [1] }, outputs: ["y"] },
      "BAD_MODEL",
      /writes y again/,
    ],
    [
      "an output that nobody writes",
      { ...RELU, inputs: { x: [1] }, outputs: ["q"] },
      "BAD_MODEL",
      /output q is never written/,
    ],
    ["no output at all", { ...RELU, inputs: { x: [1] }, outputs: [] }, "BAD_MODEL", /no outputs/],
    [
      "weights that do not fit",
      { ...CONV, inputs: { x: [1, 3, 4, 4] } },
      "BAD_MODEL",
      /do not fit the input channels/,
    ],
    [
      "a missing input",
      { nodes: [onnxNode("Conv", [["x"], ["y"]])], inputs: { x: [1, 1, 2, 2] }, outputs: ["y"] },
      "BAD_MODEL",
      /input 1 is missing/,
    ],
    [
      "an attribute of another type",
      {
        nodes: [onnxNode("Concat", [["x"], ["y"]], [{ name: "axis", f: 1, type: 1 }])],
        inputs: { x: [1, 1] },
        outputs: ["y"],
      },
      "BAD_MODEL",
      /attribute axis is no int/,
    ],
    [
      "a constant that would fill memory",
      {
        nodes: [onnxNode("ConstantOfShape", [["s"], ["y"]])],
        initializers: [longs("s", [100_000, 100_000])],
        outputs: ["y"],
      },
      "LIMIT_EXCEEDED",
      /shape/,
    ],
    [
      "a pad that would fill memory",
      {
        nodes: [onnxNode("Pad", [["x", "p"], ["y"]])],
        initializers: [longs("p", [0, 2 ** 40])],
        inputs: { x: [1] },
        outputs: ["y"],
      },
      "LIMIT_EXCEEDED",
      /shape/,
    ],
    [
      "an index outside",
      {
        nodes: [onnxNode("Gather", [["x", "i"], ["y"]])],
        initializers: [longs("i", [7])],
        inputs: { x: [3] },
        outputs: ["y"],
      },
      "BAD_MODEL",
      /index is outside/,
    ],
  ];
  test.each(flaws.map(([name, ...rest]) => [name, rest] as const))(
    "%s: refused with the place and the reason",
    (_, [model, code, reason]) => {
      const result = refusal(onnxFile(model));
      expect(result.code).toBe(code);
      expect(result.message).toMatch(reason);
    },
  );

  test("an empty file, an empty model and text are no models", () => {
    const none = [
      new Uint8Array(0),
      encodeModel({ irVersion: 7 }),
      new TextEncoder().encode("# README"),
    ];
    for (const bytes of none) expect(refusal(bytes).code).toBe("BAD_MODEL");
  });
});

describe("hostile files", () => {
  const real = onnxFile(CONV);

  test("every truncation ends in a typed error or a smaller model", () => {
    for (let length = 0; length < real.length; length++) {
      const result = importOnnx(real.subarray(0, length));
      if (!result.ok) expect(result.code).toMatch(/^[A-Z_]+$/);
    }
    expect(refusal(real.subarray(0, real.length / 2)).code).toBe("BAD_MODEL");
  });

  test("random bytes end in typed errors", () => {
    property(
      fc.uint8Array({ maxLength: 300 }),
      (bytes) => {
        const result = importOnnx(bytes);
        if (!result.ok) expect(result.code).toMatch(/^[A-Z_]+$/);
      },
      500,
    );
  });

  test("mutations of a real file end in typed errors or in a model", () => {
    const edits = fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    });
    property(
      edits,
      (changes) => {
        const bytes = real.slice();
        for (const [at, value] of changes) bytes[at] = value;
        const result = importOnnx(bytes);
        if (!result.ok) expect(result.code).toMatch(/^[A-Z_]+$/);
      },
      3000,
    );
  });
});
