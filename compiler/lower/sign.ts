/** Which float values are never negative, by the clamps of what makes them. */
import { attributesOf } from "../ir/index.ts";
import type { Graph, Node } from "../ir/index.ts";

/** Operators whose results are never negative when their operands are not. */
const KEEPING: ReadonlySet<string> = new Set([
  ...["max_pool", "average_pool", "global_average_pool", "concat", "split", "reshape", "transpose"],
]);

export function neverNegative(graph: Graph): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of graph.nodes) {
    const keeps = KEEPING.has(node.op) && node.inputs.every((name) => isKept(name));
    if (keeps || isClamped(node)) for (const name of node.outputs) found.add(name);
  }
  return found;

  function isKept(name: string): boolean {
    return found.has(name) || graph.types.get(name)?.dtype === "i64";
  }
}

function isClamped(node: Node): boolean {
  const limit = node.attributes.has("clamp_min") ? attributesOf(node).number("clamp_min") : -1;
  return limit >= 0;
}
