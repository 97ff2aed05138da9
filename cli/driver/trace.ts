/** `retile driver trace`: when each engine of a chip does what, as a Chrome trace that ui.perfetto.dev opens too. */
import { writeFile } from "node:fs/promises";
import { modelFormat } from "../../compiler/frontend/import.ts";
import type { Graph } from "../../compiler/ir/index.ts";
import { loadModel } from "../../compiler/driver/model.ts";
import { MODELS } from "../../compiler/models/index.ts";
import { PARITY, RELEASES } from "../../compiler/releases/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { chromeTrace } from "../../device-agent/soc/index.ts";
import { assert, unreachable } from "../../protocol/base/assert.ts";
import { sha256Hex } from "../../protocol/crypto/hash.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { floatGraph } from "../fidelity/networks.ts";
import { precisionOf, PRECISIONS, Programs, timingOf, typedGraph } from "../fidelity/parity.ts";
import { loadModelFile } from "../models/model-file.ts";
import type { Output } from "../output.ts";
import { findSoc } from "../soc.ts";

export interface TraceRequest {
  readonly model: string;
  readonly shape?: string;
  readonly soc: string;
  readonly precision: string;
  readonly release: string;
  readonly out: string;
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
  const graph = unwrap(typedGraph(unwrap(await graphOf(request)), precision));
  const program = unwrap(new Programs(graph, recipe).for(soc));
  const timing = unwrap(timingOf(program, soc));
  const [segment] = program.segments;
  assert(segment?.kind === "htp", "a program of one segment on the HTP");
  const trace = chromeTrace({ segment, timing, soc, origins: program.origins });
  await writeFile(request.out, JSON.stringify(trace));
  const rows = timing.queues.map(({ queue, busyCycles, stallCycles }) => ({
    queue: `${queue.engine}${queue.index}`,
    busyPercent: (100 * busyCycles) / Math.max(1, timing.cycles),
    ...stallCycles,
  }));
  const { microseconds, cycles } = timing;
  const events = trace.traceEvents.length;
  const summary = { model: request.model, soc: soc.name, microseconds, cycles, events };
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
  const { name, bytes, inputShapes } = file.value;
  const host = { readBlob: () => bytes, readFile: never, sha256: never, reply: never };
  const format = modelFormat(bytes);
  const source = { format, sha256: sha256Hex(bytes), name, inputShapes };
  const loaded = loadModel(source, { host, dumpAfter: undefined });
  return loaded.ok ? succeeded(loaded.value.graph) : loaded;
}

function never(): never {
  return unreachable("importing a model only reads it" as never);
}

/** Cycles in which the queue stood still, by cause. */
const COLUMNS = [
  { key: "queue", title: "queue" },
  { key: "busyPercent", title: "busy %", digits: 1 },
  { key: "dma", title: "waits for dma" },
  { key: "hmx", title: "hmx" },
  { key: "hvx", title: "hvx" },
  { key: "bandwidth", title: "bandwidth" },
  { key: "output", title: "output path" },
  { key: "vtcm", title: "vtcm" },
];
