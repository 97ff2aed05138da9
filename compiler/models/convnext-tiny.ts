/** ConvNeXt-T (Liu et al., 2022) as torchvision defines it. */
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

/** Channels, blocks. */
const STAGES = [
  [96, 3],
  [192, 3],
  [384, 9],
  [768, 3],
] as const;
const EXPANSION = 4;
const TO_CHANNELS_LAST = [0, 2, 3, 1] as const;
const TO_CHANNELS_FIRST = [0, 3, 1, 2] as const;

export function convnextTiny(net: Network, input: Feature): Feature {
  let value = input;
  for (const [stage, [channels, blocks]] of STAGES.entries()) {
    value = reduce(net, value, { stage, channels });
    for (let block = 0; block < blocks; block++)
      value = residual(net, value, `features.${2 * stage + 1}.${block}`);
  }
  const pooled = net.globalAveragePool(value, "avgpool");
  const normal = channelNorm(net, pooled, "classifier.0");
  return net.linear(net.flatten(normal, "flatten"), { name: "classifier.2", channels: 1000 });
}

/** Patches of 4x4 in the stem, of 2x2 between stages; normalised after the first and before the others. */
function reduce(
  net: Network,
  input: Feature,
  { stage, channels }: { readonly stage: number; readonly channels: number },
): Feature {
  const name = `features.${2 * stage}`;
  const patch = stage === 0 ? 4 : 2;
  const spec = { channels, kernel: patch, stride: patch, bias: true, gain: 1 };
  if (stage > 0)
    return net.conv(channelNorm(net, input, `${name}.0`), { name: `${name}.1`, ...spec });
  return channelNorm(net, net.conv(input, { name: `${name}.0`, ...spec }), `${name}.1`);
}

/** Layer normalisation over the channels of an image. */
function channelNorm(net: Network, input: Feature, name: string): Feature {
  const last = net.transpose(input, TO_CHANNELS_LAST, `${name}.last`);
  return net.transpose(net.layerNorm(last, `${name}.norm`), TO_CHANNELS_FIRST, `${name}.first`);
}

function residual(net: Network, input: Feature, name: string): Feature {
  const channels = channelsOf(input);
  const window = { kernel: 7, padding: 3, groups: channels, bias: true, gain: 1 };
  const filtered = net.conv(input, { name: `${name}.block.0`, channels, ...window });
  const last = net.transpose(filtered, TO_CHANNELS_LAST, `${name}.block.1`);
  const normal = net.layerNorm(last, `${name}.block.2`);
  const hidden = { name: `${name}.block.3`, channels: channels * EXPANSION, gain: 1 };
  const active = net.activate(net.linear(normal, hidden), "gelu", `${name}.block.4`);
  const narrow = net.linear(active, { name: `${name}.block.5`, channels });
  const first = net.transpose(narrow, TO_CHANNELS_FIRST, `${name}.block.6`);
  const layerScale = { name: `${name}.layer_scale`, shape: [channels, 1, 1] };
  const scale = net.parameter({ ...layerScale, mean: 0.3, spread: 0.1 });
  return net.add(net.multiply(first, scale, `${name}.scale`), input, `${name}.add`);
}
