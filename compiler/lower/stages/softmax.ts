/** Softmax over the channels of every pixel: maximum, sum of table exponentials, division. */
import { linear } from "../emitter.ts";
import { LANE_WORDS_BYTES, VECTOR_WORDS_BYTES } from "../format.ts";
import { groupTiles, lanesIn, validRows } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import { groupTurns, SLOTS } from "./group-turns.ts";

export interface SoftmaxNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly grid: Grid;
  /** As `grid`, of int8 or int16. */
  readonly outputGrid: Grid;
  readonly rule: SoftmaxRule;
  readonly zeroPointOut: number;
}

export interface SoftmaxRule extends SoftmaxKernels {
  /** 256 words by the channel minus the maximum, the last one for no difference. */
  readonly table: Int32Array;
  /** Of the finish. */
  readonly parameters: Readonly<Record<string, number>>;
}

interface SoftmaxKernels {
  readonly sum: "softmax_sum_i8" | "fixed_softmax_sum_i8";
  readonly finish: "softmax_finish_i8" | "fixed_softmax_finish_i8";
  /** The factor 1 as exponentials are held. */
  readonly one: number;
}

/** Exponentials are whole numbers, whose sum has no order. */
export const INTEGER_SOFTMAX: SoftmaxKernels = {
  ...{ sum: "softmax_sum_i8", finish: "softmax_finish_i8", one: 1 },
};
/** Exponentials are float32, added channel by channel. */
export const FIXED_SOFTMAX: SoftmaxKernels = {
  ...{ sum: "fixed_softmax_sum_i8", finish: "fixed_softmax_finish_i8", one: 0x3f800000 },
};

/** Below every int8 difference, so that a lowered lane never is the maximum. */
const PENALTY = -1024;
const TABLE_BYTES = 1024;
const SHUFFLE_BYTES = 32;
const SHUFFLES_AT = TABLE_BYTES + 2 * LANE_WORDS_BYTES;
const CONSTANT_BYTES = SHUFFLES_AT + 2 * SHUFFLE_BYTES;

export function softmaxStage(from: SoftmaxNode): Stage {
  const vectors = from.grid.columns * 16;
  const slotBytes = 2 * vectors * VECTOR_WORDS_BYTES;
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.grid.rows,
    chunks: [constants(packConstants(from))],
    scratchBytes: SLOTS * slotBytes,
    follows: false,
    emit: (work) => {
      const count = groupTiles(from.grid);
      for (const turn of groupTurns(from.grid)) {
        const runs = turn.map(({ group, slot }): TileRun => {
          const [first, at] = [group * count, work.scratch + slot * slotBytes];
          return { vectors, slot: at, first, last: first + count - 1 };
        });
        emitSoftmax(from, work, runs);
      }
    },
  };
}

/** The table; per lane of the last tile the penalty (0 or -1024) and the factor (1 or 0); shuffles to the next lane and from the first. */
function packConstants({ grid, rule }: SoftmaxNode): Uint8Array {
  const words = new Int32Array(CONSTANT_BYTES / 4);
  words.set(rule.table.subarray(0, 256));
  const lastLanes = lanesIn(grid, groupTiles(grid) - 1);
  const bytes = new Uint8Array(words.buffer);
  for (let lane = 0; lane < 32; lane++) {
    words[256 + lane] = lane < lastLanes ? 0 : PENALTY;
    words[288 + lane] = lane < lastLanes ? rule.one : 0;
    bytes[SHUFFLES_AT + lane] = (lane + 1) % 32;
  }
  return bytes;
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
  for (const kernel of ["softmax_maximum_i8", from.rule.sum] as const) {
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
  step: { kernel: "softmax_maximum_i8" | SoftmaxKernels["sum"]; run: TileRun; tile: number },
): void {
  const { kernel, run, tile } = step;
  const chained = tile === run.first ? 0 : 1;
  const counts = { masked: maskedCount(from, step), chained, fresh: 1 - chained, pairs: 16 };
  const operands = operandsOf(from, work, step);
  work.emit.vector({ kernel, shape: { counts }, operands, vectors: run.vectors });
}

function emitFinish(from: SoftmaxNode, work: Work, step: { run: TileRun; tile: number }): void {
  const { grid, outputGrid } = from;
  const { first: row } = work.rows;
  const parameters = { ...from.rule.parameters, zero_y: from.zeroPointOut };
  const isWide = outputGrid.format.bytes === 2;
  // Products over the channels count on the zero point in lanes beyond the last one.
  const counts = { masked: maskedCount(from, step), wide: Number(isWide) };
  const shape = { counts: { ...counts, narrow: 1 - counts.wide }, parameters };
  const operands = operandsOf(from, work, step);
  const common = { kernel: from.rule.finish, shape, rows: validRows(grid, row) };
  if (!isWide) {
    const y = linear(work.output.offset(row, step.tile, 0), 128);
    const { vectors } = step.run;
    work.emit.vector({ ...common, operands: { ...operands, y }, vectors, columns: grid.width });
    return;
  }
  // Two int16 croutons hold the columns of one of int8: every second vector of it each.
  const { columns: width, vectorsPerCrouton: vectors } = outputGrid.format;
  for (let column = 0; column < outputGrid.columns; column++) {
    const first = Math.floor(column / 2) * grid.format.vectorsPerCrouton + (column % 2);
    const y = linear(work.output.offset(row, step.tile, column), outputGrid.format.vectorBytes);
    const halves = everySecond(operands, first);
    const columns = grid.width - column * width;
    work.emit.vector({
      ...common,
      operands: { ...halves, y },
      vectors,
      columns,
      format: outputGrid.format,
    });
  }
}

function maskedCount({ grid }: SoftmaxNode, step: { run: TileRun; tile: number }): number {
  return step.tile === step.run.last && grid.groupChannels % 32 !== 0 ? 1 : 0;
}

type Operands = Readonly<Record<string, ReturnType<typeof linear>>>;

/** Linear operands from a vector on, with one left out after each; constants as they are. */
function everySecond(operands: Operands, first: number): Operands {
  return Object.fromEntries(
    Object.entries(operands).map(([name, operand]) => {
      if (operand.kind !== "linear" || operand.strideBytes === 0) return [name, operand];
      const { address, strideBytes } = operand;
      const at = address.offset + first * strideBytes;
      return [name, linear(at, 2 * strideBytes)];
    }),
  );
}

function operandsOf(from: SoftmaxNode, work: Work, step: { run: TileRun; tile: number }): Operands {
  const { slot, vectors } = step.run;
  return {
    x: linear(work.input(0).offset(work.rows.first, step.tile, 0), 128),
    table: linear(work.constants),
    penalty: linear(work.constants + TABLE_BYTES),
    keep: linear(work.constants + TABLE_BYTES + LANE_WORDS_BYTES),
    next: linear(work.constants + SHUFFLES_AT),
    first: linear(work.constants + SHUFFLES_AT + SHUFFLE_BYTES),
    maximum: linear(slot, VECTOR_WORDS_BYTES),
    sum: linear(slot + vectors * VECTOR_WORDS_BYTES, VECTOR_WORDS_BYTES),
  };
}
