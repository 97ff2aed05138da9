/** Functions of one element, sums and products of two tensors or of a tensor and a value a channel. */
import { concatBytes } from "../../../protocol/base/bytes.ts";
import { linear } from "../emitter.ts";
import type { FunctionKernel } from "../function-kernel.ts";
import { isPixel, laneOf } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { pairKernel } from "./pair-kernel.ts";
import type { PairArithmetic } from "./pair-kernel.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Chunk, Stage, ValueId, Work } from "../stage.ts";
import { clampParameters } from "./clamp.ts";
import { linearSegments, maskedSegments, runOf, tileSegments } from "./segments.ts";
import type { Segment } from "./segments.ts";

export interface TableNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly grid: Grid;
  /** An entry for every stored input, from the lowest on. */
  readonly table: Int8Array | Int16Array;
  readonly zeroPointIn: number;
  readonly zeroPointOut: number;
}

export function tableStage(from: TableNode): Stage {
  // Lanes outside the image hold the zero point; where the table keeps that, they need no mask.
  const keepsZero = from.table[from.zeroPointIn + from.table.length / 2] === from.zeroPointOut;
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.grid.rows,
    chunks: [constants(bytesOf(from.table))],
    emit: (work) => {
      const { first: row } = work.rows;
      const { contexts } = work.emit;
      const { vectorBytes } = from.grid.format;
      const segments = keepsZero
        ? linearSegments(from.grid, contexts)
        : maskedSegments(from.grid, row, contexts);
      for (const segment of segments) {
        work.emit.vector({
          kernel: from.table instanceof Int8Array ? "lut_i8" : "lut_i16",
          shape: { parameters: { outside: from.zeroPointOut } },
          operands: {
            x: linear(work.input(0).offset(row, segment.tile, segment.column), vectorBytes),
            table: linear(work.constants),
            y: linear(work.output.offset(row, segment.tile, segment.column), vectorBytes),
          },
          ...runOf(segment),
        });
      }
    },
  };
}

function bytesOf(data: StoredArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export interface FunctionNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly grid: Grid;
  readonly of: FunctionKernel;
}

/** A function of one element that a kernel of its own computes. */
export function functionStage(from: FunctionNode): Stage {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.grid.rows,
    emit: (work) => {
      const { first: row } = work.rows;
      const { vectorBytes } = from.grid.format;
      for (const segment of maskedSegments(from.grid, row, work.emit.contexts)) {
        const { tile, column } = segment;
        work.emit.vector({
          ...from.of,
          operands: {
            x: linear(work.input(0).offset(row, tile, column), vectorBytes),
            y: linear(work.output.offset(row, tile, column), vectorBytes),
          },
          ...runOf(segment),
        });
      }
    },
  };
}

/** Elements as they are stored; fp16 as bits. */
export type StoredArray = Int8Array | Int16Array | Uint16Array;

/** The second operand: a tensor of the same shape, a tensor of one pixel, or constants of one pixel. */
export type SecondOperand =
  | { readonly kind: "tensor"; readonly value: ValueId; readonly grid: Grid }
  | { readonly kind: "constant"; readonly channels: StoredArray };

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
    chunks: pairConstants(from),
    scratchBytes: 0,
    follows: true,
    emit: (work) => emitPair(from, perChannel, work),
  };
}

/** All pairs' results, where a table holds them, then the second operand, where it is constant. */
function pairConstants({ arithmetic, b, grid }: PairNode): Chunk[] {
  const table = arithmetic.kind === "table" ? [bytesOf(arithmetic.table)] : [];
  const channels = b.kind === "constant" ? [channelConstants(grid, b.channels)] : [];
  const parts = [...table, ...channels];
  return parts.length === 0 ? [] : [constants(concatBytes(parts))];
}

function channelConstants(grid: Grid, channels: StoredArray): Uint8Array {
  const bytes = new Uint8Array(grid.tiles * grid.format.pixelBytes);
  const { bytes: size } = grid.format;
  const from = bytesOf(channels);
  for (let channel = 0; channel < grid.channels; channel++) {
    const { tile, lane } = laneOf(grid, channel);
    const at = (tile * 32 + lane) * size;
    bytes.set(from.subarray(channel * size, (channel + 1) * size), at);
  }
  return bytes;
}

function emitPair(from: PairNode, perChannel: boolean, work: Work): void {
  const { first: row } = work.rows;
  const run = pairKernel({ ...from, perChannel, isConstant: from.b.kind === "constant" });
  const { vectorBytes } = from.grid.format;
  for (const segment of pairSegments(from, perChannel, work)) {
    const { tile, column } = segment;
    work.emit.vector({
      ...run,
      operands: {
        a: linear(work.input(0).offset(row, tile, column), vectorBytes),
        b: secondOperand(from, perChannel, { work, row, segment }),
        table: linear(work.constants),
        y: linear(work.output.offset(row, tile, column), vectorBytes),
      },
      ...runOf(segment),
    });
  }
}

function secondOperand(
  from: PairNode,
  perChannel: boolean,
  at: { readonly work: Work; readonly row: number; readonly segment: Segment },
) {
  const { tile, column } = at.segment;
  if (from.b.kind === "constant") {
    const tableBytes = from.arithmetic.kind === "table" ? from.arithmetic.table.length : 0;
    return linear(at.work.constants + tableBytes + tile * from.grid.format.pixelBytes);
  }
  if (perChannel) return linear(at.work.input(1).offset(0, tile, 0));
  return linear(at.work.input(1).offset(at.row, tile, column), from.grid.format.vectorBytes);
}

function pairSegments(from: PairNode, perChannel: boolean, work: Work): Segment[] {
  const { contexts } = work.emit;
  if (perChannel) {
    return tileSegments(from.grid, work.rows.first, { contexts, cyclesPerVector: 6 });
  }
  return keepsZero(from)
    ? linearSegments(from.grid, contexts)
    : maskedSegments(from.grid, work.rows.first, contexts);
}

/** Outside lanes hold the operands' zero points: whether the output's comes of them. */
function keepsZero(from: PairNode): boolean {
  const { arithmetic, zeroPointA, zeroPointB, zeroPointOut } = from;
  if (arithmetic.kind === "table") {
    return arithmetic.table[(zeroPointA + 128) * 256 + zeroPointB + 128] === zeroPointOut;
  }
  const { low, high } = clampParameters(from.grid.format.dtype, from);
  return low <= zeroPointOut && zeroPointOut <= high;
}
