/** How a tensor lies in croutons: [crouton row][channel tile][crouton column]. */
import { divCeil } from "../../protocol/base/integers.ts";
import { CROUTON_BYTES, CROUTON_CHANNELS, CROUTON_ROWS } from "../../protocol/isa/index.ts";
import { FORMATS } from "./format.ts";
import type { Format } from "./format.ts";

export interface Grid {
  readonly format: Format;
  /** In pixels. */
  readonly height: number;
  readonly width: number;
  /** Pixels that count, row by row; fewer than height * width where the last row is not full. */
  readonly pixels: number;
  readonly channels: number;
  /** Channels come in groups of this many, each group beginning a channel tile. */
  readonly groupChannels: number;
  /** In croutons. */
  readonly rows: number;
  readonly columns: number;
  readonly tiles: number;
  readonly rowBytes: number;
}

export interface GridShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly pixels?: number;
  readonly groupChannels?: number;
}

export function gridOf(shape: GridShape, format: Format): Grid {
  const { height, width, channels } = shape;
  const { pixels = height * width, groupChannels = channels } = shape;
  const rows = divCeil(height, CROUTON_ROWS);
  const columns = divCeil(width, format.columns);
  const tiles = (channels / groupChannels) * divCeil(groupChannels, CROUTON_CHANNELS);
  const rowBytes = columns * tiles * CROUTON_BYTES;
  return { format, height, width, pixels, channels, groupChannels, rows, columns, tiles, rowBytes };
}

/** The same pixels with other channels. */
export function withChannels(grid: Grid, channels: number, groupChannels = channels): Grid {
  const { height, width, pixels, format } = grid;
  return gridOf({ height, width, pixels, channels, groupChannels }, format);
}

export function withFormat(grid: Grid, format: Format): Grid {
  return gridOf(grid, format);
}

/**
 * [N,C,H,W] are images, one below the other; of any other shape the last axis counts channels, and the others
 * pixels that have no neighbours: those fill croutons row by row.
 * Undefined for shapes that no grid holds.
 */
export function gridOfShape(
  shape: readonly number[],
  format: Format = FORMATS.i8,
): Grid | undefined {
  if (shape.some((size) => size < 1)) return undefined;
  const [first = 1, second = 1, third = 1, fourth = 1] = shape;
  if (shape.length === 4) {
    return gridOf({ height: first * third, width: fourth, channels: second }, format);
  }
  const pixels = shape.slice(0, -1).reduce((total, size) => total * size, 1);
  return tokenGrid(pixels, shape.at(-1) ?? 1, format);
}

/** [N,H,W,C]: images with their channels last, one below the other. */
export function channelsLastGrid(shape: readonly number[], format: Format): Grid {
  const [images = 1, height = 1, width = 1, channels = 1] = shape;
  return gridOf({ height: images * height, width, channels }, format);
}

/** Pixels without neighbours: as many to a row as a crouton has. */
export function tokenGrid(pixels: number, channels: number, format: Format): Grid {
  const width = Math.min(pixels, format.columns);
  return gridOf({ height: divCeil(pixels, width), width, channels, pixels }, format);
}

/** Whether the same channels of the same pixels lie at the same places. */
export function sameGrid(a: Grid, b: Grid): boolean {
  return samePixels(a, b) && a.format === b.format && sameChannels(a, b);
}

export function samePixels(a: Grid, b: Grid): boolean {
  return a.height === b.height && a.width === b.width && a.pixels === b.pixels;
}

export function sameChannels(a: Grid, b: Grid): boolean {
  if (a.channels !== b.channels || a.tiles !== b.tiles) return false;
  return a.groupChannels === b.groupChannels || (isDense(a) && isDense(b));
}

/** Whether channel c lies in lane c mod 32 of tile c div 32. */
export function isDense(grid: Grid): boolean {
  return grid.groupChannels === grid.channels || grid.groupChannels % CROUTON_CHANNELS === 0;
}

/** Where a channel lies. */
export function laneOf(
  grid: Grid,
  channel: number,
): { readonly tile: number; readonly lane: number } {
  const inGroup = channel % grid.groupChannels;
  const group = Math.floor(channel / grid.groupChannels);
  const tile = group * groupTiles(grid) + Math.floor(inGroup / CROUTON_CHANNELS);
  return { tile, lane: inGroup % CROUTON_CHANNELS };
}

export function groupTiles(grid: Grid): number {
  return divCeil(grid.groupChannels, CROUTON_CHANNELS);
}

/** Channels in a tile. */
export function lanesIn(grid: Grid, tile: number): number {
  const inGroup = tile % groupTiles(grid);
  return Math.min(CROUTON_CHANNELS, grid.groupChannels - inGroup * CROUTON_CHANNELS);
}

/** Pixel rows of a crouton row that lie in the image. */
export function validRows(grid: Grid, row: number): number {
  return Math.min(CROUTON_ROWS, grid.height - row * CROUTON_ROWS);
}

export function validColumns(grid: Grid, column: number): number {
  return Math.min(grid.format.columns, grid.width - column * grid.format.columns);
}

export function isPixel(grid: Grid): boolean {
  return grid.height === 1 && grid.width === 1;
}
