/** Convolutions and matrix products on the matrix engine: weights packed into tiles, one crouton at a time. */
import { divCeil } from "../../../protocol/base/integers.ts";
import { WEIGHT_TILE_BYTES } from "../../../protocol/isa/index.ts";
import type { SocDescription } from "../../../protocol/isa/index.ts";
import type { ConvolutionGeometry } from "../../ir/ops/convolution.ts";
import { vtcm } from "../emitter.ts";
import { validColumns, validRows } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { WHOLE_UNIT } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import { haloOf, inputRowsOf, windowOf } from "./window.ts";

/** What the accumulators start from and how they are requantised. */
export interface Requantization {
  readonly zeroPointIn: number;
  readonly zeroPointOut: number;
  /** One multiplier per output channel. */
  readonly multipliers: Float32Array;
  readonly low: number;
  readonly high: number;
}

export interface MatrixNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly inputGrid: Grid;
  readonly outputGrid: Grid;
  readonly geometry: ConvolutionGeometry;
  /** [out][in / groups][kernel height][kernel width]. */
  readonly weights: Int8Array;
  readonly bias: ArrayLike<number> | undefined;
  readonly requantization: Requantization;
  /** Weights above twice this size are brought in and used in parts of about this size. */
  readonly chunkBytes: number;
}

/** Input tiles that the 32 channels of an output tile read; a part of them where the groups allow. */
export interface TileRange {
  readonly begin: number;
  readonly count: number;
}

/** A run of output tiles whose constants lie together: weight tiles, then biases and multipliers. */
interface TileChunk {
  readonly first: number;
  readonly last: number;
  /** Offsets in the chunk by output tile minus `first`. */
  readonly weights: readonly number[];
  readonly biases: readonly number[];
  readonly bytes: number;
}

const BIAS_BYTES = 128;
const CONSTANT_BYTES = 2 * BIAS_BYTES;

export function matrixStage(from: MatrixNode): Stage {
  const ranges = Array.from({ length: from.outputGrid.tiles }, (_, tile) => tileRange(from, tile));
  const taps = from.geometry.kernelHeight * from.geometry.kernelWidth;
  const tileBytes = ranges.map(({ count }) => taps * count * WEIGHT_TILE_BYTES + CONSTANT_BYTES);
  const chunks = splitTiles(tileBytes, from.chunkBytes);
  const halo = haloOf(from.geometry, from.inputGrid, from.requantization.zeroPointIn);
  return {
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.outputGrid.rows,
    unitRows: chunks.length > 1 ? WHOLE_UNIT : 1,
    inputRows: (_, rows) => inputRowsOf(from.geometry, from.inputGrid, rows),
    views: [{ input: 0, halo }],
    chunks: chunks.map((chunk) => ({
      bytes: chunk.bytes,
      pack: () => packChunk(from, chunk, ranges),
    })),
    scratchBytes: 0,
    follows: false,
    emit: (work) => emitMatrix(from, { chunks, ranges }, work),
  };
}

/** Cycles of one output crouton: bias, tile products, and handing the set to the output path. */
export function matrixCroutonCycles(tileProducts: number, soc: SocDescription): number {
  const { startupCycles, tileCyclesInt8, storeCycles } = soc.hmx;
  return Math.max(startupCycles + tileProducts * tileCyclesInt8 + 3, storeCycles);
}

/** Cycles of the whole node on the matrix engine. */
export function matrixCycles(
  from: Pick<MatrixNode, "geometry" | "outputGrid">,
  soc: SocDescription,
): number {
  const { geometry: g, outputGrid } = from;
  let cycles = 0;
  for (let tile = 0; tile < outputGrid.tiles; tile++) {
    const products = g.kernelHeight * g.kernelWidth * tileRange(from, tile).count;
    cycles += outputGrid.rows * outputGrid.columns * matrixCroutonCycles(products, soc);
  }
  return cycles;
}

export function tileRange(
  { geometry: g }: Pick<MatrixNode, "geometry">,
  outputTile: number,
): TileRange {
  const outPerGroup = g.outChannels / g.groups;
  const inPerGroup = g.inChannels / g.groups;
  const lastChannel = Math.min(outputTile * 32 + 31, g.outChannels - 1);
  const firstGroup = Math.floor((outputTile * 32) / outPerGroup);
  const lastGroup = Math.floor(lastChannel / outPerGroup);
  const begin = Math.floor((firstGroup * inPerGroup) / 32);
  const end = divCeil((lastGroup + 1) * inPerGroup, 32);
  return { begin, count: end - begin };
}

function splitTiles(tileBytes: readonly number[], chunkBytes: number): TileChunk[] {
  const total = tileBytes.reduce((sum, bytes) => sum + bytes, 0);
  const limit = total <= 2 * chunkBytes ? total : chunkBytes;
  const chunks: TileChunk[] = [];
  let first = 0;
  let bytes = 0;
  tileBytes.forEach((size, tile) => {
    if (tile > first && bytes + size > limit) {
      chunks.push(layoutChunk(tileBytes, first, tile - 1));
      first = tile;
      bytes = 0;
    }
    bytes += size;
  });
  chunks.push(layoutChunk(tileBytes, first, tileBytes.length - 1));
  return chunks;
}

function layoutChunk(tileBytes: readonly number[], first: number, last: number): TileChunk {
  let offset = 0;
  const weights = tileBytes.slice(first, last + 1).map((bytes) => {
    const at = offset;
    offset += bytes - CONSTANT_BYTES;
    return at;
  });
  const biases = weights.map((_, index) => offset + index * CONSTANT_BYTES);
  return { first, last, weights, biases, bytes: offset + weights.length * CONSTANT_BYTES };
}

function packChunk(from: MatrixNode, chunk: TileChunk, ranges: readonly TileRange[]): Uint8Array {
  const bytes = new Uint8Array(chunk.bytes);
  const view = new DataView(bytes.buffer);
  const { geometry: g, requantization } = from;
  const perChannel = (g.inChannels / g.groups) * g.kernelHeight * g.kernelWidth;
  for (let tile = chunk.first; tile <= chunk.last; tile++) {
    const range = ranges[tile] ?? { begin: 0, count: 0 };
    const weightsAt = chunk.weights[tile - chunk.first] ?? 0;
    const biasAt = chunk.biases[tile - chunk.first] ?? 0;
    const lanes = Math.min(32, g.outChannels - tile * 32);
    for (let lane = 0; lane < lanes; lane++) {
      const channel = tile * 32 + lane;
      packFilter(from, { channel, lane, range }, bytes.subarray(weightsAt));
      let sum = 0;
      for (let at = channel * perChannel; at < (channel + 1) * perChannel; at++) {
        sum += from.weights[at] ?? 0;
      }
      const bias = ((from.bias?.[channel] ?? 0) - requantization.zeroPointIn * sum) | 0;
      view.setInt32(biasAt + 4 * lane, bias, true);
      view.setFloat32(
        biasAt + BIAS_BYTES + 4 * lane,
        requantization.multipliers[channel] ?? 0,
        true,
      );
    }
  }
  return bytes;
}

interface Filter {
  readonly channel: number;
  readonly lane: number;
  readonly range: TileRange;
}

/** One output channel's weights into its lane of the tiles [tap][input tile], byte (c div 2) * 64 + lane * 2 + (c mod 2). */
function packFilter(from: MatrixNode, filter: Filter, tiles: Uint8Array): void {
  const { geometry: g, weights } = from;
  const inPerGroup = g.inChannels / g.groups;
  const group = Math.floor(filter.channel / (g.outChannels / g.groups));
  const taps = g.kernelHeight * g.kernelWidth;
  const firstLane = group * inPerGroup - filter.range.begin * 32;
  const tapPitch = filter.range.count * WEIGHT_TILE_BYTES;
  let source = filter.channel * inPerGroup * taps;
  for (let c = firstLane; c < firstLane + inPerGroup; c++) {
    const lane = c & 31;
    let target = (c >> 5) * 1024 + (lane >> 1) * 64 + filter.lane * 2 + (lane & 1);
    for (let tap = 0; tap < taps; tap++, source++) {
      tiles[target] = weights[source] ?? 0;
      target += tapPitch;
    }
  }
}

interface MatrixLayout {
  readonly chunks: readonly TileChunk[];
  readonly ranges: readonly TileRange[];
}

function emitMatrix(from: MatrixNode, layout: MatrixLayout, work: Work): void {
  const chunk = layout.chunks[work.chunk];
  if (chunk === undefined) return;
  let set = 0;
  for (let row = work.rows.first; row <= work.rows.last; row++) {
    for (let tile = chunk.first; tile <= chunk.last; tile++) {
      const range = layout.ranges[tile] ?? { begin: 0, count: 0 };
      const weights = work.constants + (chunk.weights[tile - chunk.first] ?? 0);
      const bias = work.constants + (chunk.biases[tile - chunk.first] ?? 0);
      for (let column = 0; column < from.outputGrid.columns; column++, set = 1 - set) {
        emitCrouton(from, work, { row, tile, column, set, range, weights, bias });
      }
    }
  }
}

export interface OutputCrouton {
  readonly row: number;
  readonly tile: number;
  readonly column: number;
  readonly set: number;
  readonly range: TileRange;
  /** VTCM offsets; the multipliers follow the biases. */
  readonly weights: number;
  readonly bias: number;
}

/** Accumulator sets alternate, so that one crouton's store runs beside the next one's products. */
export function emitCrouton(from: MatrixNode, work: Work, at: OutputCrouton): void {
  const { geometry: g, requantization, outputGrid } = from;
  const { row, column, set, range } = at;
  const [rows, columns] = [validRows(outputGrid, row), validColumns(outputGrid, column)];
  work.emit.matrix({ op: "hmx.load", set, bias: vtcm(at.bias) });
  work.emit.matrix({
    op: "hmx.mac",
    set,
    rows,
    columns,
    tapColumns: g.kernelWidth,
    activations: windowOf(g, work.table(0), { row, column }),
    tapBegin: 0,
    tapCount: g.kernelHeight * g.kernelWidth,
    dilationY: g.dilationY,
    dilationX: g.dilationX,
    tileBegin: range.begin,
    tileCount: range.count,
    weights: vtcm(at.weights),
    weightTapPitch: range.count * WEIGHT_TILE_BYTES,
    weightTilePitch: WEIGHT_TILE_BYTES,
  });
  work.emit.matrix({
    op: "hmx.store",
    set,
    mode: 0,
    rows,
    columns,
    destination: vtcm(work.output.offset(row, at.tile, column)),
    multipliers: vtcm(at.bias + BIAS_BYTES),
    zeroPoint: requantization.zeroPointOut,
    low: requantization.low,
    high: requantization.high,
  });
}
