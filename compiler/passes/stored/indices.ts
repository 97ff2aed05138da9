/** Indices that leave the graph are stored numbers like all else: int8, counted from -128 in ones. */
import { attributesOf, CHOICES_MAX } from "../../ir/index.ts";
import type { Graph, Node } from "../../ir/index.ts";
import type { Pass } from "../pass.ts";

export const storedIndices: Pass = { name: "stored-indices", run };

const ENCODING = { scales: [1], zeroPoints: [-128] };

function run(graph: Graph): Graph {
  const chosen = graph.nodes.filter((node) => isStoredChoice(node, graph));
  if (chosen.length === 0) return graph;
  const types = new Map(graph.types);
  for (const name of chosen.flatMap(({ outputs }) => outputs)) {
    const shape = types.get(name)?.shape ?? [];
    types.set(name, { dtype: "i8", shape, quantization: ENCODING });
  }
  const nodes = graph.nodes.map((node) => {
    if (!chosen.includes(node)) return node;
    const attributes = new Map([...node.attributes].filter(([key]) => key !== "select_last"));
    return { ...node, op: "fixed_argmax", attributes };
  });
  return { ...graph, nodes, types };
}

function isStoredChoice(node: Node, graph: Graph): boolean {
  const [name = ""] = node.outputs;
  const type = graph.types.get(node.inputs[0] ?? "");
  if (node.op !== "argmax" || type?.dtype !== "i8" || type.quantization === undefined) return false;
  const attributes = attributesOf(node);
  const size = type.shape.at(attributes.number("axis")) ?? 0;
  const isFirst = attributes.number("select_last") === 0;
  const isRead = graph.nodes.some(({ inputs }) => inputs.includes(name));
  return isFirst && size <= CHOICES_MAX && graph.outputs.includes(name) && !isRead;
}
