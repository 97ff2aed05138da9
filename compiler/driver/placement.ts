/** Which segment of a program computes which nodes, and why on the CPU, as text. */
import type { Node } from "../ir/index.ts";
import type { GraphSegment } from "../lower/index.ts";
import type { Reasons } from "./hybrid.ts";

/** What a request may ask to dump beside the graph after a pass. */
export const PLACEMENT = "placement";

/** A line a segment, then one for each node that is on the CPU. */
export function placementText(segments: readonly GraphSegment[], reasons: Reasons): string {
  const lines = segments.flatMap(({ place, nodes }, index) => {
    const head = `segment ${index} ${place}, ${nodes.length} nodes: ${census(nodes)}`;
    return place === "htp" ? [head] : [head, ...nodes.map((node) => nodeLine(node, reasons))];
  });
  return `${lines.join("\n")}\n`;
}

function nodeLine({ name, op }: Node, reasons: Reasons): string {
  const isBorder = op === "dequantize" || op === "quantize";
  const why =
    reasons.get(name) ?? (isBorder ? "between stored and real numbers" : "works on reals");
  return `  ${op} ${name}: ${why}`;
}

/** "12 conv, 3 lut", the most frequent first. */
function census(nodes: readonly Node[]): string {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.map(([op, count]) => `${count} ${op}`).join(", ");
}
