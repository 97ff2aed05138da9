/**
 * Gathered inputs: a convolution over few channels would leave most lanes of a channel tile empty. Where the
 * pixels of a window's row fill lanes together, the input is brought in as one pixel a window column, with
 * the row's pixels as channels: fewer taps, fewer croutons.
 */
import { attributesOf, consumersOf, convGeometry } from "../ir/index.ts";
import type { ConvolutionGeometry, Graph } from "../ir/index.ts";
import { FORMATS, isFormat } from "./format.ts";
import { gridOf } from "./grid.ts";
import type { Grid } from "./grid.ts";
import type { Weights } from "./stages/matrix-node.ts";

export interface Gathered {
  /** Of the convolution that reads the input. */
  readonly geometry: ConvolutionGeometry;
  /** One pixel for each output column and input row; kernelWidth * channels channels. */
  readonly grid: Grid;
}

const LANES = 32;

/** How an input can be gathered; undefined where a reader needs it as it is. */
export function gatheredInput(graph: Graph, name: string): Gathered | undefined {
  const [node, ...others] = consumersOf(graph).get(name) ?? [];
  if (node?.op !== "conv" || others.length > 0 || graph.outputs.includes(name)) return undefined;
  const types = node.inputs.map((input) => graph.types.get(input));
  if (types[0]?.shape[0] !== 1 || node.inputs.indexOf(name) !== 0) return undefined;
  const geometry = convGeometry({ inputs: types, attributes: attributesOf(node) });
  const channels = geometry.kernelWidth * geometry.inChannels;
  const { inHeight: height, inWidth, outWidth: width, kernelWidth } = geometry;
  const tiles = Math.ceil(channels / LANES);
  // Less to multiply, and no more to keep.
  const pays = tiles < kernelWidth && tiles * width <= inWidth;
  if (!pays || geometry.groups !== 1 || geometry.dilationX !== 1) return undefined;
  const { dtype } = types[0];
  if (!isFormat(dtype)) return undefined;
  return { geometry, grid: gridOf({ height, width, channels }, FORMATS[dtype]) };
}

/** The convolution as it is over the gathered input. */
export function gatheredGeometry({ geometry, grid }: Gathered): ConvolutionGeometry {
  return {
    ...geometry,
    inChannels: grid.channels,
    inWidth: grid.width,
    kernelWidth: 1,
    strideX: 1,
    padLeft: 0,
    padRight: 0,
  };
}

/** [out][in][kernel height][kernel width] as [out][kernel width * in][kernel height]. */
export function gatheredWeights<T extends Weights>({ geometry: g }: Gathered, weights: T): T {
  const packed = weights.slice() as T;
  const taps = g.kernelHeight * g.kernelWidth;
  for (let source = 0; source < weights.length; source++) {
    const tap = source % taps;
    const channel = Math.floor(source / taps);
    const [o, c] = [Math.floor(channel / g.inChannels), channel % g.inChannels];
    const lane = (tap % g.kernelWidth) * g.inChannels + c;
    const row = Math.floor(tap / g.kernelWidth);
    packed[(o * g.kernelWidth * g.inChannels + lane) * g.kernelHeight + row] = weights[source] ?? 0;
  }
  return packed;
}
