/** `retile model inspect`: what a model is made of, what it costs, and what of it runs where. */
import { writeFile } from "node:fs/promises";
import { importModel } from "../../compiler/frontend/import.ts";
import { closeGraph, opennessOf } from "../../compiler/ir/index.ts";
import type { Graph, Node } from "../../compiler/ir/index.ts";
import { optimize } from "../../compiler/passes/index.ts";
import { succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { ModelFile } from "../models/model-file.ts";
import { loadModelFile } from "../models/model-file.ts";
import type { Column, Output, Row } from "../output.ts";
import { findSoc } from "../soc.ts";
import { censusOf } from "./census.ts";
import { dotToSvg, graphToDot } from "./picture.ts";
import { placements } from "./placement.ts";
import type { Placement } from "./placement.ts";

export interface InspectOptions {
  readonly model: string;
  readonly soc: string;
  readonly shape?: string;
  /** Files to write the picture to. */
  readonly dot?: string;
  readonly svg?: string;
}

const OPERATORS: readonly Column[] = [
  { key: "operator", title: "operator" },
  { key: "count", title: "count" },
  { key: "macs", title: "MACs" },
  { key: "htp", title: "on HTP" },
  { key: "cpu", title: "on CPU" },
  { key: "reference", title: "reference only" },
];

const REASONS: readonly Column[] = [
  { key: "place", title: "runs on" },
  { key: "operator", title: "operator" },
  { key: "count", title: "nodes" },
  { key: "example", title: "for instance" },
  { key: "reason", title: "because" },
];

export async function inspectModel(options: InspectOptions, output: Output): Promise<void> {
  const model = unwrap(await loadModelFile(options.model, options.shape));
  const soc = unwrap(findSoc(options.soc));
  const graph = unwrap(compiledGraph(model));
  const openness = opennessOf(graph);
  const progress = output.progress(`inspect ${model.name}`, graph.nodes.length);
  const placed = placements(graph, soc, () => progress.advance(1));
  progress.finish();
  await writePictures(options, graphToDot(graph, placed));
  const { operators, ...totals } = censusOf(graph);
  const rows = operators.map((each) => ({ ...each, ...placesOf(placed, each.operator) }));
  const elsewhere = reasonsOf(placed);
  if (!output.json && elsewhere.length > 0) output.table(REASONS, elsewhere);
  const open = openness === undefined ? null : openness.reason;
  const ports = (names: readonly string[]): string => names.join(", ");
  const summary = {
    model: model.name,
    fileBytes: model.bytes.length,
    inputs: ports(graph.inputs),
    outputs: ports(graph.outputs),
    ...totals,
    soc: soc.name,
    open,
    elsewhere,
  };
  output.report({ name: "model inspect", rows, summary }, OPERATORS);
}

/** What backends compile: closed and optimised where the model's shapes are known, as imported elsewhere. */
function compiledGraph(model: ModelFile): Result<Graph> {
  const inputShapes = new Map(model.inputShapes.map(({ input, shape }) => [input, shape]));
  const imported = importModel(model.bytes, { inputShapes });
  if (!imported.ok) return imported;
  const closed = closeGraph(imported.value);
  return succeeded(closed.ok ? optimize(closed.value) : imported.value);
}

async function writePictures({ dot, svg }: InspectOptions, text: string): Promise<void> {
  if (dot !== undefined) await writeFile(dot, text);
  if (svg !== undefined) await writeFile(svg, await dotToSvg(text));
}

function placesOf(placed: ReadonlyMap<Node, Placement>, operator: string) {
  const count = (wanted: Placement["place"]): number =>
    [...placed].filter(([node, { place }]) => node.op === operator && place === wanted).length;
  return { htp: count("htp"), cpu: count("cpu"), reference: count("reference") };
}

/** Nodes that the HTP does not take, those with one reason together, most frequent first. */
function reasonsOf(placed: ReadonlyMap<Node, Placement>): Row[] {
  const groups = new Map<string, { row: Row; count: number }>();
  for (const [node, { place, reason }] of placed) {
    if (place === "htp") continue;
    const general = reason.replaceAll(node.name, "…");
    const key = JSON.stringify([place, node.op, general]);
    const group = groups.get(key) ?? {
      row: { place, operator: node.op, example: node.name, reason: general },
      count: 0,
    };
    group.count += 1;
    groups.set(key, group);
  }
  return [...groups.values()]
    .sort((a, b) => b.count - a.count)
    .map(({ row, count }) => ({ ...row, count }));
}
