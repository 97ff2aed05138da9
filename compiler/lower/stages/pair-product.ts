/**
 * Products of two activations on the matrix engine: the second operand is packed into weight tiles, group by
 * group (the heads of attention), while the products of the group before run.
 */
import { alignUp, divCeil } from "../../../protocol/base/integers.ts";
import { CROUTON_BYTES, CROUTON_CHANNELS } from "../../../protocol/isa/index.ts";
import { linear, vtcm } from "../emitter.ts";
import { PIXEL_WORDS_BYTES } from "../format.ts";
import { groupTiles, validColumns, validRows } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, WHOLE_UNIT } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import type { Requantization } from "./matrix-node.ts";
import { emitProduct, MULTIPLIER_BYTES, PAIR_PRODUCTS } from "./product-format.ts";
import { POINTWISE, windowOf } from "./window.ts";

export interface PairProductNode {
  readonly node: string;
  readonly a: ValueId;
  readonly b: ValueId;
  readonly output: ValueId;
  readonly aGrid: Grid;
  /** Pixels without neighbours, one crouton wide. */
  readonly bGrid: Grid;
  readonly outputGrid: Grid;
  /** Whether b's pixels are the outputs (and its channels what is summed over), or the other way round. */
  readonly transposed: boolean;
  /** What counts as zero in b. */
  readonly weightZero: number;
  /** The first of its multipliers is that of all outputs. */
  readonly requantization: Requantization;
}

/** Channel tiles whose sum one run takes. */
export const SUMMED_TILES_MAX = 12;
const BLOCK_PIXELS = 32;
const CONSTANT_BYTES = 512;
/** Groups whose packed operand is in memory at once. */
const SLOTS = 2;
const NO_HALO = { top: 0, left: 0, bottom: 0, right: 0, fill: 0 };

/** In tiles of 32: what one group of the product spans. */
interface Sizes {
  readonly groups: number;
  readonly depth: number;
  readonly outputs: number;
}

function sizesOf(from: PairProductNode): Sizes {
  const { aGrid, outputGrid } = from;
  const groups = outputGrid.channels / outputGrid.groupChannels;
  return { groups, depth: aGrid.tiles / groups, outputs: groupTiles(outputGrid) };
}

export function pairProductStage(from: PairProductNode): Stage {
  const sizes = sizesOf(from);
  return {
    node: from.node,
    inputs: [from.a, from.b],
    output: from.output,
    rows: from.outputGrid.rows,
    unitRows: WHOLE_UNIT,
    inputRows: (input) => ({ first: 0, last: (input === 0 ? from.aGrid : from.bGrid).rows - 1 }),
    views: [{ input: 0, halo: NO_HALO }],
    chunks: [constants(packConstants(from))],
    scratchBytes: SLOTS * slotBytes(from, sizes),
    follows: false,
    emit: (work) => {
      for (let group = 0; group < sizes.groups; group++) {
        const slot = work.scratch + (group % SLOTS) * slotBytes(from, sizes);
        const packed = { ...sizes, group, weights: slot };
        packGroup(from, work, packed);
        multiplyGroup(from, work, packed);
      }
    },
  };
}

/** 32 biases of zero, behind them the multiplier for each output, and its shift where there is one. */
function packConstants({ requantization, outputGrid }: PairProductNode): Uint8Array {
  const { biasBytes } = PAIR_PRODUCTS[outputGrid.format.dtype];
  const bytes = new Uint8Array(CONSTANT_BYTES);
  const reals = new Float32Array(bytes.buffer, biasBytes, BLOCK_PIXELS);
  const [fixed] = requantization.fixed?.multipliers ?? [];
  if (fixed === undefined) reals.fill(requantization.multipliers[0] ?? 0);
  else {
    new Int32Array(bytes.buffer, biasBytes, BLOCK_PIXELS).fill(fixed.mantissa);
    new Int32Array(bytes.buffer, biasBytes + MULTIPLIER_BYTES, BLOCK_PIXELS).fill(fixed.shift);
  }
  return bytes;
}

interface Packed extends Sizes {
  readonly group: number;
  /** VTCM offset of tiles [output][depth]; the biases of all outputs lie behind them. */
  readonly weights: number;
}

function slotBytes(from: PairProductNode, { depth, outputs }: Sizes): number {
  const { tileBytes, biasBytes } = PAIR_PRODUCTS[from.outputGrid.format.dtype];
  return alignUp(outputs * (depth * tileBytes + biasBytes), 128);
}

/** Where one output tile's weights and biases lie. */
interface OutputTile {
  readonly weights: number;
  readonly tilePitch: number;
  readonly bias: number;
}

function outputTile(
  from: PairProductNode,
  work: Work,
  at: Packed & { output: number },
): OutputTile {
  const { tileBytes, biasBytes } = PAIR_PRODUCTS[from.outputGrid.format.dtype];
  const biases = at.weights + at.outputs * at.depth * tileBytes;
  const bias =
    from.requantization.zeroPointIn === 0 ? work.constants : biases + at.output * biasBytes;
  if (isTiled(from)) {
    // A 16-bit crouton is a weight tile whose rows are its pixels.
    const first = work.input(1).offset(0, at.group * at.outputs + at.output, 0);
    return { weights: first, tilePitch: from.bGrid.rowBytes, bias };
  }
  return { weights: at.weights + at.output * at.depth * tileBytes, tilePitch: tileBytes, bias };
}

function isTiled(from: PairProductNode): boolean {
  return !from.transposed && from.bGrid.format.bytes === 2;
}

function packGroup(from: PairProductNode, work: Work, at: Packed): void {
  if (isTiled(from)) return;
  const { tileBytes } = PAIR_PRODUCTS[from.outputGrid.format.dtype];
  const channelTiles = from.transposed ? at.depth : at.outputs;
  const { zeroPointIn } = from.requantization;
  for (let tile = 0; tile < channelTiles; tile++) {
    const source = work.input(1).offset(0, at.group * channelTiles + tile, 0);
    const [step, first] = from.transposed
      ? [at.depth * tileBytes, tile * tileBytes]
      : [tileBytes, tile * at.depth * tileBytes];
    packTile(from, work, { source, destination: at.weights + first, step });
    if (zeroPointIn !== 0 && !from.transposed) sumColumns(from, work, { ...at, output: tile });
  }
  if (zeroPointIn !== 0 && from.transposed) sumPixels(from, work, at);
}

interface TilePack {
  /** VTCM offsets: the tile's croutons, one a row; the first of its weight tiles. */
  readonly source: number;
  readonly destination: number;
  /** From the weight tile of 32 pixels to that of the next 32. */
  readonly step: number;
}

/** int8 croutons hold two blocks of 32 pixels, 16-bit ones a single block. */
function packTile(
  from: PairProductNode,
  work: Work,
  { source, destination, step }: TilePack,
): void {
  const { format, pixels, rowBytes } = from.bGrid;
  const blocks = divCeil(pixels, BLOCK_PIXELS);
  const perCrouton = format.bytes === 1 ? 2 : 1;
  for (let part = 0; part < Math.min(perCrouton, blocks); part++) {
    work.emit.pack({
      elementBytes: format.bytes,
      transposed: from.transposed ? 1 : 0,
      tiles: divCeil(blocks - part, perCrouton),
      source: vtcm(source + part * (CROUTON_BYTES / 2)),
      destination: vtcm(destination + part * step),
      sourcePitch: rowBytes,
      destinationPitch: perCrouton * step,
    });
  }
}

/** Rows of b's croutons, and how many vectors of each hold packed pixels. */
function packedRows({ pixels, format }: Grid): number[] {
  const blocks = divCeil(pixels, BLOCK_PIXELS);
  const half = format.vectorsPerCrouton / 2;
  return Array.from(
    { length: divCeil(blocks, 2) },
    (_, row) => half * Math.min(2, blocks - 2 * row),
  );
}

/** What a's zero point adds to every sum of an output, negated: the bias that takes it off. */
function sumColumns(from: PairProductNode, work: Work, at: Packed & { output: number }): void {
  const { bGrid, weightZero } = from;
  const { bias } = outputTile(from, work, at);
  const rows = packedRows(bGrid);
  rows.forEach((vectors, row) => {
    const source = work.input(1).offset(row, at.group * at.outputs + at.output, 0);
    const isLast = row === rows.length - 1;
    work.emit.vector({
      format: bGrid.format,
      kernel: "column_sums_i8",
      shape: {
        counts: { chained: row === 0 ? 0 : 1, closed: isLast ? 1 : 0 },
        parameters: {
          factor: -from.requantization.zeroPointIn,
          start: 0 - weightZero * vectors,
        },
      },
      operands: { x: linear(source, bGrid.format.vectorBytes), total: linear(bias) },
      vectors,
    });
  });
}

/** The same where b's pixels are the outputs. */
function sumPixels(from: PairProductNode, work: Work, at: Packed): void {
  const { bGrid, weightZero } = from;
  const { bias } = outputTile(from, work, { ...at, output: 0 });
  const tiles = Array.from({ length: at.depth }, (_, tile) => at.group * at.depth + tile);
  let first = bias;
  packedRows(bGrid).forEach((vectors, row) => {
    work.emit.vector({
      format: bGrid.format,
      kernel: "pixel_sums_i8",
      shape: {
        counts: { tiles: at.depth },
        parameters: {
          factor: -from.requantization.zeroPointIn,
          start: 0 - weightZero * CROUTON_CHANNELS * at.depth,
        },
      },
      operands: {
        x: tiles.map((tile) =>
          linear(work.input(1).offset(row, tile, 0), bGrid.format.vectorBytes),
        ),
        total: linear(first, PIXEL_WORDS_BYTES),
      },
      vectors,
    });
    first += vectors * PIXEL_WORDS_BYTES;
  });
}

function multiplyGroup(from: PairProductNode, work: Work, at: Packed): void {
  const { outputGrid: grid, requantization } = from;
  const { dtype } = grid.format;
  const table = work.table(0);
  const { biasBytes, weightBytes } = PAIR_PRODUCTS[dtype];
  const multipliers = work.constants + biasBytes;
  let set = 0;
  for (let output = 0; output < at.outputs; output++) {
    const { weights, tilePitch, bias } = outputTile(from, work, { ...at, output });
    for (let row = 0; row < grid.rows; row++) {
      for (let column = 0; column < grid.columns; column++, set = 1 - set) {
        emitProduct(work.emit, {
          weightZero: from.weightZero,
          rounds: requantization.fixed?.rounds,
          dtype,
          weightBytes,
          set,
          rows: validRows(grid, row),
          columns: validColumns(grid, column),
          bias,
          multipliers,
          product: {
            ...SINGLE_TAP,
            activations: windowOf(POINTWISE, table, { row, column }),
            tileBegin: at.group * at.depth,
            tileCount: at.depth,
            weights: vtcm(weights),
            weightTapPitch: at.depth * tilePitch,
            weightTilePitch: tilePitch,
          },
          destination: work.output.offset(row, at.group * at.outputs + output, column),
          zeroPoint: requantization.zeroPointOut,
          low: requantization.low,
          high: requantization.high,
        });
      }
    }
  }
}

const SINGLE_TAP = { tapColumns: 1, tapBegin: 0, tapCount: 1, dilationY: 1, dilationX: 1 };
