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
  const slotBytes = 2 * vectors * WORDS_BYTES;
  return {
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.grid.rows,
    unitRows: 1,
    inputRows: sameRows,
    views: [],
    chunks: [constants(packConstants(from))],
    scratchBytes: SLOTS * slotBytes,
    follows: false,
    emit: (work) => {
      const count = groupTiles(from.grid);
      const groups = from.grid.tiles / count;
      for (let begin = 0; begin < groups; begin += SLOTS) {
        const inTurn = Math.min(SLOTS, groups - begin);
        const runs = Array.from({ length: inTurn }, (_, index): TileRun => {
          const first = (begin + index) * count;
          const slot = work.scratch + index * slotBytes;
          return { vectors, slot, first, last: first + count - 1 };
        });
        emitSoftmax(from, work, runs);
      }
    },
  };
}

/** So many groups go step by step together: the steps of one wait for each other, and contexts need not. */
const SLOTS = 4;

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
  /** VTCM offset of the maxima; the sums lie behind them. */
  readonly slot: number;
  readonly first: number;
  readonly last: number;
}

/** Step by step; each step for all runs. */
function emitSoftmax(from: SoftmaxNode, work: Work, runs: readonly TileRun[]): void {
  const count = groupTiles(from.grid);
  for (const kernel of ["softmax_maximum_i8", "softmax_sum_i8"] as const) {
    for (let tile = 0; tile < count; tile++) {
      for (const run of runs) emitReduction(from, work, { kernel, run, tile: run.first + tile });
    }
  }
  for (const run of runs) {
    for (let tile = run.first; tile <= run.last; tile++) emitFinish(from, work, { run, tile });
  }
}

function emitReduction(
  from: SoftmaxNode,
  work: Work,
  step: { kernel: "softmax_maximum_i8" | "softmax_sum_i8"; run: TileRun; tile: number },
): void {
  const { kernel, run, tile } = step;
  const counts = { masked: maskedCount(from, step), chained: tile === run.first ? 0 : 1 };
  const operands = operandsOf(from, work, step);
  work.emit.vector({ kernel, shape: { counts }, operands, vectors: run.vectors });
}

function emitFinish(from: SoftmaxNode, work: Work, step: { run: TileRun; tile: number }): void {
  const { grid } = from;
  const { first: row } = work.rows;
  const parameters = { inverse_scale: from.inverseScale, zero_y: from.zeroPointOut };
  // Products over the channels count on the zero point in lanes beyond the last one.
  const isGrouped = grid.groupChannels !== grid.channels;
  const y = linear(work.output.offset(row, step.tile, 0), 128);
  work.emit.vector({
    kernel: "softmax_finish_i8",
    shape: { counts: { masked: isGrouped ? maskedCount(from, step) : 0 }, parameters },
    operands: { ...operandsOf(from, work, step), y },
    vectors: step.run.vectors,
    rows: validRows(grid, row),
    columns: grid.width,
  });
}

function maskedCount({ grid }: SoftmaxNode, step: { run: TileRun; tile: number }): number {
  return step.tile === step.run.last && grid.groupChannels % 32 !== 0 ? 1 : 0;
}

function operandsOf(from: SoftmaxNode, work: Work, step: { run: TileRun; tile: number }) {
  const { slot, vectors } = step.run;
  return {
    x: linear(work.input(0).offset(work.rows.first, step.tile, 0), 128),
    table: linear(work.constants),
    penalty: linear(work.constants + TABLE_BYTES),
    keep: linear(work.constants + TABLE_BYTES + MASK_BYTES),
    maximum: linear(slot, WORDS_BYTES),
    sum: linear(slot + vectors * WORDS_BYTES, WORDS_BYTES),
  };
}
