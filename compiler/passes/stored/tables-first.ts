/** Tables before what only moves elements: the same, byte by byte, and tables that meet become one. */
import { tensor } from "../../ir/index.ts";
import type { Node, Tensor } from "../../ir/index.ts";
import { attributeMap, derived, rewrite } from "../pass.ts";
import type { Pass, Replacement, View } from "../pass.ts";

/** For graphs whose movement leaves the HTP: what follows would have to come back for a table alone. */
export const tablesFirst: Pass = {
  name: "tables-first",
  run: (graph) => rewrite(graph, moveTable),
};

const BYTES = 256;
const MOVES: ReadonlySet<string> = new Set(["concat", "identity", "reshape", "transpose"]);

function moveTable(node: Node, view: View): Replacement | undefined {
  const table = tableOf(node, view);
  const before = table && view.soleProducerOf(node.inputs[0]);
  if (table === undefined || before === undefined) return undefined;
  const inner = tableOf(before, view);
  if (inner !== undefined) return oneTable([before, node], composed(inner, table), view);
  const isInt8 = before.inputs.every((name) => view.graph.types.get(name)?.dtype === "i8");
  return MOVES.has(before.op) && isInt8 ? behindTables([before, node], table, view) : undefined;
}

type Pair = readonly [before: Node, node: Node];

function oneTable([before, node]: Pair, both: Tensor, view: View): Replacement {
  const name = view.fresh(`${node.outputs[0]}/table`);
  const insert = derived(node, { inputs: [before.inputs[0] ?? "", name] });
  return { remove: [before, node], insert: [insert], constants: new Map([[name, both]]) };
}

/** The movement of what the table makes of each part. */
function behindTables([move, node]: Pair, table: Tensor, view: View): Replacement {
  const name = view.fresh(`${node.outputs[0]}/table`);
  const result = view.typeOf(node.outputs[0]);
  const tables = move.inputs.map((part): Node => {
    const value = view.fresh(`${node.outputs[0]}/part`);
    const attributes = attributeMap({});
    return { name: value, op: "lut", inputs: [part, name], outputs: [value], attributes };
  });
  const types = new Map(
    tables.map(({ inputs, outputs }) => {
      const { shape } = view.typeOf(inputs[0]);
      return [outputs[0] ?? "", { ...result, shape }] as const;
    }),
  );
  const moved = derived(move, { inputs: [...types.keys()], outputs: node.outputs });
  const constants = new Map([[name, table]]);
  return { remove: [move, node], insert: [...tables, moved], constants, types };
}

/** A table from int8 to int8. */
function tableOf({ op, inputs }: Node, view: View): Tensor | undefined {
  const table = op === "lut" ? view.constantOf(inputs[1]) : undefined;
  const isOfBytes = view.graph.types.get(inputs[0] ?? "")?.dtype === "i8";
  return isOfBytes && table?.type.dtype === "i8" && table.data.length === BYTES ? table : undefined;
}

function composed(first: Tensor, second: Tensor): Tensor {
  const [inner, outer] = [first.data as Int8Array, second.data as Int8Array];
  return tensor(
    second.type,
    Int8Array.from(inner, (entry) => outer[entry + BYTES / 2] ?? 0),
  );
}
