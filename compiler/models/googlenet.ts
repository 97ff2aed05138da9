/** GoogLeNet (Szegedy et al., 2014) with batch normalisation, as torchvision defines it, without its training heads. */
import { classify, unit } from "./blocks.ts";
import type { Feature, Network } from "./network.ts";

/** 1x1; 1x1 then 3x3; 1x1 then 3x3 (the published 5x5, which torchvision never had); after the pool. */
type Branches = readonly [number, number, number, number, number, number];

const STAGES: readonly (readonly Branches[])[] = [
  [
    [64, 96, 128, 16, 32, 32],
    [128, 128, 192, 32, 96, 64],
  ],
  [
    [192, 96, 208, 16, 48, 64],
    [160, 112, 224, 24, 64, 64],
    [128, 128, 256, 24, 64, 64],
    [112, 144, 288, 32, 64, 64],
    [256, 160, 320, 32, 128, 128],
  ],
  [
    [256, 160, 320, 32, 128, 128],
    [384, 192, 384, 48, 128, 128],
  ],
];
/** Window of the pool before each stage. */
const POOLS = [3, 3, 2] as const;

const relu = { activation: "relu" } as const;

export function googlenet(net: Network, input: Feature): Feature {
  const stem = { name: "conv1", channels: 64, kernel: 7, stride: 2, padding: 3, gain: 1 };
  let value = unit(net, input, { ...stem, ...relu });
  value = net.maxPool(value, { name: "maxpool1", kernel: 3, stride: 2, ceil: true });
  value = unit(net, value, { name: "conv2", channels: 64, kernel: 1, ...relu });
  value = unit(net, value, { name: "conv3", channels: 192, kernel: 3, padding: 1, ...relu });
  for (const [stage, modules] of STAGES.entries()) {
    const pool = { name: `maxpool${stage + 2}`, kernel: POOLS[stage] ?? 2, stride: 2, ceil: true };
    value = net.maxPool(value, pool);
    for (const [index, branches] of modules.entries()) {
      value = inception(net, value, { name: `inception${stage + 3}.${index}`, branches });
    }
  }
  return classify(net, value, "fc");
}

function inception(
  net: Network,
  input: Feature,
  spec: { readonly name: string; readonly branches: Branches },
): Feature {
  const { name, branches } = spec;
  const [direct, reduce3, wide3, reduce5, wide5, pooled] = branches;
  const conv = (from: Feature, part: string, shape: { channels: number; kernel: 1 | 3 }) =>
    unit(net, from, { name: `${name}.${part}`, ...shape, padding: shape.kernel >> 1, ...relu });
  const pool = { name: `${name}.branch4.pool`, kernel: 3, stride: 1, padding: 1, ceil: true };
  const narrow3 = conv(input, "branch2.0", { channels: reduce3, kernel: 1 });
  const narrow5 = conv(input, "branch3.0", { channels: reduce5, kernel: 1 });
  const parts = [
    conv(input, "branch1", { channels: direct, kernel: 1 }),
    conv(narrow3, "branch2.1", { channels: wide3, kernel: 3 }),
    conv(narrow5, "branch3.1", { channels: wide5, kernel: 3 }),
    conv(net.maxPool(input, pool), "branch4.1", { channels: pooled, kernel: 1 }),
  ];
  return net.concat(parts, `${name}.concat`);
}
