/**
 * What no driver can go below on a chip, from the graph alone: every engine at its peak, all of them at once; weights
 * and the graph's inputs and outputs moved once; plus the call floor.
 */
import { nodeMultiplyAccumulates } from "../../compiler/ir/index.ts";
import type { Graph, Node } from "../../compiler/ir/index.ts";
import { product } from "../../protocol/base/integers.ts";
import { TILE_MACS, tileCyclesOf, VECTOR_BYTES } from "../../protocol/isa/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Precision } from "./parity.ts";

/** Operators whose result the vector engine has to write: no other engine computes them. */
const VECTOR_OPS: ReadonlySet<string> = new Set([
  ...["max_pool", "average_pool", "global_max_pool", "mul", "div", "softmax", "layer_norm"],
  ...["sigmoid", "hard_sigmoid", "hard_swish", "gelu", "erf", "tanh", "pointwise", "resize"],
]);

/** What the matrix engine multiplies, and bytes of an element. */
const ELEMENTS = {
  w8a8: { numbers: "int8", activationBytes: 1, weightBytes: 1 },
  float: { numbers: "fp16", activationBytes: 2, weightBytes: 2 },
  w8a16: { numbers: "int16", activationBytes: 2, weightBytes: 1 },
} as const satisfies Record<Precision, object>;

/** Microseconds. `graph` is the optimised float graph: only its shapes count. */
export function lowerBoundUs(graph: Graph, precision: Precision, soc: SocDescription): number {
  const bound = boundOf(graph, precision, soc);
  const total = { matrix: 0, vector: 0, memory: bound.portCycles };
  for (const { matrix, vector, memory } of graph.nodes.map(bound.nodeCycles)) {
    total.matrix += matrix;
    total.vector += vector;
    total.memory += memory;
  }
  return soc.callFloorUs + (longest(total) * 1e6) / soc.clockHz;
}

/** Microseconds of each node alone, by name, without the call floor and what the network reads and gives. */
export function nodeBoundsUs(
  graph: Graph,
  precision: Precision,
  soc: SocDescription,
): ReadonlyMap<string, number> {
  const { nodeCycles } = boundOf(graph, precision, soc);
  return new Map(
    graph.nodes.map((node) => [node.name, (longest(nodeCycles(node)) * 1e6) / soc.clockHz]),
  );
}

/** Cycles of every engine at its peak. */
interface EngineCycles {
  readonly matrix: number;
  readonly vector: number;
  readonly memory: number;
}

function longest({ matrix, vector, memory }: EngineCycles): number {
  return Math.max(matrix, vector, memory);
}

interface Bound {
  readonly nodeCycles: (node: Node) => EngineCycles;
  readonly portCycles: number;
}

function boundOf(graph: Graph, precision: Precision, soc: SocDescription): Bound {
  const { clockHz, dma, hmx, hvx } = soc;
  const { numbers, activationBytes, weightBytes } = ELEMENTS[precision];
  const cyclesPerMac = tileCyclesOf(numbers, soc) / hmx.queues / TILE_MACS[numbers];
  const cyclesPerByte = clockHz / dma.ddrBytesPerSecond;
  // One store a packet, in each context.
  const storesPerCycle = hvx.packet.store * hvx.queues;
  const ports = [...graph.inputs, ...graph.outputs].map((name) => elements(graph, name));
  const portElements = ports.reduce((sum, count) => sum + count, 0);
  return {
    nodeCycles: (node) => ({
      matrix: isDepthwise(graph, node) ? 0 : nodeMultiplyAccumulates(graph, node) * cyclesPerMac,
      vector: vectorElements(graph, node) * (activationBytes / VECTOR_BYTES / storesPerCycle),
      memory: weightElements(graph, node) * weightBytes * cyclesPerByte,
    }),
    portCycles: portElements * activationBytes * cyclesPerByte,
  };
}

/** Depthwise products belong to either engine, so to none here. */
function isDepthwise(graph: Graph, node: Node): boolean {
  const weights = graph.types.get(node.inputs[1] ?? "")?.shape ?? [];
  return node.op === "conv" && weights[1] === 1;
}

function vectorElements(graph: Graph, { op, outputs }: Node): number {
  if (!VECTOR_OPS.has(op)) return 0;
  return outputs.reduce((sum, output) => sum + elements(graph, output), 0);
}

function weightElements(graph: Graph, { op, inputs }: Node): number {
  const isProduct = op === "conv" || op === "conv_transpose" || op === "matmul";
  const name = inputs[1] ?? "";
  return isProduct && graph.constants.has(name) ? elements(graph, name) : 0;
}

function elements(graph: Graph, name: string): number {
  return product(graph.types.get(name)?.shape ?? []);
}
