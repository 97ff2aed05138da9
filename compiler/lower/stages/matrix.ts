/** Convolutions and matrix products on the matrix engine: weights packed into tiles, one crouton at a time. */
import type { SocDescription } from "../../../protocol/isa/index.ts";
import { vtcm } from "../emitter.ts";
import { validColumns, validRows } from "../grid.ts";
import { ROW_BY_ROW } from "../stage.ts";
import type { Stage, Work } from "../stage.ts";
import { tileRange } from "./matrix-node.ts";
import type { MatrixNode, TileRange } from "./matrix-node.ts";
import { formatOf, packChunk, splitTiles } from "./pack-weights.ts";
import type { TileChunk } from "./pack-weights.ts";
import { emitProduct } from "./product-format.ts";
import { haloOf, inputRowsOf, windowOf } from "./window.ts";

export function matrixStage(from: MatrixNode): Stage {
  const ranges = Array.from({ length: from.outputGrid.tiles }, (_, tile) => tileRange(from, tile));
  const taps = from.geometry.kernelHeight * from.geometry.kernelWidth;
  const { tileBytes, constantBytes } = formatOf(from);
  const weightBytes = ranges.map(({ count }) => taps * count * tileBytes);
  const chunks = splitTiles({ weightBytes, constantBytes, chunkBytes: from.chunkBytes });
  const halo = haloOf(from.geometry, from.inputGrid, from.requantization.zeroPointIn);
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.outputGrid.rows,
    unitRows: chunks.length > 1 ? from.partRows : 1,
    restreams: chunks.length > 1 && from.partRows < from.outputGrid.rows,
    inputRows: (_, rows) => inputRowsOf(from.geometry, from.inputGrid, rows),
    views: [{ input: 0, halo }],
    chunks: chunks.map((chunk) => ({
      bytes: chunk.bytes,
      pack: () => packChunk(from, chunk, ranges),
    })),
    follows: false,
    emit: (work) => emitMatrix(from, { chunks, ranges }, work),
  };
}

export interface ConstantSizes {
  readonly total: number;
  /** Of one output tile, the most. */
  readonly largest: number;
}

/** Bytes of weights, biases and multipliers as they are packed. */
export function constantSizes(
  from: Pick<MatrixNode, "geometry" | "outputGrid" | "requantization" | "weights">,
): ConstantSizes {
  const { tileBytes, constantBytes } = formatOf(from);
  const taps = from.geometry.kernelHeight * from.geometry.kernelWidth;
  let [total, largest] = [0, 0];
  for (let tile = 0; tile < from.outputGrid.tiles; tile++) {
    const bytes = taps * tileRange(from, tile).count * tileBytes + constantBytes;
    total += bytes;
    largest = Math.max(largest, bytes);
  }
  return { total, largest };
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
  const { tileBytes, biasBytes, weightBytes } = formatOf(from);
  emitProduct(work.emit, {
    dtype: outputGrid.format.dtype,
    weightBytes,
    set,
    rows: validRows(outputGrid, row),
    columns: validColumns(outputGrid, column),
    bias: at.bias,
    multipliers: at.bias + biasBytes,
    product: {
      tapColumns: g.kernelWidth,
      activations: windowOf(g, work.table(0), { row, column }),
      tapBegin: 0,
      tapCount: g.kernelHeight * g.kernelWidth,
      dilationY: g.dilationY,
      dilationX: g.dilationX,
      tileBegin: range.begin,
      tileCount: range.count,
      weights: vtcm(at.weights),
      weightTapPitch: range.count * tileBytes,
      weightTilePitch: tileBytes,
    },
    weightZero: from.weightZero,
    rounds: requantization.fixed?.rounds,
    destination: work.output.offset(row, at.tile, column),
    zeroPoint: requantization.zeroPointOut,
    low: requantization.low,
    high: requantization.high,
  });
}
