/** 32-bit results that leave the graph as functions of one stored number, in 16 bits where those hold all of them. */
import type { Graph, Tensor, TensorType } from "../../ir/index.ts";
import { numeric, tensorFrom } from "../../ir/index.ts";
import type { Pass } from "../pass.ts";

export const storedWords: Pass = { name: "stored-words", run };

function run(graph: Graph): Graph {
  const [types, constants] = [new Map(graph.types), new Map(graph.constants)];
  for (const { op, inputs, outputs } of graph.nodes) {
    const [output = "", entries = ""] = [outputs[0], inputs[1]];
    const type = graph.types.get(output);
    const table = graph.constants.get(entries);
    const isRead = graph.nodes.some((node) => node.inputs.includes(output));
    if (op !== "lut" || type?.dtype !== "i32" || isRead || !table || !fitsHalves(table)) continue;
    const narrow: TensorType = { dtype: "i16", shape: table.type.shape };
    const values = numeric(table);
    types.set(output, { ...type, dtype: "i16" }).set(entries, narrow);
    constants.set(
      entries,
      tensorFrom(narrow, (at) => values[at] ?? 0),
    );
  }
  return { ...graph, types, constants };
}

function fitsHalves(table: Tensor): boolean {
  return Array.from(numeric(table)).every((value) => value >= -32768 && value <= 32767);
}
