/**
 * What a CPU segment computes, as a graph of float32 alone: the host converts what lies between segments, by the same
 * rule as at a program's ports, so the conversions at the segment's edges have nothing left to do.
 */
import { CodedError } from "../../../protocol/base/result.ts";
import { attributesOf } from "../../ir/index.ts";
import type { Graph, Node, Quantization, TensorType } from "../../ir/index.ts";

/** Throws CodedError `UNSUPPORTED_OP` where a conversion says something else than the stored value's type. */
export function realGraph(segment: Graph): Graph {
  const isEdge = edgesOf(segment);
  const types = new Map([...segment.types].map(([name, type]) => [name, realType(name, type)]));
  return { ...segment, types, nodes: segment.nodes.map(withoutConversion) };

  function realType(name: string, type: TensorType): TensorType {
    return isEdge(name) && type.quantization !== undefined
      ? { dtype: "f32", shape: type.shape }
      : type;
  }

  function withoutConversion(node: Node): Node {
    const [from = "", to = ""] = [node.inputs[0], node.outputs[0]];
    const stored = CONVERSIONS[node.op]?.(from, to);
    if (stored === undefined || !isEdge(stored)) return node;
    if (!isSaidBy(node, segment.types.get(stored)?.quantization)) throw otherwise(node);
    return { ...node, op: "identity", inputs: [from], attributes: new Map() };
  }
}

/** By operator, which of its two values is the stored one. */
const CONVERSIONS: Readonly<Record<string, (from: string, to: string) => string>> = {
  dequantize: (from) => from,
  quantize: (_, to) => to,
};

function edgesOf({ inputs, outputs }: Graph): (name: string) => boolean {
  const names = new Set([...inputs, ...outputs]);
  return (name) => names.has(name);
}

function isSaidBy(node: Node, quantization: Quantization | undefined): boolean {
  const attributes = attributesOf(node);
  const [scale, ...more] = attributes.numbers("scales");
  const zeroPoint = attributes.numbers("zero_points")[0] ?? 0;
  const { scales = [], zeroPoints = [] } = quantization ?? {};
  return more.length === 0 && scales[0] === scale && (zeroPoints[0] ?? 0) === zeroPoint;
}

function otherwise({ name, op }: Node): CodedError<"UNSUPPORTED_OP"> {
  const message = `node ${name} (${op}) reads a stored value in another encoding than it was written in`;
  return new CodedError("UNSUPPORTED_OP", message, { node: name, operator: op });
}
