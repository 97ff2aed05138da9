/** Models of ONNX that compute on stored numbers: QDQ groups and QLinear operators become the rows for that. */
import type { Graph } from "../../ir/index.ts";
import { rewrite } from "../pass.ts";
import type { Pass } from "../pass.ts";
import { encoded } from "./encodings.ts";
import { fuseGroup } from "./groups.ts";
import { adoptOperator } from "./qlinear.ts";

export const fuseStored: Pass = { name: "fuse-stored", run };

function run(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === "quantize" || op.startsWith("qlinear_"))) return graph;
  return rewrite(
    encoded(graph),
    (node, view) => adoptOperator(node, view) ?? fuseGroup(node, view),
  );
}
