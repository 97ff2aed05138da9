/** MobileNetV2 at width 1.0 (Sandler et al., 2018), layer by layer as torchvision defines it. */
import { network } from "./network.ts";
import type { BuiltNetwork, Feature, Network } from "./network.ts";

/** Expansion, output channels, repeats, first stride. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

export function buildMobilenetV2(seed: number): BuiltNetwork {
  const { net, input } = network("mobilenet_v2", seed);
  const stem = { name: "features.0.0", channels: 32, kernel: 3, stride: 2, padding: 1, gain: 1 };
  let value = net.relu6(net.batchNorm(net.conv(input, stem), "features.0.1"), "features.0.2");
  let index = 1;
  for (const [expansion, channels, repeats, firstStride] of STAGES) {
    for (let repeat = 0; repeat < repeats; repeat++, index++) {
      const stride = repeat === 0 ? firstStride : 1;
      value = invertedResidual(net, value, {
        name: `features.${index}`,
        expansion,
        channels,
        stride,
      });
    }
  }
  const last = { name: "features.18.0", channels: 1280, kernel: 1, gain: 1 };
  value = net.relu6(net.batchNorm(net.conv(value, last), "features.18.1"), "features.18.2");
  const pooled = net.flatten(net.globalAveragePool(value, "pool"), "flatten");
  return net.finish(net.linear(pooled, "classifier.1", 1000));
}

interface Block {
  readonly name: string;
  readonly expansion: number;
  readonly channels: number;
  readonly stride: number;
}

/** Expand (1x1), filter each channel (3x3), project (1x1) without an activation. */
function invertedResidual(net: Network, input: Feature, block: Block): Feature {
  const { name, expansion, channels, stride } = block;
  const hidden = input.channels * expansion;
  let value = input;
  let step = 0;
  if (expansion !== 1) {
    const expand = { name: `${name}.conv.0.0`, channels: hidden, kernel: 1, gain: 1 };
    value = net.batchNorm(net.conv(value, expand), `${name}.conv.0.1`);
    value = net.relu6(value, `${name}.conv.0.2`);
    step = 1;
  }
  const window = { kernel: 3, stride, padding: 1, groups: hidden };
  const filter = { name: `${name}.conv.${step}.0`, channels: hidden, ...window };
  value = net.batchNorm(net.conv(value, filter), `${name}.conv.${step}.1`);
  value = net.relu6(value, `${name}.conv.${step}.2`);
  value = net.conv(value, { name: `${name}.conv.${step + 1}`, channels, kernel: 1 });
  const isResidual = stride === 1 && input.channels === channels;
  value = net.batchNorm(value, `${name}.conv.${step + 2}`, isResidual ? 0.5 : 1);
  return isResidual ? net.add(input, value, `${name}.add`) : value;
}
