/** SqueezeNet 1.1 (Iandola et al., 2016), layer by layer as torchvision defines it. */
import type { Feature, Network } from "./network.ts";

/** Index in the published definition, squeeze channels, expand channels of each branch. */
const FIRES = [
  [3, 16, 64],
  [4, 16, 64],
  [6, 32, 128],
  [7, 32, 128],
  [9, 48, 192],
  [10, 48, 192],
  [11, 64, 256],
  [12, 64, 256],
] as const;
/** A max pool stands before these. */
const POOLED_BEFORE = new Set([3, 6, 9]);

export function squeezenet11(net: Network, input: Feature): Feature {
  const stem = { name: "features.0", channels: 64, kernel: 3, stride: 2, bias: true, gain: 2 };
  let value = net.activate(net.conv(input, stem), "relu", "features.1");
  for (const [index, squeeze, expand] of FIRES) {
    if (POOLED_BEFORE.has(index)) {
      const name = `features.${index - 1}`;
      value = net.maxPool(value, { name, kernel: 3, stride: 2, ceil: true });
    }
    value = fire(net, value, { name: `features.${index}`, squeeze, expand });
  }
  value = net.conv(value, { name: "classifier.1", channels: 1000, kernel: 1, bias: true });
  value = net.globalAveragePool(net.activate(value, "relu", "classifier.2"), "classifier.3");
  return net.flatten(value, "flatten");
}

interface Fire {
  readonly name: string;
  readonly squeeze: number;
  readonly expand: number;
}

/** Squeeze (1x1), then expand by 1x1 and 3x3 side by side. */
function fire(net: Network, input: Feature, spec: Fire): Feature {
  const { name, squeeze, expand } = spec;
  const conv = (from: Feature, part: string, shape: { channels: number; kernel: number }) => {
    const padding = shape.kernel === 3 ? 1 : 0;
    const value = net.conv(from, {
      name: `${name}.${part}`,
      ...shape,
      padding,
      bias: true,
      gain: 3,
    });
    return net.activate(value, "relu", `${name}.${part}_activation`);
  };
  const squeezed = conv(input, "squeeze", { channels: squeeze, kernel: 1 });
  const narrow = conv(squeezed, "expand1x1", { channels: expand, kernel: 1 });
  const wide = conv(squeezed, "expand3x3", { channels: expand, kernel: 3 });
  return net.concat([narrow, wide], `${name}.concat`);
}
