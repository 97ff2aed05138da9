/**
 * Residual networks (He et al., 2015; Xie et al., 2016; Zagoruyko, 2016) with the stride in the 3x3 convolution,
 * as torchvision defines them, and the fully convolutional segmentation network on top of one.
 */
import { classify } from "./blocks.ts";
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

interface Family {
  readonly block: "basic" | "bottleneck";
  /** Blocks a stage. */
  readonly blocks: readonly [number, number, number, number];
  readonly groups?: number;
  /** Channels a group in the first stage. */
  readonly groupChannels?: number;
  /** Stages from this one on keep their size and dilate instead. */
  readonly dilatedFrom?: number;
}

/** Channels of the stages before expansion. */
const STAGES = [64, 128, 256, 512] as const;
const EXPANSION = { basic: 1, bottleneck: 4 } as const;

export const RESNET18: Family = { block: "basic", blocks: [2, 2, 2, 2] };
export const RESNET50: Family = { block: "bottleneck", blocks: [3, 4, 6, 3] };
export const RESNET101: Family = { block: "bottleneck", blocks: [3, 4, 23, 3] };
export const WIDE_RESNET50: Family = { ...RESNET50, groupChannels: 128 };
export const RESNEXT50: Family = { ...RESNET50, groups: 32, groupChannels: 4 };
export const RESNEXT101: Family = { ...RESNET101, groups: 32, groupChannels: 8 };
const DILATED_RESNET50: Family = { ...RESNET50, dilatedFrom: 2 };

export function resnet(family: Family): (net: Network, input: Feature) => Feature {
  return (net, input) => classify(net, backbone(net, input, family), "fc");
}

/** Logits of 21 classes for every pixel of the input. */
export function fcnResnet50(net: Network, input: Feature): Feature {
  const features = backbone(net, input, DILATED_RESNET50);
  const hidden = net.conv(features, { name: "classifier.0", channels: 512, kernel: 3, padding: 1 });
  const active = net.activate(net.batchNorm(hidden, "classifier.1"), "relu", "classifier.2");
  const logits = net.conv(active, { name: "classifier.4", channels: 21, kernel: 1, bias: true });
  const [, , height = 1, width = 1] = input.shape;
  return net.resize(logits, { name: "resize", height, width });
}

function backbone(net: Network, input: Feature, family: Family): Feature {
  const stem = { name: "conv1", channels: 64, kernel: 7, stride: 2, padding: 3, gain: 1 };
  let value = net.activate(net.batchNorm(net.conv(input, stem), "bn1"), "relu", "relu");
  value = net.maxPool(value, { name: "maxpool", kernel: 3, stride: 2, padding: 1 });
  let dilation = 1;
  for (const [stage, channels] of STAGES.entries()) {
    const isDilated = stage >= (family.dilatedFrom ?? STAGES.length);
    const firstStride = stage === 0 || isDilated ? 1 : 2;
    for (let index = 0; index < (family.blocks[stage] ?? 0); index++) {
      const name = `layer${stage + 1}.${index}`;
      const stride = index === 0 ? firstStride : 1;
      value = residual(net, value, { family, name, channels, stride, dilation });
      // The first block of a dilated stage still dilates as the stage before it.
      if (index === 0 && isDilated) dilation *= 2;
    }
  }
  return value;
}

interface Block {
  readonly family: Family;
  readonly name: string;
  readonly channels: number;
  readonly stride: number;
  readonly dilation: number;
}

function residual(net: Network, input: Feature, block: Block): Feature {
  const { name, family, channels, stride } = block;
  const wide = channels * EXPANSION[family.block];
  const branch = family.block === "basic" ? basic : bottleneck;
  const value = branch(net, input, block);
  const isEqual = channelsOf(input) === wide && stride === 1;
  const shortcut = isEqual ? input : downsample(net, input, { ...block, channels: wide });
  return net.activate(net.add(value, shortcut, `${name}.add`), "relu", `${name}.relu3`);
}

function basic(net: Network, input: Feature, block: Block): Feature {
  const { name, channels, stride } = block;
  const shape = { channels, kernel: 3, padding: 1 };
  let value = net.conv(input, { name: `${name}.conv1`, ...shape, stride });
  value = net.activate(net.batchNorm(value, `${name}.bn1`), "relu", `${name}.relu1`);
  value = net.conv(value, { name: `${name}.conv2`, ...shape });
  return net.batchNorm(value, `${name}.bn2`, 0.4);
}

function bottleneck(net: Network, input: Feature, block: Block): Feature {
  const { name, family, channels, stride, dilation } = block;
  const { groups = 1, groupChannels = STAGES[0] } = family;
  const inner = ((channels * groupChannels) / STAGES[0]) * groups;
  let value = net.conv(input, { name: `${name}.conv1`, channels: inner, kernel: 1 });
  value = net.activate(net.batchNorm(value, `${name}.bn1`), "relu", `${name}.relu1`);
  const window = { kernel: 3, stride, padding: dilation, dilation, groups };
  value = net.conv(value, { name: `${name}.conv2`, channels: inner, ...window });
  value = net.activate(net.batchNorm(value, `${name}.bn2`), "relu", `${name}.relu2`);
  const wide = channels * EXPANSION.bottleneck;
  value = net.conv(value, { name: `${name}.conv3`, channels: wide, kernel: 1 });
  return net.batchNorm(value, `${name}.bn3`, 0.4);
}

function downsample(net: Network, input: Feature, block: Block): Feature {
  const { name, channels, stride } = block;
  const conv = net.conv(input, { name: `${name}.downsample.0`, channels, kernel: 1, stride });
  return net.batchNorm(conv, `${name}.downsample.1`);
}
