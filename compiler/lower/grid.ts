/** How a tensor lies in croutons: [crouton row][channel tile][crouton column], each 8 x 8 x 32 of int8. */
import { divCeil } from "../../protocol/base/integers.ts";
import {
  CROUTON_BYTES,
  CROUTON_CHANNELS,
  CROUTON_COLUMNS,
  CROUTON_ROWS,
} from "../../protocol/isa/index.ts";

export interface Grid {
  /** In pixels. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** In croutons. */
  readonly rows: number;
  readonly columns: number;
  readonly tiles: number;
  readonly rowBytes: number;
}

export function gridOf(height: number, width: number, channels: number): Grid {
  const rows = divCeil(height, CROUTON_ROWS);
  const columns = divCeil(width, CROUTON_COLUMNS);
  const tiles = divCeil(channels, CROUTON_CHANNELS);
  const rowBytes = columns * tiles * CROUTON_BYTES;
  return { height, width, channels, rows, columns, tiles, rowBytes };
}

/**
 * [1,C,H,W] is an image; [N,C] and [1,N,C] are one row of N pixels; [C] is one pixel.
 * Undefined for shapes that no image holds.
 */
export function gridOfShape(shape: readonly number[]): Grid | undefined {
  if (shape.some((size) => size < 1)) return undefined;
  const [first = 1, second = 1, third = 1, fourth = 1] = shape;
  if (shape.length === 4) return first === 1 ? gridOf(third, fourth, second) : undefined;
  if (shape.length === 3) return first === 1 ? gridOf(1, second, third) : undefined;
  if (shape.length === 2) return gridOf(1, first, second);
  return shape.length === 1 ? gridOf(1, 1, first) : undefined;
}

export function sameGrid(a: Grid, b: Grid): boolean {
  return a.height === b.height && a.width === b.width && a.channels === b.channels;
}

/** Pixel rows of a crouton row that lie in the image. */
export function validRows(grid: Grid, row: number): number {
  return Math.min(CROUTON_ROWS, grid.height - row * CROUTON_ROWS);
}

export function validColumns(grid: Grid, column: number): number {
  return Math.min(CROUTON_COLUMNS, grid.width - column * CROUTON_COLUMNS);
}

export function isPixel(grid: Grid): boolean {
  return grid.height === 1 && grid.width === 1;
}
