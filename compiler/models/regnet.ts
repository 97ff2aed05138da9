/** RegNets (Radosavovic et al., 2020) as torchvision defines them: X plain, Y with squeeze and excite. */
import { classify, excite, unit } from "./blocks.ts";
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

interface Family {
  /** Channels, blocks; the first block of each halves the size. */
  readonly stages: readonly (readonly [number, number])[];
  readonly groupChannels: number;
  readonly isExcited: boolean;
}

export const REGNET_X_3_2GF: Family = {
  stages: [
    [96, 2],
    [192, 6],
    [432, 15],
    [1008, 2],
  ],
  groupChannels: 48,
  isExcited: false,
};

export const REGNET_Y_800MF: Family = {
  stages: [
    [64, 1],
    [144, 3],
    [320, 8],
    [784, 2],
  ],
  groupChannels: 16,
  isExcited: true,
};

const relu = { activation: "relu" } as const;
const EXCITE_RATIO = 0.25;

export function regnet(family: Family): (net: Network, input: Feature) => Feature {
  return (net, input) => {
    const stem = { channels: 32, kernel: 3, stride: 2, padding: 1, gain: 1 };
    let value = unit(net, input, { name: "stem", ...stem, ...relu });
    for (const [stage, [channels, blocks]] of family.stages.entries()) {
      for (let index = 0; index < blocks; index++) {
        const name = `trunk.block${stage + 1}.${index}`;
        const stride = index === 0 ? 2 : 1;
        value = block(net, value, { family, name, channels, stride });
      }
    }
    return classify(net, value, "fc");
  };
}

interface Block {
  readonly family: Family;
  readonly name: string;
  readonly channels: number;
  readonly stride: number;
}

function block(net: Network, input: Feature, spec: Block): Feature {
  const { family, name, channels, stride } = spec;
  const isEqual = channelsOf(input) === channels && stride === 1;
  const projection = { name: `${name}.proj`, channels, kernel: 1, stride };
  const shortcut = isEqual ? input : unit(net, input, projection);
  let value = unit(net, input, { name: `${name}.a`, channels, kernel: 1, ...relu });
  const groups = channels / family.groupChannels;
  const window = { kernel: 3, stride, padding: 1, groups };
  value = unit(net, value, { name: `${name}.b`, channels, ...window, ...relu });
  if (family.isExcited) {
    const squeezed = Math.round(EXCITE_RATIO * channelsOf(input));
    const gates = { activation: "relu", gate: "sigmoid" } as const;
    value = excite(net, value, { name: `${name}.se`, squeezed, ...gates });
  }
  value = unit(net, value, { name: `${name}.c`, channels, kernel: 1, strength: 0.4 });
  return net.activate(net.add(shortcut, value, `${name}.add`), "relu", `${name}.relu`);
}
