/** Blocks that several published networks share. */
import { channelsOf } from "./network.ts";
import type { Activation, ConvSpec, Feature, Network } from "./network.ts";

export interface UnitSpec extends ConvSpec {
  /** None where absent. */
  readonly activation?: Activation | undefined;
  /** As of the batch normalisation. */
  readonly strength?: number;
}

/** Convolution, batch normalisation, activation: parts 0, 1 and 2 of the unit's name. */
export function unit(net: Network, input: Feature, spec: UnitSpec): Feature {
  const { name, activation, strength } = spec;
  const conv = net.conv(input, { ...spec, name: `${name}.0` });
  const value = net.batchNorm(conv, `${name}.1`, strength);
  return activation === undefined ? value : net.activate(value, activation, `${name}.2`);
}

export interface ExciteSpec {
  readonly name: string;
  readonly squeezed: number;
  readonly activation: Activation;
  readonly gate: Activation;
}

/** Squeeze and excite (Hu et al., 2017): every channel times a gate computed from all their means. */
export function excite(net: Network, input: Feature, spec: ExciteSpec): Feature {
  const { name, squeezed, activation, gate } = spec;
  const shape = { kernel: 1, bias: true } as const;
  const mean = net.globalAveragePool(input, `${name}.avgpool`);
  const squeeze = net.conv(mean, { name: `${name}.fc1`, channels: squeezed, ...shape });
  const active = net.activate(squeeze, activation, `${name}.activation`);
  const channels = channelsOf(input);
  const expand = net.conv(active, { name: `${name}.fc2`, channels, ...shape, gain: 1 });
  return net.multiply(input, net.activate(expand, gate, `${name}.gate`), `${name}.scale`);
}

/** Mean of every channel, then a linear map to the classes. */
export function classify(net: Network, input: Feature, name: string): Feature {
  const pooled = net.flatten(net.globalAveragePool(input, "avgpool"), "flatten");
  return net.linear(pooled, { name, channels: 1000 });
}

/** The nearest multiple of `divisor`, but never less than 90 % of the value. */
export function roundedChannels(value: number, divisor: number): number {
  const nearest = Math.max(divisor, Math.floor((value + divisor / 2) / divisor) * divisor);
  return nearest < 0.9 * value ? nearest + divisor : nearest;
}
