/** MNASNet at depth multiplier 0.5 (Tan et al., 2018) as torchvision defines it. */
import { classify, unit } from "./blocks.ts";
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

/** Channels of the stem and of its projection. */
const STEM = [16, 8] as const;
/** Output channels, kernel, first stride, expansion, repeats. */
const STAGES = [
  [16, 3, 2, 3, 3],
  [24, 5, 2, 3, 3],
  [40, 5, 2, 6, 3],
  [48, 3, 1, 6, 2],
  [96, 5, 2, 6, 4],
  [160, 3, 1, 6, 1],
] as const;

const relu = { activation: "relu" } as const;

export function mnasnet05(net: Network, input: Feature): Feature {
  const [wide, narrow] = STEM;
  const stem = { channels: wide, kernel: 3, padding: 1 };
  let value = unit(net, input, { name: "layers.0", ...stem, stride: 2, gain: 1, ...relu });
  value = unit(net, value, { name: "layers.3", ...stem, groups: wide, ...relu });
  value = unit(net, value, { name: "layers.6", channels: narrow, kernel: 1 });
  for (const [stage, [channels, kernel, firstStride, expansion, repeats]] of STAGES.entries()) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const name = `layers.${stage + 8}.${repeat}`;
      const stride = repeat === 0 ? firstStride : 1;
      value = invertedResidual(net, value, { name, channels, kernel, stride, expansion });
    }
  }
  value = unit(net, value, { name: "layers.14", channels: 1280, kernel: 1, gain: 1, ...relu });
  return classify(net, value, "classifier.1");
}

interface Block {
  readonly name: string;
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expansion: number;
}

function invertedResidual(net: Network, input: Feature, block: Block): Feature {
  const { name, channels, kernel, stride } = block;
  const hidden = channelsOf(input) * block.expansion;
  const expand = { name: `${name}.expand`, channels: hidden, kernel: 1, gain: 1 };
  let value = unit(net, input, { ...expand, ...relu });
  const window = { kernel, stride, padding: kernel >> 1, groups: hidden };
  value = unit(net, value, { name: `${name}.filter`, channels: hidden, ...window, ...relu });
  const isResidual = stride === 1 && channelsOf(input) === channels;
  const project = { name: `${name}.project`, channels, kernel: 1 };
  value = unit(net, value, { ...project, strength: isResidual ? 0.5 : 1 });
  return isResidual ? net.add(input, value, `${name}.add`) : value;
}
