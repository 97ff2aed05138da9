/** Linear resizing: every output pixel between four of the input, one pixel row of the output a run. */
import { concatBytes } from "../../../protocol/base/bytes.ts";
import { CROUTON_BYTES, CROUTON_ROWS } from "../../../protocol/isa/index.ts";
import type { Operand } from "../../../protocol/isa/index.ts";
import type { StoredAxis } from "../../ir/index.ts";
import type { LerpAxis } from "../../ir/ops/lerp.ts";
import { linear, pixelOperand } from "../emitter.ts";
import { PIXEL_ROW_BYTES, PIXEL_WORDS_BYTES } from "../format.ts";
import { validRows } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { PixelTable, RowRange, Stage, ValueId, Work } from "../stage.ts";
import { emitFill } from "./fill.ts";
import { packedWeights, weightOperands } from "./lerp-weights.ts";
import { pixelOffset } from "./moves.ts";

export interface LerpNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly inputGrid: Grid;
  /** As many columns as fill croutons, where weights are floats. */
  readonly outputGrid: Grid;
  readonly vertical: LerpAxis | StoredAxis;
  readonly horizontal: LerpAxis | StoredAxis;
  readonly zeroPoint: number;
}

/** int8 croutons have two vectors of a pixel row: each of the two parts of a row is a run with croutons apart. */
function partsOf(grid: Grid): number {
  return grid.format.columns / 4;
}

export function lerpStage(from: LerpNode): Stage {
  const { outputGrid: grid } = from;
  const parts = Array.from({ length: partsOf(grid) }, (_, part) => part);
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: grid.rows,
    inputRows: (_, rows) => lerpRows(from, rows),
    pixelTables: parts.flatMap((part) => [
      columnTable(from, part, from.horizontal.low),
      columnTable(from, part, from.horizontal.high),
    ]),
    chunks: [constants(packWeights(from))],
    follows: false,
    emit: (work) => {
      for (let y = 0; y < CROUTON_ROWS; y++) {
        for (let tile = 0; tile < grid.tiles; tile++) {
          for (const part of parts) emitRun(from, work, { y, tile, part });
        }
      }
    },
  };
}

/** Rows of the input, in croutons, that rows of the output lie between. */
export function lerpRows(
  { outputGrid, vertical }: Pick<LerpNode, "outputGrid" | "vertical">,
  { first, last }: RowRange,
): RowRange {
  const lastRow = Math.min((last + 1) * CROUTON_ROWS, outputGrid.height) - 1;
  const low = vertical.low[first * CROUTON_ROWS] ?? 0;
  const high = vertical.high[lastRow] ?? 0;
  return { first: Math.floor(low / CROUTON_ROWS), last: Math.floor(high / CROUTON_ROWS) };
}

/** Output columns of a part, in the order of its vectors. */
function columnsOf(grid: Grid, part: number): number[] {
  return Array.from({ length: grid.columns * 4 }, (_, index) => {
    return Math.floor(index / 4) * grid.format.columns + part * 4 + (index % 4);
  });
}

/** Bytes from the first crouton of an input row to the pixel that each output column takes. */
function columnTable(from: LerpNode, part: number, taken: Int32Array): PixelTable {
  const columns = columnsOf(from.outputGrid, part);
  const { format } = from.inputGrid;
  return {
    entries: columns.length,
    write: (into) => {
      columns.forEach((column, index) => {
        const x = taken[column] ?? 0;
        const crouton = Math.floor(x / format.columns) * CROUTON_BYTES;
        into[index] = crouton + pixelOffset(format, 0, x);
      });
    },
  };
}

function columnsOfParts(grid: Grid): number[] {
  return Array.from({ length: partsOf(grid) }, (_, part) => columnsOf(grid, part)).flat();
}

/**
 * Horizontal weights, part by part. Then vertical ones, four times for a row's vectors; or of whole numbers, where
 * some columns lie beside the image, 1 for each that does not.
 */
function packWeights({ outputGrid: grid, horizontal, vertical }: LerpNode): Uint8Array {
  const columns = columnsOfParts(grid);
  const weights = columns.map((column) => horizontal.weight[column] ?? 0);
  if (horizontal.weight instanceof Int32Array) {
    const inside = isRagged(grid) ? columns.map((column) => (column < grid.width ? 1 : 0)) : [];
    return new Uint8Array(Int32Array.from([...weights, ...inside]).buffer);
  }
  const { dtype } = grid.format;
  const down = Array.from({ length: 4 * grid.height }, (_, at) => vertical.weight[at >> 2] ?? 0);
  return concatBytes([packedWeights(dtype, weights), packedWeights(dtype, down)]);
}

/** Of one row, whose number in the image is `at`. */
function weightsOf(
  { outputGrid: grid, vertical }: LerpNode,
  work: Work,
  { at, part }: { readonly at: number; readonly part: number },
): { readonly operands: Readonly<Record<string, Operand>>; readonly weightY: number } {
  const { columns: vectors, format } = grid;
  const pixels = 4 * partsOf(grid) * vectors;
  const offset = work.constants;
  if (vertical.weight instanceof Int32Array) {
    const weightsAt = offset + part * vectors * PIXEL_WORDS_BYTES;
    const operands = {
      weight_x: linear(weightsAt, PIXEL_WORDS_BYTES),
      inside: linear(weightsAt + partsOf(grid) * vectors * PIXEL_WORDS_BYTES, PIXEL_WORDS_BYTES),
    };
    return { operands, weightY: vertical.weight[at] ?? 0 };
  }
  const { dtype } = format;
  const bytes = pixels * (dtype === "i8" ? 2 : 4);
  const across = weightOperands("x", { dtype, offset, pixels, first: part * vectors });
  const rows = { dtype, offset: offset + bytes, pixels: 4 * grid.height };
  const operands = { ...across, ...weightOperands("y", { ...rows, first: at, same: true }) };
  return { operands, weightY: 0 };
}

function isRagged({ width, format }: Grid): boolean {
  return width % format.columns !== 0;
}

interface RunAt {
  /** Pixel row of the crouton row. */
  readonly y: number;
  readonly tile: number;
  readonly part: number;
}

function emitRun(from: LerpNode, work: Work, { y, tile, part }: RunAt): void {
  const { outputGrid: grid, vertical } = from;
  const { format, columns: vectors } = grid;
  const { first: row } = work.rows;
  const target = work.output.offset(row, tile, 0) + y * PIXEL_ROW_BYTES + part * format.vectorBytes;
  if (y >= validRows(grid, row)) {
    const outside = { format, value: from.zeroPoint, at: target, vectors };
    emitFill(work.emit, { ...outside, strideBytes: CROUTON_BYTES });
    return;
  }
  const at = row * CROUTON_ROWS + y;
  const rowOffset = (source: number): number =>
    work.input(0).offset(Math.floor(source / CROUTON_ROWS), tile, 0) +
    (source % CROUTON_ROWS) * PIXEL_ROW_BYTES;
  const [top, bottom] = [rowOffset(vertical.low[at] ?? 0), rowOffset(vertical.high[at] ?? 0)];
  const [left, right] = [work.pixelTable(2 * part), work.pixelTable(2 * part + 1)];
  const isFixed = vertical.weight instanceof Int32Array;
  const { operands, weightY } = weightsOf(from, work, { at, part });
  work.emit.vector({
    format,
    kernel: isFixed ? "fixed_lerp_i8" : `lerp_${format.dtype}`,
    shape: {
      counts: { ragged: isRagged(grid) ? 1 : 0 },
      parameters: { weight_y: weightY, place: 0, zero_y: from.zeroPoint },
    },
    operands: {
      top_left: pixelOperand(left, top),
      top_right: pixelOperand(right, top),
      bottom_left: pixelOperand(left, bottom),
      bottom_right: pixelOperand(right, bottom),
      ...operands,
      y: linear(target, CROUTON_BYTES),
    },
    vectors,
  });
}
