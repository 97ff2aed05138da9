/** A builder of small float graphs with seeded constants. */
import { graphBuilder, tensorFrom } from "../../../../compiler/ir/index.ts";
import type { Attribute, GraphBuilder } from "../../../../compiler/ir/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";

export interface Float {
  readonly builder: GraphBuilder;
  input(shape: readonly number[]): string;
  constant(shape: readonly number[], reach?: number): string;
  node(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
  ): string;
}

export function floatGraph(seed: number): Float {
  const random = seededRandom(seed);
  const builder = graphBuilder("half");
  let count = 0;
  return {
    builder,
    input: (shape) => builder.input(`x${count++}`, { dtype: "f32", shape }),
    constant: (shape, reach = 0.3) =>
      builder.constant(
        `c${count++}`,
        tensorFrom({ dtype: "f32", shape }, () => (random.uniform() * 2 - 1) * reach),
      ),
    node: (op, inputs, attributes = {}) =>
      builder.node({ op, name: `${op}${count++}`, inputs, attributes }),
  };
}
