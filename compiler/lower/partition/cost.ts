/** What segments would take by a coarse estimate: enough to tell whether a place is worth its call and conversions. */
import { product } from "../../../protocol/base/integers.ts";
import type { SocDescription } from "../../../protocol/isa/index.ts";
import { nodeMultiplyAccumulates } from "../../ir/index.ts";
import type { Graph, Node } from "../../ir/index.ts";
import { partition, segmentGraph } from "./partition.ts";
import type { GraphSegment, Place } from "./partition.ts";

/** All in microseconds. */
export interface Costs {
  node(node: Node, place: Place): number;
  /** Of every HTP segment. */
  readonly callUs: number;
  /** Of a value that a CPU segment takes from or gives to others. */
  border(value: string): number;
}

/** Generated WebAssembly does 12 to 17 multiply-accumulates a nanosecond on one core in large products, 3 in depthwise ones. */
const CPU_MACS_PER_US = { dense: 12_000, depthwise: 3000 };
/** float32 elements that an operator reads and writes. */
const CPU_ELEMENTS_PER_US = 1000;
/** One by one, with rounding. */
const CONVERTED_PER_US = 100;
/** Of the matrix engine's peak that ordinary layers reach; of a vector's croutons, what a kernel takes. */
const HTP_SHARE_OF_PEAK = 0.25;
const HTP_CYCLES_PER_VECTOR = 12;
const VECTOR_ELEMENTS = 128;
/** Of one hmx.mac at tileCyclesInt8. */
const TILE_MACS = 65_536;

export function costsOf(graph: Graph, soc: SocDescription): Costs {
  const elements = (name: string): number => product(graph.types.get(name)?.shape ?? [0]);
  const moved = (node: Node): number =>
    [...node.inputs, ...node.outputs]
      .filter((name) => !graph.constants.has(name))
      .reduce((total, name) => total + elements(name), 0);
  const weights = (node: Node): number =>
    node.inputs.reduce(
      (total, name) => total + (graph.constants.has(name) ? elements(name) : 0),
      0,
    );
  const onCpu = (node: Node): number => {
    const isDepthwise = node.op === "conv" && graph.types.get(node.inputs[1] ?? "")?.shape[1] === 1;
    const rate = CPU_MACS_PER_US[isDepthwise ? "depthwise" : "dense"];
    return nodeMultiplyAccumulates(graph, node) / rate + moved(node) / CPU_ELEMENTS_PER_US;
  };
  const onHtp = (node: Node): number => {
    const matrixCycles =
      (nodeMultiplyAccumulates(graph, node) / TILE_MACS) *
      (soc.hmx.tileCyclesInt8 / HTP_SHARE_OF_PEAK);
    const vectorCycles = ((moved(node) / VECTOR_ELEMENTS) * HTP_CYCLES_PER_VECTOR) / soc.hvx.queues;
    const cyclesUs = (Math.max(matrixCycles, vectorCycles) * 1e6) / soc.clockHz;
    return Math.max(cyclesUs, (weights(node) * 1e6) / soc.dma.ddrBytesPerSecond);
  };
  return {
    node: (node, place) => (place === "cpu" ? onCpu(node) : onHtp(node)),
    callUs: soc.callFloorUs,
    border: (value) => elements(value) / CONVERTED_PER_US,
  };
}

export function estimateUs(graph: Graph, segments: readonly GraphSegment[], costs: Costs): number {
  return segments.reduce((total, segment) => total + segmentUs(graph, segment, costs), 0);
}

export function segmentUs(graph: Graph, { place, nodes }: GraphSegment, costs: Costs): number {
  const work = nodes.reduce((total, node) => total + costs.node(node, place), 0);
  if (place === "htp") return costs.callUs + work;
  const { inputs, outputs } = segmentGraph(graph, nodes);
  return [...inputs, ...outputs].reduce((total, name) => total + costs.border(name), work);
}

/**
 * The nodes that are cheaper on the CPU although the HTP has them: islands of an HTP segment, each as a whole, as long
 * as giving one up saves time; the one that saves most first.
 */
export function islandsNotWorth(
  graph: Graph,
  placeOf: (node: Node) => Place,
  costs: Costs,
): ReadonlySet<Node> {
  const given = new Set<Node>();
  const cut = (without: ReadonlySet<Node>): readonly GraphSegment[] =>
    partition(graph, { placeOf: (node) => (without.has(node) ? "cpu" : placeOf(node)) });
  for (;;) {
    const segments = cut(given);
    let [least, best] = [estimateUs(graph, segments, costs), undefined as Set<Node> | undefined];
    for (const island of segments.flatMap((segment) => islandsOf(segment))) {
      const without = new Set([...given, ...island]);
      const estimate = estimateUs(graph, cut(without), costs);
      if (estimate < least) [least, best] = [estimate, without];
    }
    if (best === undefined) return given;
    for (const node of best) given.add(node);
  }
}

/** The parts of an HTP segment that no value connects. */
function islandsOf({ place, nodes }: GraphSegment): readonly (readonly Node[])[] {
  if (place === "cpu") return [];
  const islandOf = new Map<string, Node[]>();
  const islands = new Set<Node[]>();
  for (const node of nodes) {
    const values = valuesOf(node);
    const [first = [], ...others] = new Set(
      values.flatMap((name) => {
        const island = islandOf.get(name);
        return island === undefined ? [] : [island];
      }),
    );
    for (const other of others) islands.delete(other);
    const joined = [...others.flat(), node];
    first.push(...joined);
    islands.add(first);
    for (const name of joined.flatMap(valuesOf)) islandOf.set(name, first);
  }
  return [...islands];
}

function valuesOf({ inputs, outputs }: Node): readonly string[] {
  return [...inputs, ...outputs].filter((name) => name !== "");
}
