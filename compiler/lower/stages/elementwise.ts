/** Functions of one element, sums and products of two tensors or of a tensor and a value a channel. */
import { concatBytes } from "../../../protocol/base/bytes.ts";
import type { FixedMultiplier, RaisedSum, ShiftedSum } from "../../ir/index.ts";
import { linear } from "../emitter.ts";
import type { VectorRun } from "../emitter.ts";
import type { FunctionKernel } from "../function-kernel.ts";
import { isPixel, laneOf } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Chunk, Stage, ValueId, Work } from "../stage.ts";
import { clampCount, clampParameters } from "./clamp.ts";
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

/** What an addition or a multiplication does, beyond which tensors it takes. */
export type PairArithmetic =
  | { readonly kind: "add"; readonly scaleA: number; readonly scaleB: number }
  | { readonly kind: "multiply"; readonly scale: number }
  | ({ readonly kind: "shifted" } & ShiftedSum)
  | ({ readonly kind: "raised"; readonly minus: 0 | 1 } & RaisedSum)
  | { readonly kind: "fixed"; readonly scaleY: FixedMultiplier }
  | { readonly kind: "table"; readonly table: Int8Array }
  | { readonly kind: "float"; readonly op: "add" | "subtract" | "multiply" };

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
  const run = pairKernel(from, perChannel);
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

const INT16_MAX = 32767;

function pairKernel(from: PairNode, perChannel: boolean): Pick<VectorRun, "kernel" | "shape"> {
  const { arithmetic, zeroPointOut } = from;
  const { dtype } = from.grid.format;
  const { low, high } = clampParameters(dtype, from);
  const variant = perChannel ? "_channel" : "";
  const constant = from.b.kind === "constant" ? 1 : 0;
  const source = { constant, pixel: 1 - constant };
  if (arithmetic.kind === "float") {
    const counts = { ...source, ...clampCount(dtype, from) };
    const shape = { counts, parameters: { low, high } };
    return { kernel: `${arithmetic.op}${variant}_f16`, shape };
  }
  if (arithmetic.kind === "table") {
    return { kernel: `pair_table${variant}_i8`, shape: { parameters: { zero_y: zeroPointOut } } };
  }
  const stored = dtype === "f16" ? "i16" : dtype;
  const zeros = { minus_zero_a: -from.zeroPointA, minus_zero_b: -from.zeroPointB };
  const bounds = { zero_y: zeroPointOut, low, high };
  if (arithmetic.kind === "raised" || arithmetic.kind === "fixed") {
    const name = arithmetic.kind === "raised" ? "fixed_add" : "fixed_multiply";
    const minus = arithmetic.kind === "raised" ? arithmetic.minus : 0;
    const counts = { ...source, plus: 1 - minus, minus, ...clampCount(dtype, from) };
    const parameters = { ...zeros, ...bounds, ...fixedParameters(arithmetic) };
    return { kernel: `${name}${variant}_i16`, shape: { counts, parameters } };
  }
  const largest = largestResult(arithmetic);
  const narrow = largest + 128 < INT16_MAX ? 1 : 0;
  const counts = { ...source, narrow, wide: 1 - narrow, ...clampCount(dtype, from) };
  if (arithmetic.kind === "shifted") {
    const { multiplierA: scale_a, multiplierB: scale_b, shift } = arithmetic;
    const zeroSum = from.zeroPointA * scale_a + from.zeroPointB * scale_b;
    const offset = (2 ** (shift - 1) - zeroSum) | 0;
    const shape = { counts, parameters: { scale_a, scale_b, offset, shift, ...bounds } };
    return { kernel: `fixed_add${variant}_i8`, shape };
  }
  if (arithmetic.kind === "add") {
    const { scaleA, scaleB } = arithmetic;
    const parameters = { ...zeros, scale_a: scaleA, scale_b: scaleB, ...bounds };
    return { kernel: `add${variant}_${stored}`, shape: { counts, parameters } };
  }
  const parameters = { ...zeros, scale: arithmetic.scale, ...bounds };
  return { kernel: `multiply${variant}_${stored}`, shape: { counts, parameters } };
}

/** Multipliers and shifts: operands are below their common scale, so only the result may be raised. */
function fixedParameters(
  arithmetic: Extract<PairArithmetic, { kind: "raised" | "fixed" }>,
): Readonly<Record<string, number>> {
  const { scaleY } = arithmetic;
  const result = {
    scale_y: scaleY.mantissa,
    left_y: Math.max(scaleY.shift, 0),
    right_y: Math.max(-scaleY.shift, 0),
  };
  if (arithmetic.kind === "fixed") return result;
  const { raise, scaleA, scaleB } = arithmetic;
  const operands = { raise, scale_a: scaleA.mantissa, right_a: -scaleA.shift };
  return { ...result, ...operands, scale_b: scaleB.mantissa, right_b: -scaleB.shift };
}

/** Bound on the magnitude before the zero point is added; differences of int8 values are below 256. */
function largestResult(
  arithmetic: Extract<PairArithmetic, { kind: "add" | "multiply" | "shifted" }>,
): number {
  if (arithmetic.kind === "multiply") return 65536 * arithmetic.scale + 1;
  if (arithmetic.kind === "shifted") {
    const { multiplierA, multiplierB, shift } = arithmetic;
    return (256 * (Math.abs(multiplierA) + Math.abs(multiplierB))) / 2 ** shift + 1;
  }
  return 256 * (Math.abs(arithmetic.scaleA) + Math.abs(arithmetic.scaleB)) + 1;
}
