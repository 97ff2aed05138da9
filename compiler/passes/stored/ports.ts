/** Real numbers at the border: a program's ports hold stored ones and convert by the same rules. */
import { attributesOf } from "../../ir/index.ts";
import type { Graph, Node, TensorType } from "../../ir/index.ts";
import type { Pass } from "../pass.ts";

export const storedPorts: Pass = {
  name: "stored-ports",
  run: (graph) => graph.outputs.reduce(storedOutput, graph.inputs.reduce(storedInput, graph)),
};

/** An input that nothing but one `quantize` reads is stored in its port's encoding; it keeps its name. */
function storedInput(graph: Graph, name: string): Graph {
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes(name));
  const [reader] = readers;
  if (readers.length !== 1 || reader?.op !== "quantize" || graph.outputs.includes(name)) {
    return graph;
  }
  return joined(graph, reader, { kept: name, dropped: reader.outputs[0] ?? "" });
}

/** Likewise an output that a `dequantize` makes. */
function storedOutput(graph: Graph, name: string): Graph {
  const maker = graph.nodes.find(({ outputs }) => outputs.includes(name));
  const isRead = graph.nodes.some(({ inputs }) => inputs.includes(name));
  if (maker?.op !== "dequantize" || isRead) return graph;
  const dropped = maker.inputs[0] ?? "";
  const isPort = graph.inputs.includes(dropped) || graph.outputs.includes(dropped);
  return isPort ? graph : joined(graph, maker, { kept: name, dropped });
}

/** The graph without the conversion: its two values are one, with the name that is kept. */
function joined(
  graph: Graph,
  border: Node,
  { kept, dropped }: { readonly kept: string; readonly dropped: string },
): Graph {
  const attributes = attributesOf(border);
  const scales = attributes.numbers("scales");
  const isPort = graph.outputs.includes(dropped) || graph.constants.has(dropped);
  const stored = graph.types.get(dropped);
  if (isPort || scales.length !== 1 || stored === undefined) return graph;
  const quantization = { scales, zeroPoints: [attributes.numbers("zero_points")[0] ?? 0] };
  const rename = (name: string): string => (name === dropped ? kept : name);
  const nodes = graph.nodes
    .filter((node) => node !== border)
    .map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
  const types = new Map<string, TensorType>(graph.types);
  types.set(kept, { ...stored, quantization });
  types.delete(dropped);
  return { ...graph, nodes, types };
}
