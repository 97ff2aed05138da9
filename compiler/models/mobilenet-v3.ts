/** MobileNetV3 at width 1.0 (Howard et al., 2019), small and large, as torchvision defines them. */
import { excite, roundedChannels, unit } from "./blocks.ts";
import { channelsOf } from "./network.ts";
import type { Feature, Network } from "./network.ts";

/** Kernel, expanded channels, output channels, squeeze and excite, activation, stride. */
type Row = readonly [3 | 5, number, number, boolean, "relu" | "hardSwish", 1 | 2];

interface Size {
  readonly rows: readonly Row[];
  readonly lastConv: number;
  readonly hidden: number;
}

export const SMALL: Size = {
  rows: [
    [3, 16, 16, true, "relu", 2],
    [3, 72, 24, false, "relu", 2],
    [3, 88, 24, false, "relu", 1],
    [5, 96, 40, true, "hardSwish", 2],
    [5, 240, 40, true, "hardSwish", 1],
    [5, 240, 40, true, "hardSwish", 1],
    [5, 120, 48, true, "hardSwish", 1],
    [5, 144, 48, true, "hardSwish", 1],
    [5, 288, 96, true, "hardSwish", 2],
    [5, 576, 96, true, "hardSwish", 1],
    [5, 576, 96, true, "hardSwish", 1],
  ],
  lastConv: 576,
  hidden: 1024,
};

export const LARGE: Size = {
  rows: [
    [3, 16, 16, false, "relu", 1],
    [3, 64, 24, false, "relu", 2],
    [3, 72, 24, false, "relu", 1],
    [5, 72, 40, true, "relu", 2],
    [5, 120, 40, true, "relu", 1],
    [5, 120, 40, true, "relu", 1],
    [3, 240, 80, false, "hardSwish", 2],
    [3, 200, 80, false, "hardSwish", 1],
    [3, 184, 80, false, "hardSwish", 1],
    [3, 184, 80, false, "hardSwish", 1],
    [3, 480, 112, true, "hardSwish", 1],
    [3, 672, 112, true, "hardSwish", 1],
    [5, 672, 160, true, "hardSwish", 2],
    [5, 960, 160, true, "hardSwish", 1],
    [5, 960, 160, true, "hardSwish", 1],
  ],
  lastConv: 960,
  hidden: 1280,
};

export function mobilenetV3(size: Size): (net: Network, input: Feature) => Feature {
  return (net, input) => {
    const swish = { activation: "hardSwish" } as const;
    const stem = { channels: 16, kernel: 3, stride: 2, padding: 1, gain: 1 };
    let value = unit(net, input, { name: "features.0", ...stem, ...swish });
    for (const [index, row] of size.rows.entries())
      value = block(net, value, { name: `features.${index + 1}`, row });
    const last = { name: `features.${size.rows.length + 1}`, channels: size.lastConv, kernel: 1 };
    value = unit(net, value, { ...last, gain: 1, ...swish });
    const pooled = net.flatten(net.globalAveragePool(value, "avgpool"), "flatten");
    const hidden = net.linear(pooled, { name: "classifier.0", channels: size.hidden });
    const active = net.activate(hidden, "hardSwish", "classifier.1");
    return net.linear(active, { name: "classifier.3", channels: 1000 });
  };
}

function block(
  net: Network,
  input: Feature,
  { name, row }: { readonly name: string; readonly row: Row },
): Feature {
  const [kernel, expanded, channels, isExcited, activation, stride] = row;
  let value = input;
  if (expanded !== channelsOf(input)) {
    const expand = { name: `${name}.expand`, channels: expanded, kernel: 1, gain: 1 };
    value = unit(net, value, { ...expand, activation });
  }
  const window = { kernel, stride, padding: kernel >> 1, groups: expanded };
  value = unit(net, value, { name: `${name}.filter`, channels: expanded, ...window, activation });
  if (isExcited) {
    const squeezed = roundedChannels(expanded / 4, 8);
    const gates = { activation: "relu", gate: "hardSigmoid" } as const;
    value = excite(net, value, { name: `${name}.excite`, squeezed, ...gates });
  }
  const isResidual = stride === 1 && channelsOf(input) === channels;
  const project = { name: `${name}.project`, channels, kernel: 1 };
  value = unit(net, value, { ...project, strength: isResidual ? 0.5 : 1 });
  return isResidual ? net.add(input, value, `${name}.add`) : value;
}
