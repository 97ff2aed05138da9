/** ReLU, ReLU6 and Clip become the clamp of the node that writes their input. */
import { attributesOf, findOperator } from "../ir/index.ts";
import type { Node } from "../ir/index.ts";
import { derived, rewrite } from "./pass.ts";
import type { Pass, Replacement, View } from "./pass.ts";

export const fuseClamp: Pass = { name: "fuse-clamp", run: (graph) => rewrite(graph, fuse) };

function fuse(node: Node, view: View): Replacement | undefined {
  const outer = boundsOf(node);
  const producer = outer && view.soleProducerOf(node.inputs[0]);
  if (outer === undefined || producer === undefined || !canClamp(producer)) return undefined;
  const inner = attributesOf(producer);
  const limit = (value: number): number => Math.min(Math.max(value, outer.low), outer.high);
  const attributes = {
    clamp_min: limit(inner.number("clamp_min")),
    clamp_max: limit(inner.number("clamp_max")),
  };
  const fused = derived(producer, { attributes, outputs: node.outputs });
  return { remove: [producer, node], insert: [fused] };
}

function boundsOf(node: Node): { low: number; high: number } | undefined {
  if (node.op === "relu") return { low: 0, high: Infinity };
  if (node.op !== "clip") return undefined;
  const attributes = attributesOf(node);
  const [low, high] = [attributes.number("min"), attributes.number("max")];
  return low <= high ? { low, high } : undefined;
}

function canClamp(node: Node): boolean {
  const rules = findOperator(node.op)?.attributes ?? {};
  return Object.hasOwn(rules, "clamp_min");
}
