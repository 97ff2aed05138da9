/**
 * Phased tensors: an image enlarged by whole factors, kept at its small size with one group of channels for
 * each pixel of a window. Whatever works on single pixels works on it unchanged, on fewer croutons.
 */
import { attributesOf, consumersOf } from "../ir/index.ts";
import type { Graph, Node } from "../ir/index.ts";
import type { ValueId } from "./stage.ts";

export interface Phased {
  readonly value: ValueId;
  readonly factorY: number;
  readonly factorX: number;
  /** Of the enlarged image. */
  readonly channels: number;
  /** Channel (y * factorX + x) * channelPitch is the first of phase (y, x). */
  readonly channelPitch: number;
}

/** Channels of all phases of an output, which has to fit one channel tile. */
const OUTPUT_LANES_MAX = 32;

/** Values that are only read, directly or through other such values, by functions of one pixel and as outputs. */
export function phasedValues(graph: Graph): ReadonlySet<string> {
  const consumers = consumersOf(graph);
  const outputs = new Set(graph.outputs);
  const phased = new Set<string>();
  const staysPhased = (name: string, factor: number): boolean => {
    const readers = consumers.get(name) ?? [];
    const channels = graph.types.get(name)?.shape[1] ?? 0;
    if (outputs.has(name) && (readers.length > 0 || channels * factor > OUTPUT_LANES_MAX)) {
      return false;
    }
    return readers.every((node) => {
      const next = factor * enlargement(node);
      return next > 0 && node.inputs[0] === name && staysPhased(node.outputs[0] ?? "", next);
    });
  };
  for (const node of graph.nodes) {
    const [name = ""] = node.outputs;
    const known = phased.has(node.inputs[0] ?? "");
    const begins = node.op === "conv_transpose" && staysPhased(name, enlargement(node));
    if (begins || (known && enlargement(node) > 0)) phased.add(name);
  }
  return phased;
}

/** Pixels made of one by a node that treats pixels alike; 0 for all other nodes. */
function enlargement(node: Node): number {
  if (node.op === "lut") return 1;
  if (node.op !== "conv_transpose") return 0;
  const [y = 1, x = 1] = attributesOf(node).numbers("strides");
  return y * x;
}
