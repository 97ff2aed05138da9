/** Which values hold their zero point in the lanes beyond their last channel; elsewhere those hold anything. */
import { attributesOf } from "../ir/index.ts";
import type { Graph, Node } from "../ir/index.ts";

const RENAMING: ReadonlySet<string> = new Set(["identity", "reshape", "transpose"]);

/** Filters, their biases and the exponentials of a softmax are zeros there. */
export function emptyLanes(graph: Graph): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of graph.nodes) {
    const [first = ""] = node.inputs;
    const isRenamed = RENAMING.has(node.op) && found.has(first);
    if (isRenamed || isMasked(node) || isFiltered(graph, node)) {
      for (const name of node.outputs) found.add(name);
    }
  }
  return found;
}

function isMasked({ op }: Node): boolean {
  return op === "softmax" || op === "lane_softmax";
}

/** A clamp that leaves zero where it is. */
function isFiltered(graph: Graph, node: Node): boolean {
  if (node.op !== "conv" && node.op !== "matmul") return false;
  const attributes = attributesOf(node);
  const keepsZero = attributes.number("clamp_min") <= 0 && attributes.number("clamp_max") >= 0;
  return keepsZero && graph.constants.has(node.inputs[1] ?? "");
}
