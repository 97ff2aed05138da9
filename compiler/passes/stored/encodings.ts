/** What numbers stand for, where the model says so beside their readers and writers (ONNX), becomes part of their types. */
import { attributesOf, numeric } from "../../ir/index.ts";
import type { Graph, Node, Quantization, TensorType } from "../../ir/index.ts";
import type { View } from "../pass.ts";

/** A value and its encoding, by a node that reads or writes it. */
export interface Said {
  readonly value: string;
  readonly quantization: Quantization;
}

/** By operator: positions of [value, scales, zeros] among the inputs, and of [scales, zeros] of the output. */
interface Places {
  readonly reads: (node: Node) => readonly number[];
  readonly writes: (node: Node) => number;
  /** Axis of scales of the second operand. */
  readonly axis?: number;
}

const UNARY: Places = { reads: () => [0], writes: () => 3 };
const BINARY: Places = { reads: () => [0, 3], writes: () => 6 };

const PLACES: Readonly<Record<string, Places>> = {
  qlinear_conv: { ...BINARY, axis: 0 },
  qlinear_matmul: { ...BINARY, axis: 1 },
  qlinear_gemm: { reads: () => [0, 3], writes: () => 7 },
  qlinear_add: BINARY,
  qlinear_mul: BINARY,
  qlinear_sigmoid: UNARY,
  qlinear_leaky_relu: UNARY,
  qlinear_mean: UNARY,
  qlinear_softmax: UNARY,
  qlinear_average_pool: UNARY,
  qlinear_concat: {
    reads: ({ inputs }) => Array.from({ length: (inputs.length - 2) / 3 }, (_, at) => 2 + 3 * at),
    writes: () => 0,
  },
};

/** Undefined where scales or zero points are not known. */
export function saidBy(node: Node, graph: Graph): readonly Said[] {
  const attributes = (): Quantization => {
    const read = attributesOf(node);
    const scales = read.numbers("scales");
    const zeros = read.numbers("zero_points");
    const zeroPoints = scales.map((_, index) => zeros[index] ?? 0);
    return { scales, zeroPoints, ...(scales.length > 1 ? { axis: read.number("axis") } : {}) };
  };
  const [input = "", output = ""] = [node.inputs[0], node.outputs[0]];
  if (node.late !== undefined) return [];
  if (node.op === "quantize") return [{ value: output, quantization: attributes() }];
  if (node.op === "dequantize") return [{ value: input, quantization: attributes() }];
  const places = PLACES[node.op];
  if (places === undefined) return [];
  const operands = places.reads(node).map((at) => ({ value: node.inputs[at] ?? "", from: at + 1 }));
  const said = [...operands, { value: output, from: places.writes(node) }];
  return said.flatMap(({ value, from }, index) => {
    const quantization = encodingAt(node, graph, from);
    if (quantization === undefined) return [];
    const isAlong = index === 1 && quantization.scales.length > 1;
    return [
      { value, quantization: isAlong ? { ...quantization, axis: places.axis ?? 0 } : quantization },
    ];
  });
}

/** The encoding that stands at two neighbouring inputs. */
function encodingAt(node: Node, graph: Graph, at: number): Quantization | undefined {
  const scale = graph.constants.get(node.inputs[at] ?? "");
  const zero = graph.constants.get(node.inputs[at + 1] ?? "");
  if (scale === undefined || (zero === undefined && (node.inputs[at + 1] ?? "") !== ""))
    return undefined;
  const scales = [...numeric(scale)];
  const zeros = zero === undefined ? [0] : [...numeric(zero)];
  return { scales, zeroPoints: scales.map((_, index) => zeros[index % zeros.length] ?? 0) };
}

/** Operators that keep what numbers stand for. */
const KEEPING: ReadonlySet<string> = new Set([
  ...["max_pool", "reshape", "transpose", "slice", "identity", "split"],
]);

/** The graph with the encodings in its types. The writer's word stands; who reads otherwise is told apart later. */
export function encoded(graph: Graph): Graph {
  const types = new Map(graph.types);
  const note = ({ value, quantization }: Said): void => {
    const type = types.get(value);
    const isStored = type !== undefined && ["i8", "u8", "i16", "i32"].includes(type.dtype);
    if (isStored && type.quantization === undefined) types.set(value, { ...type, quantization });
  };
  const said = graph.nodes.map((node) => saidBy(node, graph));
  const isWritten = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  for (const each of said.flat()) if (isWritten.has(each.value)) note(each);
  for (const node of graph.nodes) {
    const quantization = types.get(node.inputs[0] ?? "")?.quantization;
    if (!KEEPING.has(node.op) || quantization === undefined) continue;
    for (const value of node.outputs) note({ value, quantization });
  }
  for (const each of said.flat()) note(each);
  const constants = new Map(
    [...graph.constants].map(([name, value]) => [
      name,
      { ...value, type: types.get(name) ?? value.type },
    ]),
  );
  return { ...graph, types, constants };
}

export function sameQuantization(
  a: Quantization | undefined,
  b: Quantization | undefined,
): boolean {
  if (a === undefined || b === undefined) return false;
  const same = (left: readonly number[], right: readonly number[]): boolean =>
    left.length === right.length && left.every((value, index) => value === right[index]);
  return same(a.scales, b.scales) && same(a.zeroPoints, b.zeroPoints);
}

/** Whether one scale is all the type says: what rows take as an activation. */
export function isByte(type: TensorType | undefined): type is TensorType {
  const isEight = type?.dtype === "i8" || type?.dtype === "u8";
  return isEight && type.quantization?.scales.length === 1;
}

/** The stored value behind a `dequantize` that reads it as it was written. */
export function storedSource(name: string | undefined, view: View): string | undefined {
  const reader = view.producerOf(name);
  if (reader?.op !== "dequantize") return undefined;
  const [said] = saidBy(reader, view.graph);
  const type = view.typeOf(reader.inputs[0]);
  return said && isByte(type) && sameQuantization(said.quantization, type.quantization)
    ? said.value
    : undefined;
}

/** Rows write the type that they read. */
export function isAlike(source: string, node: Node, view: View): boolean {
  return view.typeOf(source).dtype === view.typeOf(node.outputs[0]).dtype;
}
