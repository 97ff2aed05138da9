/** Softmax over the channels of every pixel: maximum, sum of table exponentials, division. */
import { linear } from "../emitter.ts";
import { groupTiles, lanesIn, validRows } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, sameRows } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";

export interface SoftmaxNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly grid: Grid;
  /** 256 words: round(exp(scale * (i - 255)) * 2^20). */
  readonly table: Int32Array;
  /** fround(1 / scale of the output). */
  readonly inverseScale: number;
  readonly zeroPointOut: number;
}

/** Below every int8 difference, so that a lowered lane never is the maximum. */
const PENALTY = -1024;
const TABLE_BYTES = 1024;
const MASK_BYTES = 128;
const WORDS_BYTES = 512;

export function softmaxStage(from: SoftmaxNode): Stage {
  const vectors = from.grid.columns * 16;
  return {
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.grid.rows,
    unitRows: 1,
    inputRows: sameRows,
    views: [],
    chunks: [constants(packConstants(from))],
    scratchBytes: 2 * vectors * WORDS_BYTES,
    follows: false,
    emit: (work) => {
      const count = groupTiles(from.grid);
      for (let first = 0; first < from.grid.tiles; first += count) {
        emitSoftmax(from, work, { vectors, first, last: first + count - 1 });
      }
    },
  };
}

/** The table; per lane of the last tile the penalty (0 or -1024) and the factor (1 or 0). */
function packConstants(from: SoftmaxNode): Uint8Array {
  const words = new Int32Array((TABLE_BYTES + 2 * MASK_BYTES) / 4);
  words.set(from.table.subarray(0, 256));
  const lastLanes = lanesIn(from.grid, groupTiles(from.grid) - 1);
  for (let lane = 0; lane < 32; lane++) {
    words[256 + lane] = lane < lastLanes ? 0 : PENALTY;
    words[288 + lane] = lane < lastLanes ? 1 : 0;
  }
  return new Uint8Array(words.buffer);
}

/** The tiles that one softmax runs over. */
interface TileRun {
  readonly vectors: number;
  readonly first: number;
  readonly last: number;
}

function emitSoftmax(from: SoftmaxNode, work: Work, { vectors, first, last }: TileRun): void {
  const { grid } = from;
  const { first: row } = work.rows;
  const operand = (tile: number) => linear(work.input(0).offset(row, tile, 0), 128);
  const common = {
    table: linear(work.constants),
    penalty: linear(work.constants + TABLE_BYTES),
    keep: linear(work.constants + TABLE_BYTES + MASK_BYTES),
    maximum: linear(work.scratch, WORDS_BYTES),
    sum: linear(work.scratch + vectors * WORDS_BYTES, WORDS_BYTES),
  };
  const counts = (tile: number) => ({
    masked: tile === last && grid.groupChannels % 32 !== 0 ? 1 : 0,
    chained: tile === first ? 0 : 1,
  });
  for (const kernel of ["softmax_maximum_i8", "softmax_sum_i8"] as const) {
    for (let tile = first; tile <= last; tile++) {
      const operands = { ...common, x: operand(tile) };
      work.emit.vector({ kernel, shape: { counts: counts(tile) }, operands, vectors });
    }
  }
  const parameters = { inverse_scale: from.inverseScale, zero_y: from.zeroPointOut };
  // Products over the channels count on the zero point in lanes beyond the last one.
  const isGrouped = grid.groupChannels !== grid.channels;
  for (let tile = first; tile <= last; tile++) {
    work.emit.vector({
      kernel: "softmax_finish_i8",
      shape: { counts: { masked: isGrouped ? counts(tile).masked : 0 }, parameters },
      operands: { ...common, x: operand(tile), y: linear(work.output.offset(row, tile, 0), 128) },
      vectors,
      rows: validRows(grid, row),
      columns: grid.width,
    });
  }
}
