/** ShuffleNet v2 at width 0.5 (Ma et al., 2018) as torchvision defines it. */
import { classify, unit } from "./blocks.ts";
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

/** Output channels, blocks. */
const STAGES = [
  [48, 4],
  [96, 8],
  [192, 4],
] as const;
const GROUPS = 2;

const relu = { activation: "relu" } as const;

export function shufflenetV2(net: Network, input: Feature): Feature {
  const stem = { channels: 24, kernel: 3, stride: 2, padding: 1, gain: 1 };
  let value = unit(net, input, { name: "conv1", ...stem, ...relu });
  value = net.maxPool(value, { name: "maxpool", kernel: 3, stride: 2, padding: 1 });
  for (const [stage, [channels, blocks]] of STAGES.entries()) {
    for (let block = 0; block < blocks; block++) {
      const name = `stage${stage + 2}.${block}`;
      value = block === 0 ? halve(net, value, { name, channels }) : keep(net, value, name);
    }
  }
  value = unit(net, value, { name: "conv5", channels: 1024, kernel: 1, ...relu });
  return classify(net, value, "fc");
}

/** Both branches read the whole input; the size halves. */
function halve(
  net: Network,
  input: Feature,
  { name, channels }: { readonly name: string; readonly channels: number },
): Feature {
  const half = channels / 2;
  const own = channelsOf(input);
  const window = { kernel: 3, stride: 2, padding: 1, groups: own };
  const filtered = unit(net, input, { name: `${name}.branch1.0`, channels: own, ...window });
  const left = unit(net, filtered, {
    name: `${name}.branch1.1`,
    channels: half,
    kernel: 1,
    ...relu,
  });
  const right = branch(net, input, { name: `${name}.branch2`, channels: half, stride: 2 });
  return shuffle(net, net.concat([left, right], `${name}.concat`), name);
}

/** One half of the channels passes by. */
function keep(net: Network, input: Feature, name: string): Feature {
  const [left = input, right = input] = net.split(input, {
    name: `${name}.split`,
    axis: 1,
    parts: 2,
  });
  const channels = channelsOf(right);
  const changed = branch(net, right, { name: `${name}.branch2`, channels, stride: 1 });
  return shuffle(net, net.concat([left, changed], `${name}.concat`), name);
}

function branch(
  net: Network,
  input: Feature,
  spec: { readonly name: string; readonly channels: number; readonly stride: number },
): Feature {
  const { name, channels, stride } = spec;
  const pointwise = { channels, kernel: 1, ...relu };
  const window = { kernel: 3, stride, padding: 1, groups: channels };
  let value = unit(net, input, { name: `${name}.0`, ...pointwise });
  value = unit(net, value, { name: `${name}.1`, channels, ...window });
  return unit(net, value, { name: `${name}.2`, ...pointwise, gain: 1 });
}

/** Interleaves the channels of the two halves. */
function shuffle(net: Network, input: Feature, name: string): Feature {
  const [batch = 1, channels = 1, height = 1, width = 1] = input.shape;
  const grouped = [batch, GROUPS, channels / GROUPS, height, width];
  const split = net.reshape(input, grouped, `${name}.shuffle.split`);
  const swapped = net.transpose(split, [0, 2, 1, 3, 4], `${name}.shuffle.swap`);
  return net.reshape(swapped, input.shape, `${name}.shuffle`);
}
