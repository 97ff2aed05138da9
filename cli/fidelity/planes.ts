/**
 * A graph between the planes of its images: a file of channels last turns them at its edges. The lowering gathers
 * the first window of an int8 image from planes alone, and the published stack gathers both.
 */
import { consumersOf, producersOf } from "../../compiler/ir/index.ts";
import type { Graph, Node } from "../../compiler/ir/index.ts";

export function atPlanes(graph: Graph): Graph {
  const isTurn = (node: Node): boolean => node.op === "transpose" || node.op === "reshape";
  const consumers = consumersOf(graph);
  const producers = producersOf(graph);
  const dropped = new Set<Node>();
  const inputs = graph.inputs.map((name) => {
    const [reader, ...others] = consumers.get(name) ?? [];
    if (reader === undefined || others.length > 0 || !isTurn(reader)) return name;
    dropped.add(reader);
    return reader.outputs[0] ?? name;
  });
  const outputs = graph.outputs.map((name) => {
    const producer = producers.get(name);
    const shape = graph.types.get(producer?.inputs[0] ?? "")?.shape;
    if (producer === undefined || !isTurn(producer) || shape?.length !== 4) return name;
    dropped.add(producer);
    return producer.inputs[0] ?? name;
  });
  const nodes = graph.nodes.filter((node) => !dropped.has(node));
  const types = new Map(graph.types);
  for (const name of [...graph.inputs, ...graph.outputs]) {
    if (!inputs.includes(name) && !outputs.includes(name)) types.delete(name);
  }
  return { ...graph, inputs, outputs, nodes, types };
}
