/** `retile fidelity layers`: are the layers of MobileNetV2 as slow relative to each other as on a real DSP? */
import { join } from "node:path";
import type { Graph } from "../../compiler/ir/index.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { failed, unwrap } from "../../protocol/base/result.ts";
import { TILE_MACS } from "../../protocol/isa/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { judge } from "../bars.ts";
import { DATA_FOLDER } from "../data-folder.ts";
import type { ExitName } from "../exit-codes.ts";
import type { Column, Output, Row } from "../output.ts";
import { readCsv } from "./csv.ts";
import { fileText } from "./fidelity.ts";
import { floatGraph } from "./networks.ts";
import { Programs, timingOf, typedGraph } from "./parity.ts";
import { spearman } from "./statistics.ts";

const MODEL = "mobilenet_v2";
const SPEARMAN_MIN = 0.8;

interface Layer {
  readonly name: string;
  readonly measuredUs: number;
}

export async function compareLayers(output: Output): Promise<ExitName> {
  const measured = measuredLayers(
    await fileText(join(DATA_FOLDER, "silicon-layers-mobilenetv2.csv")),
  );
  const graph = unwrap(await floatGraph(MODEL));
  const times = layerTimes(graph, dspWithoutMatrixEngine());
  const nodes = graph.nodes.filter(({ op }) => op !== "reshape");
  if (nodes.length !== measured.length) {
    unwrap(failed("USAGE", `the log has ${measured.length} layers, the network ${nodes.length}`));
  }
  const rows = measured.map(({ name, measuredUs }, index): Row => {
    const node = present(nodes[index], "as many nodes as layers");
    return { layer: name, node: node.name, measuredUs, simulatedUs: times.get(node.name) ?? 0 };
  });
  const pairs = rows.map(({ measuredUs, simulatedUs }) => ({
    measured: Number(measuredUs),
    simulated: Number(simulatedUs),
  }));
  const value = spearman(pairs);
  const bar = { name: "Spearman of the layers", value, limit: SPEARMAN_MIN };
  const { exit, ...verdict } = judge([{ ...bar, demand: "at_least" }], output);
  output.report(
    { name: "fidelity layers", rows, summary: { spearman: value, ...verdict } },
    COLUMNS,
  );
  return exit;
}

/** In the log an activation carries the time of its convolution; what moves nothing is no layer here. */
function measuredLayers(text: string): readonly Layer[] {
  const layers: Layer[] = [];
  let convolution = "";
  for (const { cell } of readCsv(text).records) {
    const [name, type, measuredUs] = [cell("name"), cell("type"), Number(cell("us"))];
    if (type === "data" || type === "permute") continue;
    if (type === "convolutional" && measuredUs === 0) convolution = name;
    else layers.push({ name: type === "neuron" ? convolution : name, measuredUs });
  }
  return layers;
}

/** Vector units of a Hexagon core: 512 int8 multiply-accumulates a cycle (quic/cloud-ai-sdk-pages, Architecture). */
const VECTOR_MACS = 512;

/**
 * The log is of a DSP older than the matrix engine (it names a runtime of those): products go at the rate of the
 * vector units, everything else is as on the smallest HTP.
 */
function dspWithoutMatrixEngine(): SocDescription {
  const smallest = present(socNamed("qcm6490"), "qcm6490");
  const tileCyclesInt8 = TILE_MACS.int8 / VECTOR_MACS;
  return { ...smallest, hmx: { ...smallest.hmx, tileCyclesInt8 } };
}

/** Microseconds that a layer keeps engines busy, one after another, by node. */
function layerTimes(graph: Graph, soc: SocDescription): ReadonlyMap<string, number> {
  const program = unwrap(new Programs(unwrap(typedGraph(graph, "w8a8"))).for(soc));
  const { origins } = unwrap(timingOf(program, soc));
  const times = new Map<string, number>();
  for (const [origin, { dma, hmx, hvx }] of origins) {
    const cycles = dma / soc.dma.queues + hmx / soc.hmx.queues + hvx / soc.hvx.queues;
    times.set(present(program.origins[origin], "an origin"), (cycles * 1e6) / soc.clockHz);
  }
  return times;
}

const COLUMNS: readonly Column[] = [
  { key: "layer", title: "layer" },
  { key: "node", title: "node" },
  { key: "measuredUs", title: "measured µs" },
  { key: "simulatedUs", title: "simulated µs", digits: 1 },
];
