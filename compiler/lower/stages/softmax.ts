/** Softmax over the channels of every pixel: maximum, sum of table exponentials, division. */
import { linear } from "../emitter.ts";
import { validRows } from "../grid.ts";
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
    emit: (work) => emitSoftmax(from, vectors, work),
  };
}

/** The table; per lane of the last tile the penalty (0 or -1024) and the factor (1 or 0). */
function packConstants(from: SoftmaxNode): Uint8Array {
  const words = new Int32Array((TABLE_BYTES + 2 * MASK_BYTES) / 4);
  words.set(from.table.subarray(0, 256));
  const lastLanes = from.grid.channels - (from.grid.tiles - 1) * 32;
  for (let lane = 0; lane < 32; lane++) {
    words[256 + lane] = lane < lastLanes ? 0 : PENALTY;
    words[288 + lane] = lane < lastLanes ? 1 : 0;
  }
  return new Uint8Array(words.buffer);
}

function emitSoftmax(from: SoftmaxNode, vectors: number, work: Work): void {
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
    masked: tile === grid.tiles - 1 && grid.channels % 32 !== 0 ? 1 : 0,
    chained: tile === 0 ? 0 : 1,
  });
  for (const kernel of ["softmax_maximum_i8", "softmax_sum_i8"] as const) {
    for (let tile = 0; tile < grid.tiles; tile++) {
      const operands = { ...common, x: operand(tile) };
      work.emit.vector({ kernel, shape: { counts: counts(tile) }, operands, vectors });
    }
  }
  const parameters = { inverse_scale: from.inverseScale, zero_y: from.zeroPointOut };
  for (let tile = 0; tile < grid.tiles; tile++) {
    work.emit.vector({
      kernel: "softmax_finish_i8",
      shape: { parameters },
      operands: { ...common, x: operand(tile), y: linear(work.output.offset(row, tile, 0), 128) },
      vectors,
      rows: validRows(grid, row),
      columns: grid.width,
    });
  }
}
