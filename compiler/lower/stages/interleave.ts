/** 16-bit croutons hold pairs of pixels interleaved: between them and pixels one after another. */
import { CROUTON_BYTES } from "../../../protocol/isa/index.ts";
import type { Operand } from "../../../protocol/isa/index.ts";
import { linear } from "../emitter.ts";
import type { Grid } from "../grid.ts";
import type { Work } from "../stage.ts";
import { inputAt, linearSegments, maskedSegments, outputAt, runOf } from "./segments.ts";
import type { Segment } from "./segments.ts";

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
  for (const segment of maskedSegments(grid, work.rows.first, work.emit.contexts)) {
    work.emit.vector({
      kernel: grid.format.dtype === "f16" ? "interleave_f16" : "interleave_i16",
      shape: { parameters: { outside: from.zeroPoint } },
      operands: { x: plainAt(grid, plain, segment), y: outputAt(work, segment) },
      ...runOf(segment),
    });
  }
}

export function separateRow(grid: Grid, work: Work, plain: number): void {
  for (const segment of linearSegments(grid, work.emit.contexts)) {
    work.emit.vector({
      kernel: grid.format.dtype === "f16" ? "separate_f16" : "separate_i16",
      shape: {},
      operands: { x: inputAt(work, 0, segment), y: plainAt(grid, plain, segment) },
      ...runOf(segment),
    });
  }
}

function plainAt(grid: Grid, plain: number, { format, tile, column }: Segment): Operand {
  return linear(plainRow(grid, plain)(tile, column), format.vectorBytes);
}
