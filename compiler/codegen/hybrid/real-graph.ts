/**
 * What a CPU segment computes, as a graph of float32 alone: the host converts what lies between segments, by the same
 * rule as at a program's ports, so the conversions at the segment's edges have nothing left to do.
 */
import { CodedError } from "../../../protocol/base/result.ts";
import { attributesOf } from "../../ir/index.ts";
import type { Graph, Node, Quantization, TensorType } from "../../ir/index.ts";

/**
 * Throws CodedError `UNSUPPORTED_OP` where a conversion says something else than the stored value's type, or a node
 * works on the stored number itself.
 */
export function realGraph(segment: Graph): Graph {
  const edges = storedEdges(segment);
  const types = new Map<string, TensorType>(segment.types);
  for (const [name, { shape }] of edges) types.set(name, { dtype: "f32", shape });
  const nodes = segment.nodes.map((node) => realNode(node, edges));
  return { ...segment, types, nodes };
}

/** What the segment reads and gives that is stored, by name. */
function storedEdges({ inputs, outputs, types }: Graph): ReadonlyMap<string, TensorType> {
  return new Map(
    [...inputs, ...outputs].flatMap((name) => {
      const type = types.get(name);
      return type?.quantization === undefined ? [] : [[name, type] as const];
    }),
  );
}

function realNode(node: Node, edges: ReadonlyMap<string, TensorType>): Node {
  const [from = "", to = ""] = [node.inputs[0], node.outputs[0]];
  const stored = CONVERSIONS[node.op]?.(from, to) ?? "";
  const met = [...node.inputs, ...node.outputs].filter((name) => edges.has(name));
  if (met.length === 0) return node;
  if (met.length > 1 || met[0] !== stored) throw refused(node, "works on stored numbers");
  if (!isSaidBy(node, edges.get(stored)?.quantization)) {
    throw refused(node, "reads a stored value in another encoding than it was written in");
  }
  return { ...node, op: "identity", inputs: [from], attributes: new Map() };
}

/** By operator, which of its two values is the stored one. */
const CONVERSIONS: Readonly<Record<string, (from: string, to: string) => string>> = {
  dequantize: (from) => from,
  quantize: (_, to) => to,
};

function isSaidBy(node: Node, quantization: Quantization | undefined): boolean {
  const attributes = attributesOf(node);
  const [scale, ...more] = attributes.numbers("scales");
  const zeroPoint = attributes.numbers("zero_points")[0] ?? 0;
  const { scales = [], zeroPoints = [] } = quantization ?? {};
  return more.length === 0 && scales[0] === scale && (zeroPoints[0] ?? 0) === zeroPoint;
}

function refused({ name, op }: Node, why: string): CodedError<"UNSUPPORTED_OP"> {
  const message = `node ${name} (${op}) ${why}, which the CPU has no code for`;
  return new CodedError("UNSUPPORTED_OP", message, { node: name, operator: op });
}
