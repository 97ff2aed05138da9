/** Recurrent layers of stored numbers, written out in the rows that the chip has. */
import { rewrite } from "../pass.ts";
import type { Pass, Rule } from "../pass.ts";
import { expandLstm } from "./lstm.ts";
import { expandSvdf } from "./svdf.ts";

export const expandRecurrent: Pass = {
  name: "expand-recurrent",
  run: (graph) => rewrite(graph, (node, view) => RULES[node.op]?.(node, view)),
};

const RULES: Readonly<Record<string, Rule>> = { fixed_lstm: expandLstm, fixed_svdf: expandSvdf };
