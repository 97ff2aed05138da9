/** Products of two activations over channels that fill no tile: what lies beyond the last channel is not summed. */
import { expect, test } from "@jest/globals";
import { PRECISIONS, typedGraph } from "../../../../cli/fidelity/parity.ts";
import type { Precision } from "../../../../cli/fidelity/parity.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { lowerFor } from "../../../support/chip-run.ts";
import { checkGraph, CHIPS } from "./chip.ts";
import { floatGraph } from "./float-graph.ts";
import type { Float } from "./float-graph.ts";

const TARGETS = CHIPS.slice(0, 1).map((soc) => ({ version: "1.1.0", soc }));

const cut = (g: Float, value: string): string => {
  const attributes = { starts: [0, 0, 0], ends: [1, 19, 24], steps: [1, 1, 1] };
  return g.node("slice", [value], attributes);
};

/** 19 tokens of 24 channels, behind which lies something. */
const OPERANDS: Readonly<Record<string, (g: Float) => string>> = {
  "of exponentials": (g) => g.node("exp", [g.input([1, 19, 24])]),
  "put together": (g) => g.node("concat", [g.input([1, 19, 17]), g.input([1, 19, 7])], { axis: 2 }),
  "cut off": (g) => cut(g, g.input([1, 19, 30])),
};

const CASES = Object.keys(OPERANDS).flatMap((name) =>
  PRECISIONS.map((precision) => [name, precision] as const),
);

function check(precision: Precision, make: (g: Float) => string): void {
  const g = floatGraph(3);
  const graph = g.builder.finish([make(g)]);
  const ranges = new Map([...graph.types.keys()].map((name) => [name, { min: -3, max: 4 }]));
  checkGraph(unwrap(typedGraph(graph, precision, ranges)), 1, TARGETS);
}

test.each(CASES)("tokens %s with each other, in %s", (name, precision) => {
  check(precision, (g) => {
    const x = OPERANDS[name]!(g);
    return g.node("matmul", [x, g.node("transpose", [x], { perm: [0, 2, 1] })]);
  });
});

test("heads that share channel tiles are refused, as many tiles as they would have alone or not", () => {
  const g = floatGraph(3);
  const split = g.node("reshape", [g.input([1, 56, 104])], { shape: [1, 56, 2, 52] });
  const heads = (perm: number[]): string => g.node("transpose", [split], { perm });
  const scores = g.node("matmul", [heads([0, 2, 1, 3]), heads([0, 2, 3, 1])]);
  const graph = unwrap(typedGraph(g.builder.finish([scores]), "float"));
  const [soc] = CHIPS;
  const lowered = lowerFor(graph, { version: "1.1.0", soc: soc! });
  expect(lowered).toMatchObject({ ok: false, code: "UNSUPPORTED_OP" });
  expect(lowered.ok ? "" : lowered.message).toMatch(/share channel tiles/);
});

test.each(PRECISIONS)("a softmax and a norm over all heads together, in %s", (precision) => {
  check(precision, (g) => {
    const x = g.node("relu", [g.input([1, 22, 96])]);
    const split = g.node("reshape", [x], { shape: [1, 22, 3, 32] });
    const heads = (perm: number[]): string => g.node("transpose", [split], { perm });
    const scores = g.node("matmul", [heads([0, 2, 1, 3]), heads([0, 2, 3, 1])]);
    const shares = g.node("softmax", [scores], { axis: -1 });
    const mixed = g.node("matmul", [shares, heads([0, 2, 1, 3])]);
    const back = g.node("transpose", [mixed], { perm: [0, 2, 1, 3] });
    const all = g.node("reshape", [back], { shape: [1, 22, 96] });
    const normal = g.node("layer_norm", [all, g.constant([96]), g.constant([96])]);
    return g.node("add", [g.node("softmax", [all], { axis: -1 }), normal]);
  });
});

test.each(CASES)("shares of tokens %s, in %s", (name, precision) => {
  check(precision, (g) => {
    const shares = g.node("softmax", [g.input([1, 19, 19])], { axis: -1 });
    const mixed = g.node("matmul", [shares, OPERANDS[name]!(g)]);
    return g.node("matmul", [g.node("exp", [g.input([1, 19, 19])]), mixed]);
  });
});
