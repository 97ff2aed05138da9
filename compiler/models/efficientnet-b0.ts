/** EfficientNet-B0 (Tan and Le, 2019) as torchvision defines it. */
import { classify, excite, unit } from "./blocks.ts";
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

/** Expansion, kernel, first stride, output channels, repeats. */
const STAGES = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

const silu = { activation: "silu" } as const;

export function efficientnetB0(net: Network, input: Feature): Feature {
  const stem = { channels: 32, kernel: 3, stride: 2, padding: 1, gain: 1 };
  let value = unit(net, input, { name: "features.0", ...stem, ...silu });
  for (const [stage, [expansion, kernel, firstStride, channels, repeats]] of STAGES.entries()) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const name = `features.${stage + 1}.${repeat}`;
      const stride = repeat === 0 ? firstStride : 1;
      value = block(net, value, { name, expansion, kernel, stride, channels });
    }
  }
  value = unit(net, value, { name: "features.8", channels: 1280, kernel: 1, gain: 1, ...silu });
  return classify(net, value, "classifier.1");
}

interface Block {
  readonly name: string;
  readonly expansion: number;
  readonly kernel: number;
  readonly stride: number;
  readonly channels: number;
}

function block(net: Network, input: Feature, spec: Block): Feature {
  const { name, expansion, kernel, stride, channels } = spec;
  const hidden = channelsOf(input) * expansion;
  let value = input;
  if (expansion !== 1) {
    const expand = { name: `${name}.expand`, channels: hidden, kernel: 1, gain: 1 };
    value = unit(net, value, { ...expand, ...silu });
  }
  const window = { kernel, stride, padding: kernel >> 1, groups: hidden };
  value = unit(net, value, { name: `${name}.filter`, channels: hidden, ...window, ...silu });
  const squeezed = Math.max(1, channelsOf(input) >> 2);
  const gates = { activation: "silu", gate: "sigmoid" } as const;
  value = excite(net, value, { name: `${name}.excite`, squeezed, ...gates });
  const isResidual = stride === 1 && channelsOf(input) === channels;
  const project = { name: `${name}.project`, channels, kernel: 1 };
  value = unit(net, value, { ...project, strength: isResidual ? 0.5 : 1 });
  return isResidual ? net.add(input, value, `${name}.add`) : value;
}
