/**
 * Single operators on stored numbers against LiteRT 2.5.3 (WebAssembly, XNNPACK): equal in every
 * element. litert-vectors.json holds its outputs; only numbers come from there.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { importTflite } from "../../../../../compiler/frontend/tflite/index.ts";
import { evaluate, numberList, OPS, tensorOf } from "../../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../../compiler/ir/index.ts";
import { present } from "../../../../../protocol/base/assert.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";
import { tfliteFile } from "../../../../support/tflite-file.ts";
import type { SmallGraph } from "../../../../support/tflite-file.ts";

interface Vector {
  readonly name: string;
  readonly model: SmallGraph;
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
}

const VECTORS = JSON.parse(
  readFileSync(new URL("litert-vectors.json", import.meta.url), "utf8"),
) as readonly Vector[];

function graphOf({ model }: Vector): Graph {
  return unwrap(importTflite(tfliteFile(model)));
}

function run(graph: Graph, inputs: Vector["inputs"]): readonly number[] {
  const feeds = graph.inputs.map((name, index) => {
    const type = present(graph.types.get(name), name);
    return [name, tensorOf(type, present(inputs[index], name))] as const;
  });
  return numberList(present(evaluate(graph, new Map(feeds)).get(graph.outputs[0] ?? ""), "output"));
}

/** Layers with state are held to whole models by conformance:tflite and conformance:zoo; argmax becomes fixed later. */
const ELSEWHERE = [
  ...[
    "fixed_lstm",
    "fixed_svdf",
    "fixed_cast",
    "fixed_div",
    "fixed_max",
    "fixed_min",
    "fixed_argmax",
  ],
];

describe("stored numbers", () => {
  test.each(VECTORS.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    expect(run(graphOf(vector), vector.inputs)).toEqual(vector.output);
  });

  test("every row of fixed arithmetic is reached by one of these operators", () => {
    const used = new Set(VECTORS.flatMap((each) => graphOf(each).nodes.map(({ op }) => op)));
    const rows = Object.keys(OPS).filter((op) => op.startsWith("fixed_"));
    expect(rows.filter((op) => !used.has(op) && !ELSEWHERE.includes(op))).toEqual([]);
  });
});
