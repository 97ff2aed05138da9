/** Drops nodes and constants that no output depends on. */
import type { Graph, Node } from "../ir/index.ts";
import { finishGraph } from "./pass.ts";
import type { Pass } from "./pass.ts";

export const eliminateDeadCode: Pass = { name: "eliminate-dead-code", run };

function run(graph: Graph): Graph {
  const needed = new Set(graph.outputs);
  const kept: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    for (const name of node.inputs) needed.add(name);
    kept.push(node);
  }
  const constants = new Map([...graph.constants].filter(([name]) => needed.has(name)));
  return finishGraph({ ...graph, constants }, kept.reverse());
}
