/**
 * Cuts a graph whose nodes have their places into segments: as few as there can be in turns of one place and the other,
 * each computable from what was there before it.
 */
import { consumersOf, producersOf } from "../../ir/index.ts";
import type { Graph, Node } from "../../ir/index.ts";

export type Place = "htp" | "cpu";

export interface GraphSegment {
  readonly place: Place;
  /** In the graph's order. */
  readonly nodes: readonly Node[];
}

export interface Placing {
  readonly placeOf: (node: Node) => Place;
  /** Whether a value has to leave its CPU segment even where its readers are on the CPU: it is stored between them. */
  readonly leaves?: (value: string) => boolean;
}

/** Deterministic; every node is in exactly one segment. Of two cuts with as many segments the one that begins on the HTP. */
export function partition(graph: Graph, placing: Placing): readonly GraphSegment[] {
  const [first, second] = (["htp", "cpu"] as const).map((start) => inTurns(graph, placing, start));
  return second!.length < first!.length ? second! : first!;
}

/** Every node as early as it can be: in the first turn of its place in which all that it reads is there. */
function inTurns(graph: Graph, { placeOf, leaves }: Placing, start: Place): GraphSegment[] {
  const producers = producersOf(graph);
  const turns = new Map<Node, number>();
  const segments = new Map<number, { readonly place: Place; readonly nodes: Node[] }>();
  for (const node of graph.nodes) {
    const place = placeOf(node);
    let earliest = place === start ? 0 : 1;
    for (const name of node.inputs) {
      const producer = producers.get(name);
      if (producer === undefined) continue;
      const before = turns.get(producer) ?? 0;
      const isApart = place === "cpu" && leaves?.(name) === true;
      const turn = before + (before % 2 === earliest % 2 ? (isApart ? 2 : 0) : 1);
      earliest = Math.max(earliest, turn);
    }
    turns.set(node, earliest);
    const segment = segments.get(earliest) ?? { place, nodes: [] };
    segments.set(earliest, segment);
    segment.nodes.push(node);
  }
  return [...segments].sort(([a], [b]) => a - b).map(([, segment]) => segment);
}

/** The nodes as a graph of their own: it reads what they read from outside and gives what others, or the caller, read. */
export function segmentGraph(graph: Graph, nodes: readonly Node[]): Graph {
  const own = new Set(nodes);
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs).filter((name) => name !== ""));
  const consumers = consumersOf(graph);
  const isWanted = (name: string): boolean =>
    graph.outputs.includes(name) ||
    (consumers.get(name) ?? []).some((consumer) => !own.has(consumer));
  const only = <T>(values: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...values].filter(([name]) => made.has(name) || read.has(name)));
  const constants = only(graph.constants);
  return {
    name: graph.name,
    inputs: [...read].filter((name) => !made.has(name) && !constants.has(name)),
    outputs: [...made].filter(isWanted),
    types: only(graph.types),
    open: new Map(),
    constants,
    nodes,
  };
}
