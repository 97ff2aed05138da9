/** ResNet-50 (He et al., 2015) with the stride in the 3x3 convolution, as torchvision defines it. */
import { network } from "./network.ts";
import type { BuiltNetwork, Feature, Network } from "./network.ts";

/** Bottleneck channels, blocks, first stride. */
const STAGES = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
] as const;
const EXPANSION = 4;

export function buildResnet50(seed: number): BuiltNetwork {
  const { net, input } = network("resnet50", seed);
  const stem = { name: "conv1", channels: 64, kernel: 7, stride: 2, padding: 3, gain: 1 };
  let value = net.relu(net.batchNorm(net.conv(input, stem), "bn1"), "relu");
  value = net.maxPool(value, { name: "maxpool", kernel: 3, stride: 2, padding: 1 });
  for (const [stage, [channels, blocks, firstStride]] of STAGES.entries()) {
    for (let block = 0; block < blocks; block++) {
      const stride = block === 0 ? firstStride : 1;
      value = bottleneck(net, value, { name: `layer${stage + 1}.${block}`, channels, stride });
    }
  }
  const pooled = net.flatten(net.globalAveragePool(value, "avgpool"), "flatten");
  return net.finish(net.linear(pooled, "fc", 1000));
}

interface Block {
  readonly name: string;
  readonly channels: number;
  readonly stride: number;
}

function bottleneck(net: Network, input: Feature, block: Block): Feature {
  const { name, channels, stride } = block;
  const wide = channels * EXPANSION;
  let value = net.conv(input, { name: `${name}.conv1`, channels, kernel: 1 });
  value = net.relu(net.batchNorm(value, `${name}.bn1`), `${name}.relu1`);
  value = net.conv(value, { name: `${name}.conv2`, channels, kernel: 3, stride, padding: 1 });
  value = net.relu(net.batchNorm(value, `${name}.bn2`), `${name}.relu2`);
  value = net.conv(value, { name: `${name}.conv3`, channels: wide, kernel: 1 });
  value = net.batchNorm(value, `${name}.bn3`, 0.4);
  const shortcut =
    input.channels === wide ? input : downsample(net, input, { ...block, channels: wide });
  return net.relu(net.add(value, shortcut, `${name}.add`), `${name}.relu3`);
}

function downsample(net: Network, input: Feature, block: Block): Feature {
  const { name, channels, stride } = block;
  const conv = net.conv(input, { name: `${name}.downsample.0`, channels, kernel: 1, stride });
  return net.batchNorm(conv, `${name}.downsample.1`);
}
