/** A graph as a picture: Graphviz's language, and the SVG that Graphviz makes of it. */
import { instance } from "@viz-js/viz";
import { describeType, typeIn } from "../../compiler/ir/index.ts";
import type { Graph, Node } from "../../compiler/ir/index.ts";
import type { Place, Placement } from "./placement.ts";

/** Light fills of one brightness, told apart by people who see few colours too; black text reads on all. */
const FILLS: Readonly<Record<Place, string>> = {
  htp: "#b8d8f8",
  cpu: "#f8deb0",
  reference: "#f4b8b8",
};
const NAME_CHARACTERS_MAX = 40;

export function graphToDot(graph: Graph, placed: ReadonlyMap<Node, Placement>): string {
  const ids = new Map<string, string>();
  const lines: string[] = [];
  const box = (id: string, attributes: Readonly<Record<string, string>>): void => {
    const list = Object.entries(attributes).map(([key, value]) => `${key}=${quoted(value)}`);
    lines.push(`${id} [${list.join(", ")}]`);
  };
  graph.inputs.forEach((name, index) => {
    ids.set(name, `i${index}`);
    box(`i${index}`, { label: `${shortened(name)}\n${typeText(graph, name)}`, shape: "oval" });
  });
  graph.nodes.forEach((node, index) => {
    node.outputs.forEach((name) => ids.set(name, `n${index}`));
    const { place = "reference", reason = "" } = placed.get(node) ?? {};
    const fillcolor = FILLS[place];
    const tooltip = reason === "" ? node.name : `${node.name}: ${reason}`;
    box(`n${index}`, { label: nodeLabel(graph, node), fillcolor, tooltip });
    for (const name of new Set(node.inputs)) {
      const from = ids.get(name);
      if (from === undefined) continue;
      lines.push(`${from} -> n${index} [label=${quoted(typeText(graph, name))}]`);
    }
  });
  graph.outputs.forEach((name, index) => {
    box(`o${index}`, { label: `${shortened(name)}\n${typeText(graph, name)}`, shape: "oval" });
    const from = ids.get(name);
    if (from !== undefined) lines.push(`${from} -> o${index}`);
  });
  const style = [
    "rankdir=TB",
    'node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif", fontsize=11]',
    'edge [fontname="sans-serif", fontsize=9, color="#606060"]',
  ];
  const body = [...style, ...lines].map((line) => `  ${line};\n`).join("");
  return `digraph ${quoted(graph.name)} {\n${body}}\n`;
}

export async function dotToSvg(dot: string): Promise<string> {
  return (await instance()).renderString(dot, { format: "svg" });
}

/** The operator, the shape of its weights, and its name. */
function nodeLabel(graph: Graph, node: Node): string {
  const weights = node.inputs
    .filter((name) => graph.constants.has(name))
    .map((name) => graph.types.get(name)?.shape.join("x") ?? "")
    .filter((shape) => shape !== "");
  const title = [node.op, ...weights.slice(0, 1)].join(" ");
  return `${title}\n${shortened(node.name)}`;
}

function typeText(graph: Graph, name: string): string {
  return describeType(typeIn(graph, name));
}

/** The end of a name tells more than its start. */
function shortened(name: string): string {
  return name.length <= NAME_CHARACTERS_MAX ? name : `…${name.slice(1 - NAME_CHARACTERS_MAX)}`;
}

/** Graphviz reads \\n as a line break; everything else of a name is taken as it is. */
function quoted(text: string): string {
  const escaped = text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
  return `"${escaped}"`;
}
