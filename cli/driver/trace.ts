/** `retile driver trace`: when each engine of a chip does what, as a Chrome trace that ui.perfetto.dev opens too. */
import { writeFile } from "node:fs/promises";
import type { Graph } from "../../compiler/ir/index.ts";
import { MODELS } from "../../compiler/models/index.ts";
import { adopt, isStored } from "../../compiler/passes/index.ts";
import { PARITY, RELEASES } from "../../compiler/releases/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { chromeTrace } from "../../device-agent/soc/index.ts";
import { assert } from "../../protocol/base/assert.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { lowerBoundUs, nodeBoundsUs } from "../fidelity/lower-bound.ts";
import { floatGraph } from "../fidelity/networks.ts";
import { precisionOf, PRECISIONS, Programs, timingOf, typedGraph } from "../fidelity/parity.ts";
import { loadModelFile } from "../models/model-file.ts";
import type { Column, Output, Row } from "../output.ts";
import { findSoc } from "../soc.ts";
import { floatGraphOf } from "./float-graph.ts";
import { OPERATOR_COLUMNS, operatorTimes, shareOfPeak } from "./operators.ts";

export interface TraceRequest {
  readonly model: string;
  readonly shape?: string;
  readonly soc: string;
  readonly precision: string;
  readonly release: string;
  readonly out: string;
  /** Operators to print. */
  readonly top: number;
}

/** Writes the trace and prints where the cycles go; the ranges of a quantised model are made up, as time is not data's. */
export async function traceModel(request: TraceRequest, output: Output): Promise<void> {
  const soc = unwrap(findSoc(request.soc));
  const recipe = unwrap(recipeNamed(request.release));
  const precision = precisionOf(request.precision);
  if (precision === undefined) {
    const what = `--precision ${request.precision}: one of ${PRECISIONS.join(", ")}`;
    return unwrap(failed("USAGE", what));
  }
  const given = unwrap(await graphOf(request));
  const isAsStored = isStored(given);
  const graph = isAsStored ? unwrap(adopt(given)) : given;
  const typed = isAsStored ? graph : unwrap(typedGraph(graph, precision));
  const program = unwrap(new Programs(typed, recipe).for(soc));
  const timing = unwrap(timingOf(program, soc));
  const [segment] = program.segments;
  assert(segment?.kind === "htp", "a program of one segment on the HTP");
  const trace = chromeTrace({ segment, timing, soc, origins: program.origins });
  await writeFile(request.out, JSON.stringify(trace));
  const rows = timing.queues.map(({ queue, busyCycles, stallCycles, idleCycles }) => ({
    queue: `${queue.engine}${queue.index}`,
    busy: busyCycles / Math.max(1, timing.cycles),
    busyCycles,
    ...stallCycles,
    idleCycles,
  }));
  const boundsUs = nodeBoundsUs(graph, precision, soc);
  const operators = operatorTimes({ program, timing, soc, boundsUs }).slice(0, request.top);
  if (request.top > 0)
    output.table(
      OPERATOR_COLUMNS,
      operators.map((one): Row => ({ ...one })),
    );
  const { microseconds, cycles } = timing;
  const boundUs = lowerBoundUs(graph, precision, soc);
  const events = trace.traceEvents.length;
  const ofPeak = shareOfPeak({ microseconds, lowerBoundUs: boundUs }, soc);
  const time = { microseconds, lowerBoundUs: boundUs, ofPeak, cycles };
  const summary = { model: request.model, soc: soc.name, ...time, events, operators };
  output.report(
    { name: "driver trace", rows, summary: { ...summary, file: request.out } },
    COLUMNS,
  );
}

function recipeNamed(name: string): Result<Recipe, "RELEASE_UNKNOWN"> {
  const recipe = name === "parity" ? PARITY : RELEASES.get(name);
  if (recipe !== undefined) return succeeded(recipe);
  const known = ["parity", ...RELEASES.keys()].join(", ");
  return failed("RELEASE_UNKNOWN", `there is no release "${name}"; there are ${known}`);
}

/** The optimised graph of a network that silicon was measured on, of a zoo model, or of a file. */
async function graphOf({ model, shape }: TraceRequest): Promise<Result<Graph>> {
  if (Object.hasOwn(MODELS, model)) return floatGraph(model);
  const file = await loadModelFile(model, shape);
  if (!file.ok) return file;
  return floatGraphOf(file.value);
}

/** Cycles of a queue: at work, standing still by cause, and behind its last instruction. */
const COLUMNS: readonly Column[] = [
  { key: "queue", title: "queue" },
  { key: "busy", title: "busy", bar: true },
  { key: "busyCycles", title: "busy cycles" },
  { key: "dma", title: "waits for dma" },
  { key: "hmx", title: "hmx" },
  { key: "hvx", title: "hvx" },
  { key: "bandwidth", title: "bandwidth" },
  { key: "output", title: "output path" },
  { key: "vtcm", title: "vtcm" },
  { key: "idleCycles", title: "behind its last" },
];
