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

/** 3x3, with stride, padding, bias and clamp; neither side fills its channel tiles. */
export function clampedConvolution(g: Float): string {
  const operands = [g.input([1, 40, 13, 18]), g.constant([36, 40, 3, 3]), g.constant([36])];
  const window = { strides: [2, 2], pads: [1, 1, 1, 1] };
  return g.node("conv", operands, { ...window, clamp_min: 0, clamp_max: 6 });
}

/** Two heads of attention on 45 tokens, which fill no channel tile. */
export function attention(g: Float): string {
  const x = g.input([1, 45, 64]);
  const heads = (perm: number[]): string => {
    const part = g.node("matmul", [x, g.constant([64, 64])]);
    const split = g.node("reshape", [part], { shape: [1, 45, 2, 32] });
    return g.node("transpose", [split], { perm });
  };
  const scores = g.node("matmul", [heads([0, 2, 1, 3]), heads([0, 2, 3, 1])]);
  const shares = g.node("softmax", [scores], { axis: -1 });
  const mixed = g.node("matmul", [shares, heads([0, 2, 1, 3])]);
  const back = g.node("transpose", [mixed], { perm: [0, 2, 1, 3] });
  return g.node("reshape", [back], { shape: [1, 45, 64] });
}
