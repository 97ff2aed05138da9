/** Integer ONNX models: QDQ groups and QLinear operators become rows that the HTP computes bit for bit. */
import { describe, expect, test } from "@jest/globals";
import { importModel } from "../../../../compiler/frontend/import.ts";
import type { NodeProto, TensorProto } from "../../../../compiler/frontend/onnx/index.ts";
import { closeGraph, evaluate, fromReal, tensor, toReal } from "../../../../compiler/ir/index.ts";
import type { Graph, Tensor } from "../../../../compiler/ir/index.ts";
import { adopt, optimize } from "../../../../compiler/passes/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { floats, int, ints, longs, onnxFile, onnxNode } from "../frontend/onnx-file.ts";
import { checkGraph, CHIPS } from "./chip.ts";

const TARGETS = CHIPS.map((soc) => ({ version: "1.1.0", soc }));
const SHAPE = [1, 3, 9, 10];

interface Numbers {
  readonly dims: number[];
  readonly values: number[];
}

interface Encoded {
  readonly dtype: Byte;
  readonly zero: number;
  readonly step?: number;
}

type Byte = "u8" | "i8";
const TYPES = { u8: 2, i8: 3, i32: 6 } as const;

/** Nodes and known tensors of a model in the making; activations are stored as `byte`. */
function draft(byte: Byte) {
  const random = seededRandom(11);
  const nodes: NodeProto[] = [];
  const known: TensorProto[] = [];
  const stored = (name: string, dtype: keyof typeof TYPES, { dims, values }: Numbers) => {
    const rawData =
      dtype === "i32"
        ? new Uint8Array(Int32Array.from(values).buffer)
        : Uint8Array.from(values, (value) => value & 255);
    known.push({ name, dims, dataType: TYPES[dtype], rawData });
  };
  const scale = (name: string, values: number[], dims: number[] = []) =>
    known.push(floats(name, dims, values));
  const lowest = byte === "u8" ? 0 : -128;
  return {
    nodes,
    known,
    random,
    stored,
    scale,
    node: (
      op: string,
      [inputs, output]: readonly [string[], string],
      attributes: NodeProto["attribute"] = [],
    ) => {
      const domain = /^Q(Linear(?!Conv|MatMul)|Gemm)/.test(op) ? "com.microsoft" : "";
      nodes.push({ ...onnxNode(op, [inputs, [output]], attributes ?? []), domain });
      return output;
    },
    /** Declares `name`'s scale and zero point; `middle` counts from the lowest number. */
    encoding: (name: string, step: number, middle: number) => {
      scale(`${name}/s`, [step]);
      stored(`${name}/z`, byte, { dims: [], values: [lowest + middle] });
      return [`${name}/s`, `${name}/z`];
    },
    weights: (name: string, dims: number[], { dtype, zero, step = 0.01 }: Encoded) => {
      const low = dtype === "u8" ? 0 : -128;
      const count = dims.reduce((a, b) => a * b);
      const values = Array.from({ length: count }, () => low + random.below(256));
      stored(name, dtype, { dims, values });
      scale(`${name}/s`, [step]);
      stored(`${name}/z`, dtype, { dims: [], values: [zero] });
    },
    bias: (name: string, count: number, step: number) => {
      const values = Array.from({ length: count }, () => random.below(2000) - 1000);
      stored(name, "i32", { dims: [count], values });
      scale(`${name}/s`, [step]);
    },
  };
}

type Draft = ReturnType<typeof draft>;

function graphOf({ nodes, known }: Draft, output: string): Graph {
  const file = onnxFile({ nodes, initializers: known, inputs: { x: SHAPE }, outputs: [output] });
  return unwrap(closeGraph(unwrap(importModel(file, { inputShapes: new Map() }))));
}

/** Float operators between conversions. */
function qdqNetwork(byte: Byte): Graph {
  const d = draft(byte);
  const border = (name: string, step: number, middle: number): string => {
    const [s = "", z = ""] = d.encoding(name, step, middle);
    d.node("QuantizeLinear", [[name, s, z], `${name}/q`]);
    return d.node("DequantizeLinear", [[`${name}/q`, s, z], `${name}/d`]);
  };
  const real = (name: string): string => {
    d.node("DequantizeLinear", [
      [name, `${name}/s`, ...(name.startsWith("b") ? [] : [`${name}/z`])],
      `${name}/d`,
    ]);
    return `${name}/d`;
  };
  const pads = ints("pads", [1, 1, 1, 1]);
  d.weights("w1", [8, 3, 3, 3], { dtype: "i8", zero: 0 });
  d.bias("b1", 8, Math.fround(Math.fround(0.02) * Math.fround(0.01)));
  d.weights("w2", [8, 1, 3, 3], { dtype: byte, zero: byte === "u8" ? 140 : 3 });
  d.weights("w3", [10, 16], { dtype: "i8", zero: 0, step: 0.002 });
  d.bias("b3", 10, Math.fround(Math.fround(0.06) * Math.fround(0.002)));
  const x = border("x", 0.02, 120);
  d.node("Conv", [[x, real("w1"), real("b1")], "c1"], [pads]);
  d.node("Relu", [["c1"], "r1"]);
  const first = border("r1", 0.03, 0);
  d.node("Conv", [[first, real("w2")], "c2"], [pads, int("group", 8)]);
  const second = border("c2", 0.2, 130);
  d.node("Add", [[first, second], "sum"]);
  const sum = border("sum", 0.15, 128);
  d.node("Sigmoid", [[sum], "gate"]);
  d.node("Mul", [[sum, "gate"], "silu"]);
  const silu = border("silu", 0.1, 20);
  const pool = [ints("kernel_shape", [2, 2]), ints("strides", [2, 2])];
  d.node("MaxPool", [[silu], "p1"], pool);
  d.node("AveragePool", [[sum], "p2"], pool);
  d.node("Concat", [[border("p1", 0.1, 20), border("p2", 0.15, 128)], "joined"], [int("axis", 1)]);
  d.node("GlobalAveragePool", [[border("joined", 0.12, 60)], "mean"]);
  d.node("Flatten", [[border("mean", 0.06, 60)], "flat"]);
  d.node(
    "Gemm",
    [[border("flat", 0.06, 60), real("w3"), real("b3")], "scores"],
    [int("transB", 1)],
  );
  d.node("Softmax", [[border("scores", 0.03, 128)], "shares"], [int("axis", 1)]);
  return graphOf(d, border("shares", 1 / 256, 0));
}

/** Operators that take scales and zero points themselves. */
function qlinearNetwork(byte: Byte): Graph {
  const d = draft(byte);
  const of = (name: string): string[] => [name, `${name}/s`, `${name}/z`];
  const made = (name: string, step: number, middle: number): string[] =>
    d.encoding(name, step, middle);
  d.weights("w1", [8, 3, 3, 3], { dtype: "i8", zero: 0 });
  d.bias("b1", 8, 1);
  d.weights("w2", [10, 16], { dtype: byte, zero: byte === "u8" ? 120 : -5 });
  d.bias("b2", 10, 1);
  d.node("QuantizeLinear", [["x", ...made("q", 0.02, 120)], "q"]);
  d.node(
    "QLinearConv",
    [[...of("q"), ...of("w1"), ...made("c", 0.05, 90), "b1"], "c"],
    [ints("pads", [1, 1, 1, 1])],
  );
  d.node("QLinearSigmoid", [[...of("c"), ...made("g", 1 / 256, 0)], "g"]);
  d.node("QLinearMul", [[...of("c"), ...of("g"), ...made("m", 0.04, 40)], "m"]);
  d.node("QLinearAdd", [[...of("c"), ...of("m"), ...made("a", 0.07, 70)], "a"]);
  d.node(
    "QLinearConcat",
    [[...made("j", 0.07, 70), ...of("a"), ...of("m")], "j"],
    [int("axis", 1)],
  );
  d.node("QLinearGlobalAveragePool", [[...of("j"), ...made("p", 0.02, 100)], "p"]);
  d.known.push(longs("shape", [1, 16]));
  d.node("Reshape", [["p", "shape"], "f"]);
  d.node(
    "QGemm",
    [["f", "p/s", "p/z", ...of("w2"), "b2", ...made("y", 0.03, 128)], "y"],
    [int("transB", 1)],
  );
  return graphOf(d, d.node("DequantizeLinear", [of("y"), "out"]));
}

function everyValue(graph: Graph): Graph {
  const computed = graph.nodes.filter(({ op }) => op !== "reshape");
  const names = [...computed.flatMap(({ outputs }) => outputs), ...graph.outputs];
  return { ...graph, outputs: [...new Set(names)] };
}

/** The largest difference to the model as it was imported, in real numbers. */
function distance(graph: Graph, adopted: Graph): number {
  const random = seededRandom(6);
  const values = Float32Array.from({ length: 270 }, () => random.normal());
  const [output = ""] = graph.outputs;
  const real = (run: Graph, input: Tensor): Float32Array => {
    const result = evaluate(run, new Map([["x", input]])).get(output);
    return result === undefined ? new Float32Array() : toReal(result);
  };
  const expected = real(graph, tensor({ dtype: "f32", shape: SHAPE }, values));
  const type = adopted.types.get("x");
  const actual = type === undefined ? new Float32Array() : real(adopted, fromReal(type, values));
  expect(actual.length).toBe(expected.length);
  expect(new Set(expected).size).toBeGreaterThan(3);
  return Math.max(...expected.map((value, index) => Math.abs(value - (actual[index] ?? NaN))));
}

const bytes = ["u8", "i8"] as const;

describe.each(bytes)("QDQ in %s", (byte) => {
  const graph = qdqNetwork(byte);
  const adopted = unwrap(adopt(optimize(graph)));
  test("every group becomes rows on stored numbers, within two steps of the floats", () => {
    expect([...adopted.types.values()].filter(({ dtype }) => dtype === "f32")).toEqual([]);
    expect(distance(graph, adopted)).toBeLessThanOrEqual(2 / 256);
  });
  test("programs equal the evaluator", () => checkGraph(everyValue(adopted), 2, TARGETS));
});

describe.each(bytes)("QLinear operators in %s", (byte) => {
  const graph = qlinearNetwork(byte);
  const adopted = unwrap(adopt(optimize(graph)));
  test("give the numbers that they gave", () => expect(distance(graph, adopted)).toBe(0));
  test("programs equal the evaluator", () => checkGraph(everyValue(adopted), 2, TARGETS));
});
