/** Rows too large for VTCM: made in bands of columns or ranges of channels, results equal the evaluator in every bit. */
import { describe, expect, test } from "@jest/globals";
import { quantize, toHalf } from "../../../../compiler/quant/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import type { Attribute, Graph } from "../../../../compiler/ir/index.ts";
import { checkGraph, CHIPS, compile } from "./chip.ts";
import { floatGraph } from "./float-graph.ts";

const chip = present(CHIPS[0], "chip");

interface Case {
  readonly graph: Graph;
  readonly vtcmKibibytes: number;
}

function convolution(
  shape: readonly number[],
  attributes: Readonly<Record<string, Attribute>>,
): Graph {
  const g = floatGraph(4);
  const x = g.input(shape);
  const group = Number(attributes["group"] ?? 1);
  const weights = g.constant([32, (shape[1] ?? 1) / group, ...KERNEL]);
  return g.builder.finish([g.node("conv", [x, weights, g.constant([32])], attributes)]);
}

function sum(shape: readonly number[]): Graph {
  const g = floatGraph(4);
  return g.builder.finish([g.node("add", [g.input(shape), g.input(shape)], { clamp_max: 1 })]);
}

const TYPED = {
  w8a8: (graph: Graph) => unwrap(quantize(graph, rangesOf(graph))),
  w8a16: (graph: Graph) => unwrap(quantize(graph, rangesOf(graph), "i16")),
  float: (graph: Graph) => unwrap(toHalf(graph)),
} as const;

function rangesOf(graph: Graph) {
  return new Map([...graph.types.keys()].map((name) => [name, { min: -3, max: 4 }]));
}

/** Copies inside VTCM: cutting and joining takes some. */
function innerCopies(graph: Graph, vtcmBytes: number): number {
  const { segments } = compile(graph, "1.0.0", { ...chip, vtcmBytes });
  const streams = segments.flatMap((segment) => (segment.kind === "htp" ? segment.streams : []));
  return streams
    .flatMap(({ instructions }) => instructions)
    .filter((one) => one.op === "dma.copy" && one.source.region === one.destination.region).length;
}

function check(precision: keyof typeof TYPED, from: Case): void {
  const graph = TYPED[precision](from.graph);
  const vtcmBytes = from.vtcmKibibytes * 1024;
  expect(innerCopies(graph, vtcmBytes)).toBeGreaterThan(innerCopies(graph, 8 * vtcmBytes));
  checkGraph(graph, 1, [{ version: "1.0.0", soc: { ...chip, vtcmBytes } }]);
}

/** Windows over nine rows of croutons, so that nothing but the convolution needs much memory. */
const KERNEL = [9, 3];
const TALL = { pads: [32, 1, 32, 1], dilations: [8, 1] };

describe("a convolution in bands of columns", () => {
  test("int8: bands begin between croutons", () =>
    check("w8a8", { graph: convolution([1, 24, 72, 40], TALL), vtcmKibibytes: 140 }));
  test("int16, with a stride, padded beyond the last crouton", () => {
    const attributes = { ...TALL, pads: [32, 2, 32, 4], strides: [1, 3] };
    check("w8a16", { graph: convolution([1, 24, 72, 36], attributes), vtcmKibibytes: 216 });
  });
  test("fp16, in groups", () =>
    check("float", {
      graph: convolution([1, 64, 72, 18], { ...TALL, group: 2 }),
      vtcmKibibytes: 264,
    }));
});

describe("a sum in ranges of channels", () => {
  test("int8, clamped, of channels that fill no range", () =>
    check("w8a8", { graph: sum([1, 280, 12, 60]), vtcmKibibytes: 420 }));
});
