/** Stored graphs on the simulated chip: every output element is the evaluator's. */
import { expect } from "@jest/globals";
import { evaluate, graphBuilder, tensorFrom } from "../../../../compiler/ir/index.ts";
import type { Attribute, Graph, Quantization } from "../../../../compiler/ir/index.ts";
import { PARITY, RELEASES } from "../../../../compiler/releases/index.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import type { SocDescription } from "../../../../protocol/isa/index.ts";
import type { Program } from "../../../../protocol/program/index.ts";
import { firstDifference, lowerFor, randomInputs, runOnChip } from "../../../support/chip-run.ts";
import type { Target } from "../../../support/chip-run.ts";

export const CHIPS = ["sm8650", "sm8350"].map((name) => present(socNamed(name), name));

export function compile(graph: Graph, version: string, soc: SocDescription): Program {
  return unwrap(lowerFor(graph, { version, soc }));
}

/** Every release on every chip, and the recipe that is never released on one. */
export const TARGETS: readonly Target[] = [
  ...CHIPS.flatMap((soc) => [...RELEASES.keys()].map((version) => ({ version, soc }))),
  ...CHIPS.slice(0, 1).map((soc) => ({ version: PARITY.version, soc })),
];

/** Every target gives the evaluator's bytes. */
export function checkGraph(graph: Graph, seed = 1, targets = TARGETS): void {
  const inputs = randomInputs(graph, seed);
  const expected = evaluate(graph, inputs);
  for (const { version, soc } of targets) {
    const program = compile(graph, version, soc);
    const outputs = unwrap(runOnChip(program, soc, inputs));
    for (const port of program.outputs) {
      const { name } = port;
      const wanted = present(expected.get(name), name);
      const difference = firstDifference(outputs.get(name), wanted, port);
      const at = { version, soc: soc.name, name };
      expect({ ...at, difference }).toEqual({ ...at, difference: undefined });
    }
  }
}

export type Draft = ReturnType<typeof int8Graph>;

/** A graph of one result over random inputs, and over extremes alone; one release stands for all, which differ in placement. */
export function check(build: (g: Draft) => string, seed = 1): void {
  const g = int8Graph(seed);
  const graph = g.finish(build(g));
  const targets = CHIPS.map((soc) => ({ version: "1.1.0", soc }));
  checkGraph(graph, seed, targets);
  checkGraph(graph, -100, targets.slice(0, 1));
}

interface NodeOptions extends Readonly<Record<string, Attribute | Quantization | undefined>> {
  readonly quantization?: Quantization;
}

/** A builder of small int8 graphs with seeded constants. */
export function int8Graph(seed: number) {
  const random = seededRandom(seed);
  const builder = graphBuilder("test");
  let count = 0;
  const name = (what: string): string => `${what}${count++}`;
  const encoding = (scale: number, zeroPoint: number): Quantization => ({
    scales: [Math.fround(scale)],
    zeroPoints: [zeroPoint],
  });
  const fresh = (): Quantization =>
    encoding(0.01 + random.uniform() * 0.05, random.below(100) - 50);
  return {
    random,
    builder,
    fresh,
    input: (shape: readonly number[]) =>
      builder.input(name("x"), { dtype: "i8", shape, quantization: fresh() }),
    weights: (shape: readonly number[], axis: number) => {
      const channels = shape[axis] ?? 1;
      const quantization = {
        scales: Array.from({ length: channels }, () =>
          Math.fround(0.001 + random.uniform() * 0.01),
        ),
        zeroPoints: new Array<number>(channels).fill(0),
        axis,
      };
      return builder.constant(
        name("w"),
        tensorFrom({ dtype: "i8", shape, quantization }, () => random.below(255) - 127),
      );
    },
    bias: (channels: number) =>
      builder.constant(
        name("b"),
        tensorFrom({ dtype: "i32", shape: [channels] }, () => random.below(20000) - 10000),
      ),
    table: () =>
      builder.constant(
        name("t"),
        tensorFrom({ dtype: "i8", shape: [256] }, () => random.below(256) - 128),
      ),
    node: (op: string, inputs: readonly string[], options: NodeOptions = {}) => {
      const { quantization = fresh(), ...attributes } = options;
      const known = attributes as Readonly<Record<string, Attribute>>;
      return builder.node({ op, name: name(op), inputs, attributes: known, quantization });
    },
    encodingOf: (value: string): Quantization => {
      const { quantization } = builder.typeOf(value);
      if (quantization === undefined) throw new Error("no encoding");
      return quantization;
    },
    finish: (...outputs: string[]) => builder.finish(outputs),
  };
}
