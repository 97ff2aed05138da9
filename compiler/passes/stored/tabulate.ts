/** Nodes that make one byte of one or two as a table of all numbers that they may meet. */
import { evaluate, graphBuilder, storedFormat, tensorFrom } from "../../ir/index.ts";
import type { Graph, Node, Tensor } from "../../ir/index.ts";

export interface Group {
  /** In an order in which every value is written before it is read; the last one writes the result. */
  readonly nodes: readonly Node[];
  /** One or two bytes that the result is a function of. */
  readonly sources: readonly string[];
}

const NUMBERS = 256;
const SHAPES: readonly (readonly (readonly number[])[])[] = [
  [[NUMBERS]],
  [
    [NUMBERS, 1],
    [1, NUMBERS],
  ],
];

/** 256 results by the source, or 65,536 by both, the first one the slower. Constants must be scalars. */
export function tabulate(graph: Graph, { nodes, sources }: Group): Tensor {
  const builder = graphBuilder("table");
  const inputs = new Map<string, Tensor>();
  for (const [index, name] of sources.entries()) {
    const type = graph.types.get(name);
    const shape = SHAPES[sources.length - 1]?.[index];
    if (type === undefined || shape === undefined) throw new Error(`bug: ${name} is no byte`);
    const { low } = storedFormat(type);
    const all = tensorFrom({ ...type, shape }, (at) => low + at);
    inputs.set(builder.input(name, all.type), all);
  }
  for (const name of new Set(nodes.flatMap((node) => node.inputs))) {
    const constant = graph.constants.get(name);
    if (constant !== undefined && !inputs.has(name)) builder.constant(name, constant);
  }
  let result = "";
  for (const { op, name, inputs: reads, outputs, attributes } of nodes) {
    const [output = ""] = outputs;
    const quantization = graph.types.get(output)?.quantization;
    result = builder.node({
      ...{ op, name, inputs: reads, outputs: [output] },
      attributes: Object.fromEntries(attributes),
      ...(quantization && { quantization }),
    });
  }
  const made = evaluate(builder.finish([result]), inputs).get(result);
  if (made === undefined) throw new Error("bug: the group makes nothing");
  const { dtype } = made.type;
  const count = NUMBERS ** sources.length;
  return { type: { dtype, shape: [count] }, data: made.data };
}
