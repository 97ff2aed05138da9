/** Functions of one element, sums and products of two tensors or of a tensor and a value a channel. */
import { concatBytes } from "../../../protocol/base/bytes.ts";
import type { Operand } from "../../../protocol/isa/index.ts";
import { linear } from "../emitter.ts";
import type { VectorRun } from "../emitter.ts";
import type { FunctionKernel } from "../function-kernel.ts";
import { isPixel, laneOf } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { pairKernel } from "./pair-kernel.ts";
import type { PairArithmetic } from "./pair-kernel.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Chunk, Stage, ValueId, Work } from "../stage.ts";
import { clampParameters } from "./clamp.ts";
import {
  inputAt,
  linearSegments,
  maskedSegments,
  outputAt,
  runOf,
  tileSegments,
} from "./segments.ts";
import type { Segment } from "./segments.ts";

/** A tensor and what becomes of it, which lies alike. */
export interface ElementNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly grid: Grid;
}

/** A kernel with operands x and y, and `table` where there is one. */
interface ElementKernel extends Pick<VectorRun, "kernel" | "shape"> {
  readonly table?: Uint8Array;
  /** Whether lanes outside the image, which hold the zero point, get the right value without a mask. */
  readonly keepsZero?: boolean;
}

function elementStage(from: ElementNode, { table, keepsZero, ...run }: ElementKernel): Stage {
  const { grid } = from;
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: grid.rows,
    chunks: table === undefined ? [] : [constants(table)],
    emit: (work) => {
      const { contexts } = work.emit;
      const segments = keepsZero
        ? linearSegments(grid, contexts)
        : maskedSegments(grid, work.rows.first, contexts);
      for (const segment of segments) {
        const [x, y] = [inputAt(work, 0, segment), outputAt(work, segment)];
        const operands = { x, table: linear(work.constants), y };
        work.emit.vector({ ...run, operands, ...runOf(segment) });
      }
    },
  };
}

export interface TableNode extends ElementNode {
  /** An entry for every stored input, from the lowest on. */
  readonly table: Int8Array | Int16Array;
  readonly zeroPointIn: number;
  readonly zeroPointOut: number;
}

export function tableStage(from: TableNode): Stage {
  const { table, zeroPointIn, zeroPointOut } = from;
  return elementStage(from, {
    kernel: table instanceof Int8Array ? "lut_i8" : "lut_i16",
    shape: { parameters: { outside: zeroPointOut } },
    table: bytesOf(table),
    keepsZero: table[zeroPointIn + table.length / 2] === zeroPointOut,
  });
}

/** A function of one element that a kernel of its own computes. */
export function functionStage(from: ElementNode & { readonly of: FunctionKernel }): Stage {
  return elementStage(from, from.of);
}

/** A copy of the input whose lanes outside the image hold `outside`. */
export function fillOutsideStage(from: ElementNode, outside: number): Stage {
  const kernel = `copy_${from.grid.format.dtype}` as const;
  return elementStage(from, { kernel, shape: { parameters: { outside } } });
}

function bytesOf(data: StoredArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
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
    ...ROW_BY_ROW,
    node: from.node,
    inputs: b.kind === "tensor" ? [from.a, b.value] : [from.a],
    output: from.output,
    rows: from.grid.rows,
    inputRows: (input, rows) => (input === 1 && perChannel ? { first: 0, last: 0 } : rows),
    chunks: pairConstants(from),
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
  const run = pairKernel({ ...from, perChannel, isConstant: from.b.kind === "constant" });
  for (const segment of pairSegments(from, perChannel, work)) {
    work.emit.vector({
      ...run,
      operands: {
        a: inputAt(work, 0, segment),
        b: secondOperand(from, perChannel, { work, segment }),
        table: linear(work.constants),
        y: outputAt(work, segment),
      },
      ...runOf(segment),
    });
  }
}

function secondOperand(
  from: PairNode,
  perChannel: boolean,
  { work, segment }: { readonly work: Work; readonly segment: Segment },
): Operand {
  const { tile } = segment;
  if (from.b.kind === "constant") {
    const tableBytes = from.arithmetic.kind === "table" ? from.arithmetic.table.length : 0;
    return linear(work.constants + tableBytes + tile * from.grid.format.pixelBytes);
  }
  if (perChannel) return linear(work.input(1).offset(0, tile, 0));
  return inputAt(work, 1, segment);
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
