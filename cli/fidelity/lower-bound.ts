/**
 * What no driver can go below on a chip, from the graph alone: every engine at its peak, all of them at once; weights
 * and the graph's inputs and outputs moved once; plus the call floor.
 */
import { nodeMultiplyAccumulates } from "../../compiler/ir/index.ts";
import type { Graph, Node } from "../../compiler/ir/index.ts";
import { product } from "../../protocol/base/integers.ts";
import { VECTOR_BYTES } from "../../protocol/isa/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Precision } from "./parity.ts";

/** Operators whose result the vector engine has to write: no other engine computes them. */
const VECTOR_OPS: ReadonlySet<string> = new Set([
  ...["max_pool", "average_pool", "global_max_pool", "mul", "div", "softmax", "layer_norm"],
  ...["sigmoid", "hard_sigmoid", "hard_swish", "gelu", "erf", "tanh", "pointwise", "resize"],
]);

const TILE_MACS = { w8a8: 65_536, float: 32_768, w8a16: 32_768 } as const;
const ACTIVATION_BYTES = { w8a8: 1, float: 2, w8a16: 2 } as const;
const WEIGHT_BYTES = { w8a8: 1, float: 2, w8a16: 1 } as const;

/** Microseconds. `graph` is the optimised float graph: only its shapes count. */
export function lowerBoundUs(graph: Graph, precision: Precision, soc: SocDescription): number {
  const cycles = Math.max(
    matrixCycles(graph, precision, soc),
    vectorCycles(graph, precision, soc),
    memoryCycles(graph, precision, soc),
  );
  return soc.callFloorUs + (cycles * 1e6) / soc.clockHz;
}

function matrixCycles(graph: Graph, precision: Precision, { hmx }: SocDescription): number {
  const tileCycles = {
    w8a8: hmx.tileCyclesInt8,
    float: hmx.tileCyclesFp16,
    w8a16: hmx.tileCyclesInt16,
  }[precision];
  let macs = 0;
  for (const node of graph.nodes) if (!isDepthwise(graph, node)) macs += macsOf(graph, node);
  return (macs / TILE_MACS[precision]) * (tileCycles / hmx.queues);
}

/** Depthwise products belong to either engine, so to none here. */
function isDepthwise(graph: Graph, node: Node): boolean {
  const weights = graph.types.get(node.inputs[1] ?? "")?.shape ?? [];
  return node.op === "conv" && weights[1] === 1;
}

function macsOf(graph: Graph, node: Node): number {
  return nodeMultiplyAccumulates(graph, node);
}

/** One store a packet, in each context. */
function vectorCycles(graph: Graph, precision: Precision, { hvx }: SocDescription): number {
  let bytes = 0;
  for (const { op, outputs } of graph.nodes) {
    if (!VECTOR_OPS.has(op)) continue;
    for (const output of outputs) bytes += elements(graph, output) * ACTIVATION_BYTES[precision];
  }
  return bytes / VECTOR_BYTES / (hvx.packet.store * hvx.queues);
}

function memoryCycles(graph: Graph, precision: Precision, soc: SocDescription): number {
  let weights = 0;
  for (const { inputs, op } of graph.nodes) {
    const isProduct = op === "conv" || op === "conv_transpose" || op === "matmul";
    const name = inputs[1] ?? "";
    if (isProduct && graph.constants.has(name)) weights += elements(graph, name);
  }
  const ports = [...graph.inputs, ...graph.outputs].map((name) => elements(graph, name));
  const bytes =
    weights * WEIGHT_BYTES[precision] +
    ports.reduce((sum, count) => sum + count, 0) * ACTIVATION_BYTES[precision];
  return (bytes / soc.dma.ddrBytesPerSecond) * soc.clockHz;
}

function elements(graph: Graph, name: string): number {
  return product(graph.types.get(name)?.shape ?? []);
}
