/** Windows over an image: which croutons they reach, and their operands for vector code. */
import { alignUp, divCeil } from "../../../protocol/base/integers.ts";
import { CROUTON_ROWS, tapImmediate } from "../../../protocol/isa/index.ts";
import type { Operand, Window } from "../../../protocol/isa/index.ts";
import type { WindowGeometry } from "../../ir/index.ts";
import type { Format } from "../format.ts";
import type { Grid } from "../grid.ts";
import { windowOperand } from "../emitter.ts";
import type { Halo, RowRange, TableView } from "../stage.ts";

/** A window of one pixel. */
export const POINTWISE = {
  ...{ kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, dilationY: 1, dilationX: 1 },
  ...{ padTop: 0, padLeft: 0 },
};

/** Each pixel of an image to the same pixel. */
export function pixelwise({ height, width }: Pick<Grid, "height" | "width">): WindowGeometry {
  return { inHeight: height, inWidth: width, outHeight: height, outWidth: width, ...POINTWISE };
}

/** Croutons outside the image that the windows of valid outputs touch. */
export function haloOf(g: WindowGeometry, input: Grid, fill: number): Halo {
  const { columns } = input.format;
  const reachY = (g.outHeight - 1) * g.strideY + (g.kernelHeight - 1) * g.dilationY - g.padTop;
  const reachX = (g.outWidth - 1) * g.strideX + (g.kernelWidth - 1) * g.dilationX - g.padLeft;
  return {
    top: divCeil(g.padTop, CROUTON_ROWS),
    left: divCeil(g.padLeft, columns),
    bottom: Math.max(0, Math.floor(reachY / CROUTON_ROWS) - input.rows + 1),
    right: Math.max(0, Math.floor(reachX / columns) - input.columns + 1),
    fill,
  };
}

/** Whether the window of a valid output touches lanes outside the image in its last croutons. */
export function readsOutside(g: WindowGeometry, format: Format): boolean {
  const reachY = (g.outHeight - 1) * g.strideY + (g.kernelHeight - 1) * g.dilationY - g.padTop;
  const reachX = (g.outWidth - 1) * g.strideX + (g.kernelWidth - 1) * g.dilationX - g.padLeft;
  const below = reachY >= g.inHeight && g.inHeight % CROUTON_ROWS !== 0;
  const beside = reachX >= g.inWidth && g.inWidth % format.columns !== 0;
  return below || beside;
}

/** Vector code computes whole croutons: it also reads for lanes beyond the image. */
export function vectorGeometry<G extends WindowGeometry>(g: G, format: Format): G {
  const outHeight = alignUp(g.outHeight, CROUTON_ROWS);
  return { ...g, outHeight, outWidth: alignUp(g.outWidth, format.columns) };
}

export function vectorHaloOf(g: WindowGeometry, input: Grid, fill: number): Halo {
  return haloOf(vectorGeometry(g, input.format), input, fill);
}

/** Input rows, in croutons, that output rows need. */
export function inputRowsOf(g: WindowGeometry, input: Grid, rows: RowRange): RowRange {
  const lastOutput = Math.min(rows.last * 8 + 7, g.outHeight - 1);
  const top = rows.first * 8 * g.strideY - g.padTop;
  const bottom = lastOutput * g.strideY - g.padTop + (g.kernelHeight - 1) * g.dilationY;
  const clamped = (pixel: number): number => Math.min(Math.max(pixel >> 3, 0), input.rows - 1);
  return { first: clamped(top), last: clamped(bottom) };
}

/** The taps as immediates of window loads, row by row. */
export function tapsOf(g: WindowGeometry): number[] {
  const taps: number[] = [];
  for (let y = 0; y < g.kernelHeight; y++) {
    for (let x = 0; x < g.kernelWidth; x++)
      taps.push(tapImmediate(y * g.dilationY, x * g.dilationX));
  }
  return taps;
}

/** An output crouton. */
interface CroutonAt {
  readonly row: number;
  readonly tile: number;
  readonly column: number;
}

/** The window that feeds the output croutons from (row, tile, column) on. */
export function windowAt(g: WindowGeometry, table: TableView, at: CroutonAt): Operand {
  const { region, offset } = table.address;
  const window = windowOf(g, table, at);
  const first = { region, offset: offset + 4 * at.tile * table.tilePitch };
  return windowOperand({ ...window, table: first });
}

/** The window over all channel tiles that feeds the output croutons from (row, column) on. */
export function windowOf(
  g: Pick<WindowGeometry, "strideY" | "strideX" | "padTop" | "padLeft">,
  table: TableView,
  at: Pick<CroutonAt, "row" | "column">,
): Window {
  const { columns } = table.format;
  return {
    table: table.address,
    originY: CROUTON_ROWS * (table.halo.top + at.row * g.strideY) - g.padTop,
    originX: columns * (table.halo.left + at.column * g.strideX) - g.padLeft,
    rowPitch: table.rowPitch,
    tilePitch: table.tilePitch,
    strideY: g.strideY,
    strideX: g.strideX,
  };
}
