/** Computes every node whose inputs are all known. */
import { elementCount, evaluateNode, outputTypesOf } from "../ir/index.ts";
import type { Node } from "../ir/index.ts";
import { rewrite } from "./pass.ts";
import type { Pass, Replacement, View } from "./pass.ts";

/** A larger result than this costs more to store than to compute again. */
const ELEMENTS_MAX = 2 ** 24;

export const foldConstants: Pass = {
  name: "fold-constants",
  run: (graph) => rewrite(graph, fold),
};

function fold(node: Node, view: View): Replacement | undefined {
  const known = node.inputs.every((name) => name === "" || view.constantOf(name) !== undefined);
  const types = outputTypesOf(view.graph, node);
  if (!known || types.some((type) => elementCount(type) > ELEMENTS_MAX)) return undefined;
  const results = evaluateNode(
    node,
    node.inputs.map((name) => view.constantOf(name)),
    types,
  );
  const constants = new Map(results.map((value, index) => [node.outputs[index] ?? "", value]));
  return { remove: [node], insert: [], constants };
}
