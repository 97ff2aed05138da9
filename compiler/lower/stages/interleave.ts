/** 16-bit croutons hold pairs of pixels interleaved: between them and pixels one after another. */
import { CROUTON_BYTES } from "../../../protocol/isa/index.ts";
import { linear } from "../emitter.ts";
import type { Grid } from "../grid.ts";
import type { Work } from "../stage.ts";
import { linearSegments, maskedSegments, runOf } from "./segments.ts";

/** VTCM offset of the croutons of one row. */
export type CroutonRow = (tile: number, column: number) => number;

export function outputRow(work: Work): CroutonRow {
  return (tile, column) => work.output.offset(work.rows.first, tile, column);
}

/** 16-bit croutons interleave pairs of pixels: a row of them as it lies before that, pixel after pixel. */
export function plainRow(grid: Grid, at: number): CroutonRow {
  return (tile, column) => at + (tile * grid.columns + column) * CROUTON_BYTES;
}

export function plainRowBytes(grid: Grid): number {
  return grid.format.bytes === 1 ? 0 : grid.rowBytes;
}

export interface Interleaved {
  readonly grid: Grid;
  readonly zeroPoint: number;
}

export function interleaveRow(from: Interleaved, work: Work, plain: number): void {
  const { grid } = from;
  const { format } = grid;
  const source = plainRow(grid, plain);
  const { first: row } = work.rows;
  for (const segment of maskedSegments(grid, row, work.emit.contexts)) {
    const { tile, column } = segment;
    work.emit.vector({
      kernel: format.dtype === "f16" ? "interleave_f16" : "interleave_i16",
      shape: { parameters: { outside: from.zeroPoint } },
      operands: {
        x: linear(source(tile, column), format.vectorBytes),
        y: linear(outputRow(work)(tile, column), format.vectorBytes),
      },
      ...runOf(segment),
    });
  }
}

export function separateRow(grid: Grid, work: Work, plain: number): void {
  const { format } = grid;
  for (const segment of linearSegments(grid, work.emit.contexts)) {
    const { tile, column } = segment;
    const source = work.input(0).offset(work.rows.first, tile, column);
    work.emit.vector({
      kernel: format.dtype === "f16" ? "separate_f16" : "separate_i16",
      shape: {},
      operands: {
        x: linear(source, format.vectorBytes),
        y: linear(plainRow(grid, plain)(tile, column), format.vectorBytes),
      },
      ...runOf(segment),
    });
  }
}
