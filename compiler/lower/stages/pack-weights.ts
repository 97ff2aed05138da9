/** Constants of matrix products as they lie in VTCM: weights in tiles, then biases and multipliers, in chunks. */
import type { MatrixNode, TileRange } from "./matrix-node.ts";
import { MULTIPLIER_BYTES, PAIR_PRODUCTS, PRODUCTS, writeBias } from "./product-format.ts";
import type { ProductFormat } from "./product-format.ts";

/** A run of output tiles whose constants lie together: weight tiles, then biases and multipliers. */
export interface TileChunk {
  readonly first: number;
  readonly last: number;
  /** Offsets in the chunk by output tile minus `first`. */
  readonly weights: readonly number[];
  readonly biases: readonly number[];
  readonly bytes: number;
}

/** Shifts of fixed multipliers lie behind these. */
export function formatOf(
  from: Pick<MatrixNode, "outputGrid" | "requantization" | "weights">,
): ProductFormat {
  const { dtype } = from.outputGrid.format;
  const format = from.weights instanceof Int16Array ? PAIR_PRODUCTS.i16 : PRODUCTS[dtype];
  if (from.requantization.fixed === undefined) return format;
  return { ...format, constantBytes: format.constantBytes + MULTIPLIER_BYTES };
}

export interface Splitting {
  /** Weights of each output tile. */
  readonly weightBytes: readonly number[];
  /** Biases and multipliers of one output tile. */
  readonly constantBytes: number;
  /** Constants above twice this size are split into parts of about this size. */
  readonly chunkBytes: number;
}

export function splitTiles(from: Splitting): TileChunk[] {
  const sizes = from.weightBytes.map((bytes) => bytes + from.constantBytes);
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const limit = total <= 2 * from.chunkBytes ? total : from.chunkBytes;
  const chunks: TileChunk[] = [];
  let first = 0;
  let bytes = 0;
  sizes.forEach((size, tile) => {
    if (tile > first && bytes + size > limit) {
      chunks.push(layoutChunk(from, first, tile - 1));
      first = tile;
      bytes = 0;
    }
    bytes += size;
  });
  chunks.push(layoutChunk(from, first, sizes.length - 1));
  return chunks;
}

function layoutChunk(from: Splitting, first: number, last: number): TileChunk {
  let offset = 0;
  const weights = from.weightBytes.slice(first, last + 1).map((bytes) => {
    const at = offset;
    offset += bytes;
    return at;
  });
  const biases = weights.map((_, index) => offset + index * from.constantBytes);
  return { first, last, weights, biases, bytes: offset + weights.length * from.constantBytes };
}

export function packChunk(
  from: MatrixNode,
  chunk: TileChunk,
  ranges: readonly TileRange[],
): Uint8Array {
  const bytes = new Uint8Array(chunk.bytes);
  const { geometry: g, requantization, outputGrid } = from;
  const { dtype } = outputGrid.format;
  // Channels that a filter does not read have weights that count as zero.
  if (dtype === "i8") bytes.fill(from.weightZero);
  const { biasBytes, constantBytes, weightBytes } = formatOf(from);
  const elements = weightBytes === 1 ? bytes : new Uint16Array(bytes.buffer, 0, bytes.length >> 1);
  for (let tile = chunk.first; tile <= chunk.last; tile++) {
    const range = ranges[tile] ?? { begin: 0, count: 0 };
    const weightsAt = (chunk.weights[tile - chunk.first] ?? 0) / weightBytes;
    const biasAt = chunk.biases[tile - chunk.first] ?? 0;
    const constants = new DataView(bytes.buffer, biasAt, constantBytes);
    bytes.fill(0, biasAt, biasAt + constantBytes);
    const lanes = Math.min(32, g.outChannels - tile * 32);
    for (let lane = 0; lane < lanes; lane++) {
      const channel = tile * 32 + lane;
      const sum = packFilter(from, { channel, lane, range }, elements.subarray(weightsAt));
      writeBias(dtype, constants, { lane, value: biasOf(from, channel, sum) });
      if (dtype === "f16") continue;
      const at = biasBytes + 4 * lane;
      const fixed = requantization.fixed?.multipliers[channel];
      if (fixed === undefined) {
        constants.setFloat32(at, requantization.multipliers[channel] ?? 0, true);
      } else {
        constants.setInt32(at, fixed.mantissa, true);
        constants.setInt32(at + MULTIPLIER_BYTES, fixed.shift, true);
      }
    }
  }
  return bytes;
}

/** What the accumulators begin with: the bias, and what the input's zero point adds to every sum of products. */
function biasOf(from: MatrixNode, channel: number, sumOfWeights: number): number {
  const { weightZero, requantization } = from;
  const bias = from.bias?.[channel] ?? 0;
  if (requantization.zeroPointIn === 0) return bias;
  return bias - requantization.zeroPointIn * (sumOfWeights - weightsCount(from) * weightZero);
}

/** Of one output channel. */
function weightsCount({ geometry: g }: MatrixNode): number {
  return (g.inChannels / g.groups) * g.kernelHeight * g.kernelWidth;
}

interface Filter {
  readonly channel: number;
  readonly lane: number;
  readonly range: TileRange;
}

/**
 * One output channel's weights into its lane of the tiles [tap][input tile], element (c div 2) * 64 + lane * 2 + (c mod
 * 2). Returns their sum as they are stored.
 */
function packFilter(from: MatrixNode, filter: Filter, tiles: Uint8Array | Uint16Array): number {
  const { geometry: g, weights, outputsLast = false } = from;
  const inPerGroup = g.inChannels / g.groups;
  const group = Math.floor(filter.channel / (g.outChannels / g.groups));
  const taps = g.kernelHeight * g.kernelWidth;
  const firstLane = group * inPerGroup - filter.range.begin * 32;
  const tapPitch = filter.range.count * TILE_ELEMENTS;
  const step = outputsLast ? g.outChannels : 1;
  let source = filter.channel * (outputsLast ? 1 : weightsCount(from));
  let sum = 0;
  for (let c = firstLane; c < firstLane + inPerGroup; c++) {
    const lane = c & 31;
    let target = (c >> 5) * TILE_ELEMENTS + (lane >> 1) * 64 + filter.lane * 2 + (lane & 1);
    for (let tap = 0; tap < taps; tap++, source += step) {
      const weight = weights[source] ?? 0;
      tiles[target] = weight;
      sum += weight;
      target += tapPitch;
    }
  }
  return sum;
}

const TILE_ELEMENTS = 1024;
