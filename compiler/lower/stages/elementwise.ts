/** Functions of one element, sums and products of two tensors or of a tensor and a value a channel. */
import { linear } from "../emitter.ts";
import type { VectorRun } from "../emitter.ts";
import { isPixel } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, sameRows } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import { linearSegments, maskedSegments, tileSegments } from "./segments.ts";
import type { Segment } from "./segments.ts";

export interface TableNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly grid: Grid;
  /** 256 entries, indexed by stored input + 128. */
  readonly table: Int8Array;
  readonly zeroPointIn: number;
  readonly zeroPointOut: number;
}

export function tableStage(from: TableNode): Stage {
  // Lanes outside the image hold the zero point; where the table keeps that, they need no mask.
  const keepsZero = from.table[from.zeroPointIn + 128] === from.zeroPointOut;
  return {
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.grid.rows,
    unitRows: 1,
    inputRows: sameRows,
    views: [],
    chunks: [constants(new Uint8Array(from.table.buffer, from.table.byteOffset, 256))],
    scratchBytes: 0,
    follows: true,
    emit: (work) => {
      const { first: row } = work.rows;
      const { contexts } = work.emit;
      const segments = keepsZero
        ? linearSegments(from.grid, contexts)
        : maskedSegments(from.grid, row, contexts);
      for (const segment of segments) {
        work.emit.vector({
          kernel: "lut_i8",
          shape: { parameters: { outside: from.zeroPointOut } },
          operands: {
            x: linear(work.input(0).offset(row, segment.tile, segment.column), 128),
            table: linear(work.constants),
            y: linear(work.output.offset(row, segment.tile, segment.column), 128),
          },
          ...maskOf(segment),
        });
      }
    },
  };
}

/** What an addition or a multiplication does, beyond which tensors it takes. */
export type PairArithmetic =
  | { readonly kind: "add"; readonly scaleA: number; readonly scaleB: number }
  | { readonly kind: "multiply"; readonly scale: number };

/** The second operand: a tensor of the same shape, a tensor of one pixel, or constants of one pixel. */
export type SecondOperand =
  | { readonly kind: "tensor"; readonly value: ValueId; readonly grid: Grid }
  | { readonly kind: "constant"; readonly channels: Int8Array };

export interface PairNode {
  readonly node: string;
  readonly arithmetic: PairArithmetic;
  readonly a: ValueId;
  readonly b: SecondOperand;
  readonly output: ValueId;
  readonly grid: Grid;
  readonly zeroPointA: number;
  readonly zeroPointB: number;
  readonly zeroPointOut: number;
  readonly low: number;
  readonly high: number;
}

export function pairStage(from: PairNode): Stage {
  const { b } = from;
  const perChannel = b.kind === "constant" || (isPixel(b.grid) && !isPixel(from.grid));
  return {
    node: from.node,
    inputs: b.kind === "tensor" ? [from.a, b.value] : [from.a],
    output: from.output,
    rows: from.grid.rows,
    unitRows: 1,
    inputRows: (input, rows) => (input === 1 && perChannel ? { first: 0, last: 0 } : rows),
    views: [],
    chunks: b.kind === "constant" ? [constants(channelConstants(from.grid, b.channels))] : [],
    scratchBytes: 0,
    follows: true,
    emit: (work) => emitPair(from, perChannel, work),
  };
}

function channelConstants(grid: Grid, channels: Int8Array): Uint8Array {
  const bytes = new Uint8Array(grid.tiles * 32);
  bytes.set(new Uint8Array(channels.buffer, channels.byteOffset, channels.length));
  return bytes;
}

function emitPair(from: PairNode, perChannel: boolean, work: Work): void {
  const { first: row } = work.rows;
  const run = pairKernel(from, perChannel);
  for (const segment of pairSegments(from, perChannel, work)) {
    const { tile, column } = segment;
    work.emit.vector({
      ...run,
      operands: {
        a: linear(work.input(0).offset(row, tile, column), 128),
        b: secondOperand(from, perChannel, { work, row, segment }),
        y: linear(work.output.offset(row, tile, column), 128),
      },
      ...maskOf(segment),
    });
  }
}

function secondOperand(
  from: PairNode,
  perChannel: boolean,
  at: { readonly work: Work; readonly row: number; readonly segment: Segment },
) {
  const { tile, column } = at.segment;
  if (from.b.kind === "constant") return linear(at.work.constants + tile * 32);
  if (perChannel) return linear(at.work.input(1).offset(0, tile, 0));
  return linear(at.work.input(1).offset(at.row, tile, column), 128);
}

function pairSegments(from: PairNode, perChannel: boolean, work: Work): Segment[] {
  const { contexts } = work.emit;
  if (perChannel) {
    return tileSegments(from.grid, work.rows.first, { contexts, cyclesPerVector: 6 });
  }
  // Outside lanes hold the operands' zero points, whose sum and product is the output's.
  const keepsZero = from.low <= from.zeroPointOut && from.zeroPointOut <= from.high;
  if (keepsZero) return linearSegments(from.grid, contexts);
  return maskedSegments(from.grid, work.rows.first, contexts);
}

const INT16_MAX = 32767;

function pairKernel(from: PairNode, perChannel: boolean): Pick<VectorRun, "kernel" | "shape"> {
  const { arithmetic, low, high, zeroPointOut } = from;
  const zeros = { minus_zero_a: -from.zeroPointA, minus_zero_b: -from.zeroPointB };
  const bounds = { zero_y: zeroPointOut, low, high };
  const largest = largestResult(arithmetic);
  const narrow = largest + 128 < INT16_MAX ? 1 : 0;
  const clamp = low > -128 || high < 127 ? 1 : 0;
  const counts = { narrow, wide: 1 - narrow, clamp };
  if (arithmetic.kind === "add") {
    const { scaleA, scaleB } = arithmetic;
    const parameters = { ...zeros, scale_a: scaleA, scale_b: scaleB, ...bounds };
    return { kernel: perChannel ? "add_channel_i8" : "add_i8", shape: { counts, parameters } };
  }
  const parameters = { ...zeros, scale: arithmetic.scale, ...bounds };
  const kernel = perChannel ? "multiply_channel_i8" : "multiply_i8";
  return { kernel, shape: { counts, parameters } };
}

/** Bound on the magnitude before the zero point is added; differences of int8 values are below 256. */
function largestResult(arithmetic: PairArithmetic): number {
  if (arithmetic.kind === "multiply") return 65536 * arithmetic.scale + 1;
  return 256 * (Math.abs(arithmetic.scaleA) + Math.abs(arithmetic.scaleB)) + 1;
}

function maskOf(segment: Segment): Pick<VectorRun, "vectors" | "rows" | "columns"> {
  return { vectors: segment.vectors, rows: segment.rows, columns: segment.columns };
}
