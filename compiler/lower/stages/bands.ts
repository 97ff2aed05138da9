/** Bands of columns: a part of an image as an image of its own, and such parts side by side. */
import { CROUTON_BYTES, CROUTON_ROWS } from "../../../protocol/isa/index.ts";
import { vtcm } from "../emitter.ts";
import { PIXEL_ROW_BYTES } from "../format.ts";
import type { Grid } from "../grid.ts";
import { ROW_BY_ROW } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import { emitFill } from "./fill.ts";

/** Pixels that lie next to each other in every format. */
export const BAND_ALIGNMENT = 2;

export interface BandCut {
  readonly node: string;
  readonly input: ValueId;
  readonly inputGrid: Grid;
  readonly output: ValueId;
  readonly outputGrid: Grid;
  /** The input's column that is the output's first; a multiple of BAND_ALIGNMENT. */
  readonly start: number;
  /** What columns beyond the image hold. */
  readonly zeroPoint: number;
}

/** The columns of the input from `start` on, as many as the output has. */
export function bandCutStage(from: BandCut): Stage {
  return bandStage({ node: from.node, inputs: [from.input], output: from.output }, from, (work) => {
    const { columns } = from.inputGrid.format;
    const [column, shift] = [Math.floor(from.start / columns), from.start % columns];
    if (shift > 0 && column + from.outputGrid.columns >= from.inputGrid.columns)
      fillLast(from, work);
    for (let tile = 0; tile < from.outputGrid.tiles; tile++) {
      copyPart(from, work, { tile, column, shift, pixels: columns - shift, to: 0 });
      if (shift === 0) continue;
      const rest = { shift: 0, pixels: shift, to: columns - shift };
      copyPart(from, work, { tile, column: column + 1, ...rest });
    }
  });
}

/** A part of the last crouton is beyond the input's. */
function fillLast({ outputGrid: grid, zeroPoint: value }: BandCut, work: Work): void {
  const { format } = grid;
  for (let tile = 0; tile < grid.tiles; tile++) {
    const at = work.output.offset(work.rows.first, tile, grid.columns - 1);
    emitFill(work.emit, { format, value, at, vectors: format.vectorsPerCrouton });
  }
}

/** Columns `shift` and after of croutons from `column` on become columns `to` and after of the output's croutons. */
interface Part {
  readonly tile: number;
  readonly column: number;
  readonly shift: number;
  readonly pixels: number;
  readonly to: number;
}

function copyPart(from: BandCut, work: Work, { tile, column, shift, pixels, to }: Part): void {
  const { pixelBytes } = from.outputGrid.format;
  const planes = Math.min(from.outputGrid.columns, from.inputGrid.columns - column);
  if (planes <= 0) return;
  const { first: row } = work.rows;
  work.emit.copy("out", {
    source: vtcm(work.input(0).offset(row, tile, column) + shift * pixelBytes),
    destination: vtcm(work.output.offset(row, tile, 0) + to * pixelBytes),
    bytes: pixels * pixelBytes,
    rows: CROUTON_ROWS,
    sourceRowStride: PIXEL_ROW_BYTES,
    destinationRowStride: PIXEL_ROW_BYTES,
    planes,
    sourcePlaneStride: CROUTON_BYTES,
    destinationPlaneStride: CROUTON_BYTES,
  });
}

export interface BandJoin {
  readonly node: string;
  readonly inputs: readonly ValueId[];
  /** All but the last in whole croutons. */
  readonly grids: readonly Grid[];
  readonly output: ValueId;
  readonly outputGrid: Grid;
}

export function bandJoinStage(from: BandJoin): Stage {
  return bandStage(from, from, (work) => {
    const { first: row } = work.rows;
    let column = 0;
    from.grids.forEach(({ columns, tiles }, index) => {
      work.emit.copy("out", {
        source: vtcm(work.input(index).offset(row, 0, 0)),
        destination: vtcm(work.output.offset(row, 0, column)),
        bytes: columns * CROUTON_BYTES,
        rows: tiles,
        sourceRowStride: columns * CROUTON_BYTES,
        destinationRowStride: from.outputGrid.columns * CROUTON_BYTES,
      });
      column += columns;
    });
  });
}

function bandStage(
  names: Pick<Stage, "node" | "inputs" | "output">,
  { outputGrid }: { readonly outputGrid: Grid },
  emit: Stage["emit"],
): Stage {
  const { node, inputs, output } = names;
  return {
    ...ROW_BY_ROW,
    ...{ node, inputs, output, emit },
    rows: outputGrid.rows,
    follows: false,
  };
}
