/** Pooling over windows, and over the whole image. */
import { divCeil } from "../../../protocol/base/integers.ts";
import { CROUTON_ROWS } from "../../../protocol/isa/index.ts";
import type { PoolGeometry } from "../../ir/ops/pooling.ts";
import { linear } from "../emitter.ts";
import type { VectorRun } from "../emitter.ts";
import type { KernelName } from "../../kernels/index.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import { LANE_WORDS_BYTES, PIXEL_WORDS_BYTES } from "../format.ts";
import type { FormatName } from "../format.ts";
import { outputAt, runOf, tileSegments } from "./segments.ts";
import { inputRowsOf, tapsOf, vectorGeometry, vectorHaloOf, windowAt } from "./window.ts";

export interface PoolNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly inputGrid: Grid;
  readonly outputGrid: Grid;
  readonly geometry: PoolGeometry;
  readonly zeroPointIn: number;
  readonly zeroPointOut: number;
}

/** The identity of the maximum. */
export const LOWEST: Readonly<Record<FormatName, number>> = {
  i8: -128,
  i16: -32768,
  f16: -Infinity,
};
/** Sums of more taps could leave the 16 bits that add_i8 has. */
export const AVERAGE_TAPS_MAX = 255;

/** Lanes outside the image must hold LOWEST in the input: see `readsOutside` and fillOutsideStage. */
export function maxPoolStage(from: PoolNode): Stage {
  const [first = 0, ...tap] = tapsOf(from.geometry);
  const shape = {
    counts: { taps: tap.length },
    parameters: { first, tap, outside: from.zeroPointOut },
  };
  const { dtype } = from.inputGrid.format;
  return windowStage(from, { kernel: `max_pool_${dtype}`, shape, fill: LOWEST[dtype] });
}

/** The mean over a window of which every tap counts; padding counts as zero. */
export function averagePoolStage(from: PoolNode, multiplier: number): Stage {
  const [first = 0, ...tap] = tapsOf(from.geometry);
  const shape = {
    counts: { taps: tap.length },
    parameters: {
      ...{ first, tap, scale: multiplier, zero_y: from.zeroPointOut },
      offset: -from.zeroPointIn * (tap.length + 1),
    },
  };
  const kernel = `average_pool_${from.inputGrid.format.dtype}` as const;
  return windowStage(from, { kernel, shape, fill: from.zeroPointIn });
}

/**
 * The mean of stored numbers over the part of each window that lies in the image; outside it, the input must
 * hold the origin where `varying`.
 */
export function storedAverageStage(from: PoolNode, origin: number, varying: boolean): Stage {
  const [first = 0, ...tap] = tapsOf(from.geometry);
  const count = tap.length + 1;
  const parameters = {
    ...{ first, tap, origin, offset: -origin * count },
    ...{ factor: countFactor(count), zero_y: from.zeroPointOut },
  };
  const counts = { taps: tap.length, uniform: varying ? 0 : 1, varying: varying ? 1 : 0 };
  const shape = { counts, parameters };
  const factors = varying ? pixelFactors(from) : new Uint8Array(0);
  return windowStage(from, { kernel: "fixed_average_pool_i8", shape, fill: origin, factors });
}

/** Factors of the pixels of a crouton, vector by vector. */
const FACTOR_BYTES = 256;

/** By crouton of the output, each pixel's factor for the taps that lie in the image. */
function pixelFactors({ geometry: g, outputGrid }: PoolNode): Uint8Array {
  const inside = (at: number, axis: Axis): number => {
    const start = at * axis.stride - axis.pad;
    return Math.max(0, Math.min(start + axis.kernel, axis.size) - Math.max(start, 0));
  };
  const vertical = { stride: g.strideY, pad: g.padTop, kernel: g.kernelHeight, size: g.inHeight };
  const horizontal = { stride: g.strideX, pad: g.padLeft, kernel: g.kernelWidth, size: g.inWidth };
  const words = new Int32Array((outputGrid.rows * outputGrid.columns * FACTOR_BYTES) / 4);
  for (let at = 0; at < words.length; at++) {
    const [crouton, pixel] = [Math.floor(at / 64), at % 64];
    const y = Math.floor(crouton / outputGrid.columns) * CROUTON_ROWS + Math.floor(pixel / 8);
    const x = (crouton % outputGrid.columns) * 8 + (pixel % 8);
    const count = inside(y, vertical) * inside(x, horizontal);
    words[at] = count === 0 ? 0 : countFactor(count);
  }
  return new Uint8Array(words.buffer);
}

interface Axis {
  readonly stride: number;
  readonly pad: number;
  readonly kernel: number;
  readonly size: number;
}

type WindowKernel = Pick<VectorRun, "kernel" | "shape"> & {
  readonly fill: number;
  /** Of each pixel, where they have some. */
  readonly factors?: Uint8Array;
};

function windowStage(from: PoolNode, kernel: WindowKernel): Stage {
  const geometry = vectorGeometry(from.geometry, from.inputGrid.format);
  const halo = vectorHaloOf(from.geometry, from.inputGrid, kernel.fill);
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.outputGrid.rows,
    inputRows: (_, rows) => inputRowsOf(geometry, from.inputGrid, rows),
    views: [{ input: 0, halo }],
    chunks: kernel.factors?.length ? [constants(kernel.factors)] : [],
    follows: false,
    emit: (work) => emitWindow(from, kernel, work),
  };
}

function emitWindow(from: PoolNode, kernel: WindowKernel, work: Work): void {
  const { first: row } = work.rows;
  const { contexts } = work.emit;
  const cyclesPerVector = 2 * from.geometry.kernelHeight * from.geometry.kernelWidth;
  for (const segment of tileSegments(from.outputGrid, row, { contexts, cyclesPerVector })) {
    const { tile, column } = segment;
    work.emit.vector({
      kernel: kernel.kernel,
      shape: kernel.shape,
      operands: {
        x: windowAt(from.geometry, work.table(0), { row, tile, column }),
        factors: linear(
          work.constants + (row * from.outputGrid.columns + column) * FACTOR_BYTES,
          PIXEL_WORDS_BYTES,
        ),
        y: outputAt(work, segment),
      },
      ...runOf(segment),
    });
  }
}

/** What a sum over all pixels becomes. */
export interface Mean {
  readonly kernel: KernelName;
  readonly parameters: Readonly<Record<string, number>>;
  /** The stored number that is subtracted from every summand. */
  readonly origin: number;
}

export function realMean({ zeroPointIn, inputGrid }: WholeImage, scale: number): Mean {
  const kernel = `global_average_finish_${inputGrid.format.dtype}` as const;
  return { kernel, parameters: { scale }, origin: zeroPointIn };
}

/** The mean of stored numbers, ties away from the origin. */
export function storedMean(count: number, origin: number): Mean {
  const parameters = { factor: countFactor(count), origin };
  return { kernel: "fixed_average_finish_i8", parameters, origin };
}

/** Windows up to this size: with it, countFactor's error is less than the distance to the next tie. */
export const STORED_COUNT_MAX = 2048;

/**
 * A sum of `count` bytes times this, divided by 2^31 and rounded, is their mean with ties away from zero: a
 * little more than 2^31 / count, so that a tie never looks like less.
 */
export function countFactor(count: number): number {
  return Math.min(Math.floor(2 ** 31 / count) + 1, 2 ** 31 - 1);
}

/** A pooling whose window is the image. */
export type WholeImage = Omit<PoolNode, "geometry">;

/** The mean over all pixels: row sums in scratch memory, chained, then one pixel; of a small image all at once. */
export function globalAverageStage(from: WholeImage, mean: Mean): Stage {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: 1,
    inputRows: () => ({ first: 0, last: from.inputGrid.rows - 1 }),
    scratchBytes: isSummedAtOnce(from.inputGrid)
      ? 0
      : from.inputGrid.tiles * LANE_WORDS_BYTES * partCount(from.inputGrid),
    follows: false,
    emit: (work) => emitGlobalAverage(from, mean, work),
  };
}

/** Sums run in this many independent chains a tile, so that few channels still use all contexts. */
function partCount(grid: Grid): number {
  // The order of float sums is fixed.
  if (grid.format.dtype === "f16") return 1;
  return Math.min(grid.rows, Math.max(1, divCeil(4, grid.tiles)));
}

/** Operands of a run bound its rows, or vectors; a run of float sums has one, as their order is fixed. */
const RUN_ROWS_MAX = 16;

/** The rows of a chain, run by run. */
function chainParts(grid: Grid, chains: number, chain: number): number[][] {
  const rows = Array.from({ length: grid.rows }, (_, row) => row).filter(
    (row) => row % chains === chain,
  );
  const most = grid.format.dtype === "f16" ? 1 : RUN_ROWS_MAX;
  return Array.from({ length: divCeil(rows.length, most) }, (_, part) =>
    rows.slice(part * most, (part + 1) * most),
  );
}

function emitGlobalAverage(from: WholeImage, mean: Mean, work: Work): void {
  const { inputGrid: grid } = from;
  const small = isSummedAtOnce(grid);
  const chains = small ? 0 : partCount(grid);
  if (!small) emitSums(from, work);
  const { format } = grid;
  // Lanes outside the image hold the zero point.
  const lanes = grid.rows * grid.columns * CROUTON_ROWS * format.columns;
  const outside = lanes - grid.pixels;
  const offset = -from.zeroPointIn * outside - mean.origin * grid.pixels;
  const vectors = small ? rowVectors(grid) : 0;
  for (let tile = 0; tile < grid.tiles; tile++) {
    const image = work.input(0).offset(0, tile, 0);
    work.emit.vector({
      format,
      kernel: mean.kernel,
      shape: {
        counts: { chains, vectors, small: small ? 1 : 0 },
        parameters: { ...mean.parameters, offset, zero_y: from.zeroPointOut },
      },
      operands: {
        x: Array.from({ length: vectors }, (_, vector) =>
          linear(image + vector * format.vectorBytes),
        ),
        totals: Array.from({ length: chains }, (_, chain) =>
          linear(totalAt(from, work, { tile, chain })),
        ),
        y: linear(work.output.offset(0, tile, 0), format.vectorBytes),
      },
      vectors: format.vectorsPerCrouton,
      rows: 1,
      columns: 1,
    });
  }
}

function rowVectors(grid: Grid): number {
  return grid.columns * grid.format.vectorsPerCrouton;
}

/** Whether the image is one row of croutons, whose vectors the last run can have as operands of their own. */
function isSummedAtOnce(grid: Grid): boolean {
  return grid.rows === 1 && rowVectors(grid) <= RUN_ROWS_MAX;
}

function totalAt(
  { inputGrid }: WholeImage,
  { scratch }: Work,
  at: { readonly tile: number; readonly chain: number },
): number {
  return scratch + (at.tile * partCount(inputGrid) + at.chain) * LANE_WORDS_BYTES;
}

/** Sums of rows into scratch memory, chain by chain. */
function emitSums(from: WholeImage, work: Work): void {
  const { inputGrid: grid } = from;
  const chains = partCount(grid);
  const { format } = grid;
  const parts = Array.from({ length: chains }, (_, chain) => chainParts(grid, chains, chain));
  for (let part = 0; part < (parts[0]?.length ?? 0); part++) {
    for (let tile = 0; tile < grid.tiles; tile++) {
      parts.forEach((chainRows, chain) => {
        const rows = chainRows[part];
        if (rows === undefined) return;
        const at = (row: number) => linear(work.input(0).offset(row, tile, 0), format.vectorBytes);
        work.emit.vector({
          format,
          kernel: `global_average_sum_${format.dtype}`,
          shape: { counts: { rows: rows.length, chained: part === 0 ? 0 : 1 } },
          operands: { x: rows.map(at), total: linear(totalAt(from, work, { tile, chain })) },
          vectors: rowVectors(grid),
        });
      });
    }
  }
}
