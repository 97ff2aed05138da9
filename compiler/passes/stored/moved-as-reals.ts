/**
 * Movement of stored numbers that the CPU is to do: as real numbers between conversions. That is exact, since what a
 * stored number stands for is stored as that number again.
 */
import { consumersOf, operatorOf, producersOf } from "../../ir/index.ts";
import type { Graph, Node, Quantization, TensorType } from "../../ir/index.ts";
import { attributeMap } from "../pass.ts";
import { sameQuantization } from "./encodings.ts";

const MOVES: ReadonlySet<string> = new Set([
  ...["concat", "expand", "identity", "reshape", "slice", "split", "transpose"],
]);

/** Whether the node only moves computed numbers that are stored alike before and behind. */
function isMove({ types, constants }: Graph, node: Node): boolean {
  const values = [...node.inputs, ...node.outputs].filter((name) => name !== "");
  const [first] = values.map((name) => types.get(name)?.quantization);
  const isAlike = (name: string): boolean => {
    const { quantization } = types.get(name) ?? {};
    return !constants.has(name) && sameQuantization(quantization, first);
  };
  return MOVES.has(node.op) && operatorOf(node).quantized === "movement" && values.every(isAlike);
}

/**
 * The graph with those of the named nodes moving real numbers that can, and with them what moves only what they gave or
 * what only real numbers are made of.
 */
export function movedAsReals(graph: Graph, names: ReadonlySet<string>): Graph {
  const moves = withNeighbours(graph, names);
  if (moves.size === 0) return graph;
  const work: Work = { graph, types: new Map(graph.types), nodes: [], reals: new Set() };
  for (const node of graph.nodes) {
    if (moves.has(node)) addMove(work, node, moves);
    else if (node.op === "dequantize" && work.reals.has(node.inputs[0] ?? "")) {
      const inputs = [realName(node.inputs[0] ?? "")];
      work.nodes.push({ ...node, op: "identity", inputs, attributes: new Map() });
    } else work.nodes.push(node);
  }
  const used = new Set(work.nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
  const isKept = (name: string): boolean => used.has(name) || graph.inputs.includes(name);
  const types = new Map([...work.types].filter(([name]) => isKept(name)));
  return { ...graph, nodes: work.nodes, types };
}

interface Work {
  readonly graph: Graph;
  readonly types: Map<string, TensorType>;
  readonly nodes: Node[];
  /** Stored values that there are as real ones as well. */
  readonly reals: Set<string>;
}

function realName(value: string): string {
  return `${value}/real`;
}

function addMove(work: Work, node: Node, moves: ReadonlySet<Node>): void {
  for (const name of node.inputs) addReal(work, name);
  const [inputs, outputs] = [node.inputs.map(realName), node.outputs.map(realName)];
  work.nodes.push({ ...node, inputs, outputs });
  for (const name of node.outputs) {
    declareReal(work, name);
    const readers = consumersOf(work.graph).get(name) ?? [];
    const isStoredOnly = (reader: Node): boolean =>
      !moves.has(reader) && reader.op !== "dequantize";
    if (!work.graph.outputs.includes(name) && !readers.some(isStoredOnly)) continue;
    const { dtype, quantization } = work.types.get(name) ?? {};
    const attributes = attributeMap({ ...encodingOf(quantization), to: dtype ?? "i8" });
    const border = { op: "quantize", inputs: [realName(name)], outputs: [name], attributes };
    work.nodes.push({ name: `${name}/quantize`, ...border });
  }
}

function addReal(work: Work, name: string): void {
  if (work.reals.has(name)) return;
  const attributes = attributeMap({ ...encodingOf(work.types.get(name)?.quantization), to: "f32" });
  declareReal(work, name);
  const outputs = [realName(name)];
  work.nodes.push({ name: realName(name), op: "dequantize", inputs: [name], outputs, attributes });
}

function declareReal({ reals, types }: Work, name: string): void {
  reals.add(name);
  types.set(realName(name), { dtype: "f32", shape: types.get(name)?.shape ?? [] });
}

function encodingOf(quantization: Quantization | undefined) {
  const { scales = [1], zeroPoints = [0] } = quantization ?? {};
  return { scales, zero_points: zeroPoints, axis: 1, block: 0 };
}

/** The moves among the named nodes, and those between them or behind and real numbers. */
function withNeighbours(graph: Graph, names: ReadonlySet<string>): ReadonlySet<Node> {
  const [producers, consumers] = [producersOf(graph), consumersOf(graph)];
  const moves = new Set(graph.nodes.filter((node) => names.has(node.name) && isMove(graph, node)));
  const isReal = (node: Node | undefined): boolean =>
    node !== undefined && (moves.has(node) || node.op === "dequantize" || node.op === "quantize");
  const isBetween = (node: Node): boolean =>
    node.inputs.every((name) => isReal(producers.get(name))) ||
    node.outputs.every(
      (name) =>
        (consumers.get(name) ?? []).some(isReal) && (consumers.get(name) ?? []).every(isReal),
    );
  for (let before = 0; before !== moves.size && moves.size > 0;) {
    before = moves.size;
    for (const node of graph.nodes) if (isMove(graph, node) && isBetween(node)) moves.add(node);
  }
  return moves;
}
