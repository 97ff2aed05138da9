/** Detection on the CPU against the evaluator: the same boxes are found, their corners within a few units in the last place. */
import { describe, expect, test } from "@jest/globals";
import { compileCpu, runCpu } from "../../../../../compiler/codegen/cpu/index.ts";
import { evaluate, graphBuilder, tensor, toReal } from "../../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../../compiler/ir/index.ts";
import { seededRandom } from "../../../../../protocol/base/random.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";

interface Case {
  readonly count: number;
  readonly classes: number;
  readonly background?: number;
  readonly codeFloats?: number;
  readonly detections: number;
  readonly scoreLeast?: number;
  readonly attributes?: Readonly<Record<string, number>>;
}

function graphOf(one: Case): Graph {
  const { count, classes, background = 1, codeFloats = 4, detections, scoreLeast = 0.3 } = one;
  const b = graphBuilder("detection");
  const random = seededRandom(7);
  const anchors = Float32Array.from({ length: count * 4 }, (_, at) =>
    at % 4 < 2 ? random.uniform() : 0.1 + 0.3 * random.uniform(),
  );
  const inputs = [
    b.input("codes", { dtype: "f32", shape: [1, count, codeFloats] }),
    b.input("scores", { dtype: "f32", shape: [1, count, classes + background] }),
    b.constant("anchors", tensor({ dtype: "f32", shape: [count, 4] }, anchors)),
  ];
  const attributes = {
    ...{ scales: [10, 10, 5, 5], classes, detections },
    ...{ score_threshold: scoreLeast, overlap_threshold: 0.5, ...one.attributes },
  };
  const outputs = ["boxes", "classes", "best", "count"];
  b.node({ op: "anchored_detection", name: "detect", inputs, outputs, attributes });
  return b.finish(outputs);
}

/** Scores in steps, so that many are equal, as those of a quantised model are. */
function check(one: Case, seed: number): void {
  const graph = graphOf(one);
  const random = seededRandom(seed);
  const draw = { codes: () => random.normal() * 3, scores: () => random.below(32) / 32 };
  const inputs = new Map(
    (["codes", "scores"] as const).map((name) => {
      const { shape } = graph.types.get(name)!;
      const length = shape.reduce((total, size) => total * size, 1);
      return [name, Float32Array.from({ length }, draw[name])];
    }),
  );
  const given = [...inputs].map(
    ([name, data]) => [name, tensor(graph.types.get(name)!, data)] as const,
  );
  const expected = evaluate(graph, new Map(given));
  const actual = runCpu(unwrap(compileCpu(graph)), inputs);
  for (const name of graph.outputs) {
    const [wanted, got] = [toReal(expected.get(name)!), actual.get(name)!];
    const worst = wanted.reduce((most, value, at) => Math.max(most, Math.abs(value - got[at]!)), 0);
    expect([name, worst <= (name === "boxes" ? 2e-6 : 0)]).toEqual([name, true]);
  }
}

const CASES: readonly (readonly [string, Case])[] = [
  ["one box", { count: 1, classes: 1, detections: 1 }],
  ["more wanted than there are", { count: 5, classes: 3, detections: 10 }],
  ["many boxes", { count: 400, classes: 9, detections: 10 }],
  ["no background", { count: 60, classes: 9, background: 0, detections: 5 }],
  ["codes with more behind them", { count: 33, classes: 2, codeFloats: 7, detections: 4 }],
  ["none good enough", { count: 20, classes: 2, detections: 4, scoreLeast: 2 }],
  ["all are looked at", { count: 50, classes: 2, detections: 50, scoreLeast: 0 }],
];

describe("detection", () => {
  test.each(CASES)("%s", (_name, one) => {
    for (let seed = 1; seed <= 5; seed++) check(one, seed);
  });

  test.each([
    ["boxes that compete within a class", { per_class: 1 }],
    ["several classes a box", { classes_per_detection: 2 }],
  ])("%s are refused by name", (what, attributes) => {
    const graph = graphOf({ count: 4, classes: 3, detections: 2, attributes });
    const refused = compileCpu(graph);
    expect(refused).toMatchObject({ code: "UNSUPPORTED_OP", details: { node: "detect" } });
    expect(refused.ok ? "" : refused.message).toContain(what);
  });
});
