/** MobileNetV2 at width 1.0 (Sandler et al., 2018), layer by layer as torchvision defines it. */
import { unit } from "./blocks.ts";
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

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

export function mobilenetV2(net: Network, input: Feature): Feature {
  const stem = { channels: 32, kernel: 3, stride: 2, padding: 1, gain: 1 };
  let value = unit(net, input, { name: "features.0", ...stem, activation: "relu6" });
  let index = 1;
  for (const [expansion, channels, repeats, firstStride] of STAGES) {
    for (let repeat = 0; repeat < repeats; repeat++, index++) {
      const stride = repeat === 0 ? firstStride : 1;
      const name = `features.${index}`;
      value = invertedResidual(net, value, { name, expansion, channels, stride });
    }
  }
  const last = { name: "features.18", channels: 1280, kernel: 1, gain: 1 };
  value = unit(net, value, { ...last, activation: "relu6" });
  const pooled = net.flatten(net.globalAveragePool(value, "pool"), "flatten");
  return net.linear(pooled, { name: "classifier.1", channels: 1000 });
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
  const hidden = channelsOf(input) * expansion;
  let value = input;
  let step = 0;
  if (expansion !== 1) {
    const expand = { name: `${name}.conv.0`, channels: hidden, kernel: 1, gain: 1 };
    value = unit(net, value, { ...expand, activation: "relu6" });
    step = 1;
  }
  const window = { kernel: 3, stride, padding: 1, groups: hidden };
  const filter = { name: `${name}.conv.${step}`, channels: hidden, ...window };
  value = unit(net, value, { ...filter, activation: "relu6" });
  value = net.conv(value, { name: `${name}.conv.${step + 1}`, channels, kernel: 1 });
  const isResidual = stride === 1 && channelsOf(input) === channels;
  value = net.batchNorm(value, `${name}.conv.${step + 2}`, isResidual ? 0.5 : 1);
  return isResidual ? net.add(input, value, `${name}.add`) : value;
}
