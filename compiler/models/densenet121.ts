/** DenseNet-121 (Huang et al., 2016) as torchvision defines it: every layer reads the outputs of all before it. */
import { classify } from "./blocks.ts";
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

/** Layers a block. */
const BLOCKS = [6, 12, 24, 16] as const;
const GROWTH = 32;
const BOTTLENECK = 4 * GROWTH;

export function densenet121(net: Network, input: Feature): Feature {
  const stem = { name: "conv0", channels: 64, kernel: 7, stride: 2, padding: 3, gain: 1 };
  let value = net.activate(net.batchNorm(net.conv(input, stem), "norm0"), "relu", "relu0");
  value = net.maxPool(value, { name: "pool0", kernel: 3, stride: 2, padding: 1 });
  for (const [block, layers] of BLOCKS.entries()) {
    if (block > 0) value = transition(net, value, `transition${block}`);
    const features = [value];
    for (let layer = 1; layer <= layers; layer++) {
      const name = `denseblock${block + 1}.denselayer${layer}`;
      features.push(denseLayer(net, features, name));
    }
    value = net.concat(features, `denseblock${block + 1}.concat`);
  }
  value = net.activate(net.batchNorm(value, "norm5"), "relu", "relu5");
  return classify(net, value, "classifier");
}

function denseLayer(net: Network, features: readonly Feature[], name: string): Feature {
  const [first] = features;
  const joined =
    features.length === 1 && first !== undefined ? first : net.concat(features, `${name}.concat`);
  const narrow = preactivated(net, joined, { name, part: 1, channels: BOTTLENECK, kernel: 1 });
  return preactivated(net, narrow, { name, part: 2, channels: GROWTH, kernel: 3 });
}

/** Normalisation, activation, convolution, in this order. */
function preactivated(
  net: Network,
  input: Feature,
  spec: { name: string; part: number; channels: number; kernel: 1 | 3 },
): Feature {
  const { name, part, channels, kernel } = spec;
  const normal = net.batchNorm(input, `${name}.norm${part}`);
  const active = net.activate(normal, "relu", `${name}.relu${part}`);
  const padding = kernel >> 1;
  return net.conv(active, { name: `${name}.conv${part}`, channels, kernel, padding });
}

function transition(net: Network, input: Feature, name: string): Feature {
  const active = net.activate(net.batchNorm(input, `${name}.norm`), "relu", `${name}.relu`);
  const channels = channelsOf(input) / 2;
  const half = net.conv(active, { name: `${name}.conv`, channels, kernel: 1 });
  return net.averagePool(half, { name: `${name}.pool`, kernel: 2, stride: 2 });
}
