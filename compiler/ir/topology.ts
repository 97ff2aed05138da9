/** Who writes and who reads each value. */
import type { Graph, Node } from "./graph.ts";

/** The node that writes each value; inputs and constants have none. */
export function producersOf(graph: Graph): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (const node of graph.nodes) for (const name of node.outputs) producers.set(name, node);
  return producers;
}

/** The nodes that read each value, in graph order; a node that reads it twice appears once. */
export function consumersOf(graph: Graph): Map<string, Node[]> {
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) {
      const readers = consumers.get(name);
      if (readers === undefined) consumers.set(name, [node]);
      else readers.push(node);
    }
  }
  return consumers;
}

/** Multiply-accumulates of one inference, as networks are compared by: convolutions and matrices. */
export function multiplyAccumulates(graph: Graph): number {
  let total = 0;
  for (const node of graph.nodes) total += nodeMultiplyAccumulates(graph, node);
  return total;
}

export function nodeMultiplyAccumulates(graph: Graph, node: Node): number {
  const count = (name: string | undefined): number =>
    (graph.types.get(name ?? "")?.shape ?? []).reduce((sum, size) => sum * size, 1);
  const [x, w] = node.inputs;
  const weights = graph.types.get(w ?? "")?.shape ?? [];
  switch (node.op) {
    case "conv":
    case "fixed_conv":
      return count(node.outputs[0]) * weights.slice(1).reduce((sum, size) => sum * size, 1);
    case "conv_transpose":
    case "fixed_conv_transpose":
      return count(x) * weights.slice(1).reduce((sum, size) => sum * size, 1);
    case "matmul":
    case "fixed_matmul":
    case "gemm":
      return count(node.outputs[0]) * depthOf(graph, node);
    default:
      return 0;
  }
}

function depthOf(graph: Graph, node: Node): number {
  const shape = graph.types.get(node.inputs[0] ?? "")?.shape ?? [];
  return (node.attributes.get("transpose_a") === 1 ? shape.at(-2) : shape.at(-1)) ?? 0;
}
