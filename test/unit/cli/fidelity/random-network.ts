/** Small random networks of the operators that bounds count. */
import { graphBuilder, tensorFrom } from "../../../../compiler/ir/index.ts";
import type { Graph, NodeSpec } from "../../../../compiler/ir/index.ts";
import type { Random } from "../../../../protocol/base/random.ts";

export function randomNetwork(random: Random): Graph {
  const builder = graphBuilder("random");
  const constant = (name: string, shape: readonly number[]): string =>
    builder.constant(
      name,
      tensorFrom({ dtype: "f32", shape }, () => random.normal() * 0.3),
    );
  const side = (): number => 8 + random.below(40);
  const shape = [1, 1 + random.below(48), side(), side()];
  let value = builder.input("x", { dtype: "f32", shape });
  for (let layer = 0, count = 1 + random.below(5); layer < count; layer++) {
    const channels = builder.typeOf(value).shape[1] ?? 1;
    value = builder.node(
      LAYERS[random.below(LAYERS.length)]!({
        random,
        constant,
        value,
        channels,
        name: `n${layer}`,
      }),
    );
  }
  return builder.finish([value]);
}

interface Place {
  readonly random: Random;
  readonly constant: (name: string, shape: readonly number[]) => string;
  readonly value: string;
  readonly channels: number;
  readonly name: string;
}

const LAYERS: readonly ((place: Place) => NodeSpec)[] = [
  (place) => convolution(place, { filters: 1 + place.random.below(96), groups: 1 }),
  (place) => convolution(place, { filters: place.channels, groups: place.channels }),
  ({ value, name }) => ({
    op: "max_pool",
    name,
    inputs: [value],
    attributes: { kernel: [3, 3], pads: [1, 1, 1, 1] },
  }),
  ({ value, name }) => ({ op: "sigmoid", name, inputs: [value] }),
  ({ value, name }) => ({ op: "relu", name, inputs: [value] }),
  ({ value, name }) => ({ op: "mul", name, inputs: [value, value] }),
  ({ value, name }) => ({ op: "add", name, inputs: [value, value] }),
];

function convolution(
  { random, constant, value, channels, name }: Place,
  { filters, groups }: { readonly filters: number; readonly groups: number },
): NodeSpec {
  const taps = 1 + 2 * random.below(2);
  const pad = taps >> 1;
  const stride = 1 + random.below(2);
  const weights = constant(`${name}_w`, [filters, channels / groups, taps, taps]);
  const attributes = { group: groups, pads: [pad, pad, pad, pad], strides: [stride, stride] };
  return {
    op: "conv",
    name,
    inputs: [value, weights, constant(`${name}_b`, [filters])],
    attributes,
  };
}
