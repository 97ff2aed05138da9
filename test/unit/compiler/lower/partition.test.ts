/** The cut of a graph into segments: properties over random graphs and places, and what the estimate gives up. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  costsOf,
  islandsNotWorth,
  partition,
  segmentGraph,
} from "../../../../compiler/lower/index.ts";
import type { Costs, Place } from "../../../../compiler/lower/index.ts";
import type { Graph, Node } from "../../../../compiler/ir/index.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";

/** Each node reads some of those before it, or the input. */
interface Drawn {
  readonly place: Place;
  readonly reads: readonly number[];
  readonly isOutput: boolean;
}

const drawn: fc.Arbitrary<readonly Drawn[]> = fc.array(
  fc.record({
    place: fc.constantFrom<Place>("htp", "cpu"),
    reads: fc.array(fc.nat(30), { minLength: 1, maxLength: 3 }),
    isOutput: fc.boolean(),
  }),
  { minLength: 1, maxLength: 24 },
);

function graphOf(nodes: readonly Drawn[]): Graph {
  const value = (index: number): string => (index === 0 ? "x" : `v${index}`);
  const type = { dtype: "f32" as const, shape: [1, 4] };
  return {
    name: "drawn",
    inputs: ["x"],
    outputs: nodes.flatMap(({ isOutput }, index) => (isOutput ? [value(index + 1)] : [])),
    types: new Map(["x", ...nodes.map((_, index) => value(index + 1))].map((name) => [name, type])),
    open: new Map(),
    constants: new Map(),
    nodes: nodes.map(({ reads }, index) => ({
      name: `n${index}`,
      op: "add",
      inputs: reads.map((read) => value(read % (index + 1))),
      outputs: [value(index + 1)],
      attributes: new Map(),
    })),
  };
}

function placesOf(nodes: readonly Drawn[], graph: Graph): (node: Node) => Place {
  return (node) => nodes[graph.nodes.indexOf(node)]!.place;
}

/** Fewest alternations along any path that ends here: no cut has fewer segments than this plus one. */
function depthOf(graph: Graph, placeOf: (node: Node) => Place): number {
  const depths = new Map<string, { readonly depth: number; readonly place: Place }>();
  for (const node of graph.nodes) {
    const place = placeOf(node);
    const before = node.inputs.map((name) => depths.get(name));
    const steps = before.map((one) => (one ? one.depth + (one.place === place ? 0 : 1) : 0));
    for (const name of node.outputs) depths.set(name, { place, depth: Math.max(0, ...steps) });
  }
  return Math.max(...[...depths.values()].map(({ depth }) => depth));
}

describe("a cut", () => {
  test("has every node once, in its place, behind all that it reads", () => {
    fc.assert(
      fc.property(drawn, (nodes) => {
        const graph = graphOf(nodes);
        const placeOf = placesOf(nodes, graph);
        const segments = partition(graph, { placeOf });
        const known = new Set(graph.inputs);
        for (const { place, nodes: own } of segments) {
          const part = segmentGraph(graph, own);
          for (const name of part.inputs) expect(known.has(name)).toBe(true);
          for (const node of own) {
            expect(placeOf(node)).toBe(place);
            for (const name of node.inputs) expect(known.has(name)).toBe(true);
            for (const name of node.outputs) known.add(name);
          }
          expect(new Set(part.outputs).size).toBe(part.outputs.length);
        }
        const all = segments.flatMap((segment) => segment.nodes.map(({ name }) => name));
        expect([...all].sort()).toEqual(graph.nodes.map(({ name }) => name).sort());
        expect(partition(graph, { placeOf })).toEqual(segments);
      }),
    );
  });

  test("takes turns, and at most one more than some path through the graph must", () => {
    fc.assert(
      fc.property(drawn, (nodes) => {
        const graph = graphOf(nodes);
        const placeOf = placesOf(nodes, graph);
        const places = partition(graph, { placeOf }).map(({ place }) => place);
        places.slice(1).forEach((place, index) => expect(place).not.toBe(places[index]));
        expect(places.length).toBeLessThanOrEqual(depthOf(graph, placeOf) + 2);
      }),
    );
  });

  test("what the CPU stores for itself is read in a later segment", () => {
    const cpu = (reads: number[]): Drawn => ({ place: "cpu", reads, isOutput: false });
    const graph = graphOf([cpu([0]), cpu([1]), { ...cpu([2]), isOutput: true }]);
    const placing = { placeOf: (): Place => "cpu", leaves: (name: string) => name === "v2" };
    const cut = partition(graph, placing).map(({ nodes }) => nodes.map(({ name }) => name));
    expect(cut).toEqual([["n0", "n1"], ["n2"]]);
  });
});

describe("the estimate", () => {
  const costs: Costs = {
    callUs: 60,
    border: () => 10,
    node: ({ name }, place) => (place === "htp" ? 1 : name.startsWith("n1") ? 500 : 5),
  };
  const drawnOf = (places: string): Drawn[] =>
    [...places].map((letter, index) => ({
      place: letter === "h" ? "htp" : "cpu",
      reads: [index],
      isOutput: index === places.length - 1,
    }));
  const givenUp = (places: string): string[] => {
    const nodes = drawnOf(places);
    const graph = graphOf(nodes);
    const given = islandsNotWorth(graph, placesOf(nodes, graph), costs);
    return [...given].map(({ name }) => name);
  };

  test.each([
    ["a small island between CPU nodes", "hhchc", ["n3"]],
    ["small islands on both sides of what is worth it", "hhchchc", ["n3", "n5"]],
    ["nothing where all is on the HTP", "hhhh", []],
    ["nothing where all is on the CPU", "cc", []],
  ])("gives up %s", (_name, places, expected) => {
    expect(givenUp(places).sort()).toEqual(expected);
  });

  test("weighs products and borders of a chip in microseconds", () => {
    const soc = socNamed("sm8650")!;
    const shape = [1, 64, 56, 56];
    const graph: Graph = {
      ...graphOf(drawnOf("h")),
      types: new Map([
        ["x", { dtype: "f32", shape }],
        ["w", { dtype: "f32", shape: [64, 64, 3, 3] }],
        ["v1", { dtype: "f32", shape }],
      ]),
      constants: new Map([["w", { type: { dtype: "f32", shape: [64, 64, 3, 3] }, data: [] }]]),
      nodes: [
        { name: "n0", op: "conv", inputs: ["x", "w"], outputs: ["v1"], attributes: new Map() },
      ],
    };
    const [node] = graph.nodes as [Node];
    const of = costsOf(graph, soc);
    const macs = 64 * 64 * 9 * 56 * 56;
    expect(of.node(node, "cpu")).toBeGreaterThan(macs / 17_000);
    expect(of.node(node, "htp")).toBeLessThan(of.node(node, "cpu") / 20);
    expect(of.callUs).toBe(soc.callFloorUs);
    expect(of.border("x")).toBeGreaterThan(0);
  });
});
