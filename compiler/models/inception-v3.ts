/** Inception v3 (Szegedy et al., 2015) as torchvision defines it, without its training head. */
import { classify, unit } from "./blocks.ts";
import type { ConvSpec, Feature, Network } from "./network.ts";

/** A convolution of a branch: channels, kernel; padding keeps the size unless the stride is 2. */
interface Step {
  readonly channels: number;
  readonly kernel: number | readonly [number, number];
  readonly stride?: 2;
}
type Branch = readonly Step[];

/** How a module's last branch pools: an average before a 1x1 convolution, or a maximum that halves the size. */
type Pool = { readonly kind: "average"; readonly channels: number } | { readonly kind: "maximum" };

interface Module {
  readonly name: string;
  readonly branches: readonly Branch[];
  /** The branch with this index ends in a 1x3 and a 3x1 convolution side by side. */
  readonly forked?: readonly number[];
  readonly pool: Pool;
}

const c = (channels: number, kernel: Step["kernel"], stride?: 2): Step =>
  stride === undefined ? { channels, kernel } : { channels, kernel, stride };
const ROW = [1, 7] as const;
const COLUMN = [7, 1] as const;

const small = (name: string, pooled: number): Module => ({
  name,
  branches: [[c(64, 1)], [c(48, 1), c(64, 5)], [c(64, 1), c(96, 3), c(96, 3)]],
  pool: { kind: "average", channels: pooled },
});
const factorised = (name: string, n: number): Module => ({
  name,
  branches: [
    [c(192, 1)],
    [c(n, 1), c(n, ROW), c(192, COLUMN)],
    [c(n, 1), c(n, COLUMN), c(n, ROW), c(n, COLUMN), c(192, ROW)],
  ],
  pool: { kind: "average", channels: 192 },
});
const wide = (name: string): Module => ({
  name,
  branches: [[c(320, 1)], [c(384, 1)], [c(448, 1), c(384, 3)]],
  forked: [1, 2],
  pool: { kind: "average", channels: 192 },
});

const MODULES: readonly Module[] = [
  small("Mixed_5b", 32),
  small("Mixed_5c", 64),
  small("Mixed_5d", 64),
  {
    name: "Mixed_6a",
    branches: [[c(384, 3, 2)], [c(64, 1), c(96, 3), c(96, 3, 2)]],
    pool: { kind: "maximum" },
  },
  factorised("Mixed_6b", 128),
  factorised("Mixed_6c", 160),
  factorised("Mixed_6d", 160),
  factorised("Mixed_6e", 192),
  {
    name: "Mixed_7a",
    branches: [
      [c(192, 1), c(320, 3, 2)],
      [c(192, 1), c(192, ROW), c(192, COLUMN), c(192, 3, 2)],
    ],
    pool: { kind: "maximum" },
  },
  wide("Mixed_7b"),
  wide("Mixed_7c"),
];

export function inceptionV3(net: Network, input: Feature): Feature {
  const conv = (from: Feature, spec: ConvSpec): Feature =>
    unit(net, from, { ...spec, activation: "relu" });
  let value = conv(input, { name: "Conv2d_1a", channels: 32, kernel: 3, stride: 2, gain: 1 });
  value = conv(value, { name: "Conv2d_2a", channels: 32, kernel: 3 });
  value = conv(value, { name: "Conv2d_2b", channels: 64, kernel: 3, padding: 1 });
  value = net.maxPool(value, { name: "maxpool1", kernel: 3, stride: 2 });
  value = conv(value, { name: "Conv2d_3b", channels: 80, kernel: 1 });
  value = conv(value, { name: "Conv2d_4a", channels: 192, kernel: 3 });
  value = net.maxPool(value, { name: "maxpool2", kernel: 3, stride: 2 });
  for (const module of MODULES) value = inception(net, value, module);
  return classify(net, value, "fc");
}

function inception(net: Network, input: Feature, module: Module): Feature {
  const { name, forked = [] } = module;
  const parts = module.branches.flatMap((steps, branch) => {
    const at = `${name}.branch${branch}`;
    let value = input;
    for (const [index, each] of steps.entries())
      value = step(net, value, { ...each, name: `${at}.${index}` });
    return forked.includes(branch) ? fork(net, value, at) : [value];
  });
  return net.concat([...parts, pooled(net, input, module)], `${name}.concat`);
}

function step(net: Network, input: Feature, spec: Step & { readonly name: string }): Feature {
  const [height, width] =
    typeof spec.kernel === "number" ? ([spec.kernel, spec.kernel] as const) : spec.kernel;
  const padding = spec.stride === 2 ? 0 : ([height >> 1, width >> 1] as const);
  return unit(net, input, { ...spec, padding, activation: "relu" });
}

function fork(net: Network, input: Feature, name: string): Feature[] {
  const kernels = [[1, 3] as const, [3, 1] as const];
  return kernels.map((kernel, index) =>
    step(net, input, { name: `${name}.fork${index}`, channels: 384, kernel }),
  );
}

function pooled(net: Network, input: Feature, { name, pool }: Module): Feature {
  const at = `${name}.pool`;
  if (pool.kind === "maximum") return net.maxPool(input, { name: at, kernel: 3, stride: 2 });
  const mean = net.averagePool(input, { name: at, kernel: 3, stride: 1, padding: 1 });
  return step(net, mean, { name: `${name}.branch_pool`, channels: pool.channels, kernel: 1 });
}
