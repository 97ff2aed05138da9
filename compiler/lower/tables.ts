/** Crouton pointer tables: one for every tensor and halo that some stage reads through a window. */
import { alignUp } from "../../protocol/base/integers.ts";
import { present } from "../../protocol/base/assert.ts";
import type { ReadPointer } from "../../protocol/isa/index.ts";
import { vtcm } from "./emitter.ts";
import type { Grid } from "./grid.ts";
import type { Schedule } from "./schedule.ts";
import type { Fill, Halo, PixelTable, Place, Stage, TableView, Value, ValueId } from "./stage.ts";

export interface TableLayout {
  /** By key: where a table begins, in bytes from the first one. */
  readonly offsets: ReadonlyMap<string, number>;
  /** Where a stage's own tables begin, likewise. */
  readonly pixels: ReadonlyMap<PixelTable, number>;
  readonly bytes: number;
  /** What halos read as, in the order of their first use. */
  readonly fills: readonly Fill[];
}

const ALIGNMENT = 128;

function keyOf(value: ValueId, halo: Halo): string {
  return [value, halo.top, halo.left, halo.bottom, halo.right, halo.fill].join(",");
}

function pitches(grid: Grid, halo: Halo): { readonly row: number; readonly tile: number } {
  const row = halo.left + grid.columns + halo.right;
  return { row, tile: row * (halo.top + grid.rows + halo.bottom) };
}

/** Which tables a schedule needs, before anything has an address. */
export function layoutTables(values: readonly Value[], schedule: Schedule): TableLayout {
  const offsets = new Map<string, number>();
  const fills: Fill[] = [];
  const pixels = new Map<PixelTable, number>();
  let bytes = 0;
  for (const { value, halo } of schedule.stages.flatMap(viewsOf)) {
    const { grid } = present(values[value], "value");
    const fill = { format: grid.format, value: halo.fill };
    if (isWider(halo) && fillIndex(fills, fill) < 0) fills.push(fill);
    const key = keyOf(value, halo);
    if (offsets.has(key)) continue;
    offsets.set(key, bytes);
    bytes += Math.ceil((4 * grid.tiles * pitches(grid, halo).tile) / ALIGNMENT) * ALIGNMENT;
  }
  for (const table of schedule.stages.flatMap(({ pixelTables }) => pixelTables ?? [])) {
    if (pixels.has(table)) continue;
    if (table.fill !== undefined && fillIndex(fills, table.fill) < 0) fills.push(table.fill);
    pixels.set(table, bytes);
    bytes += alignUp(4 * table.entries, ALIGNMENT);
  }
  return { offsets, pixels, bytes, fills };
}

function isWider(halo: Halo): boolean {
  return halo.top + halo.left + halo.bottom + halo.right > 0;
}

export function fillIndex(fills: readonly Fill[], { format, value }: Fill): number {
  return fills.findIndex((known) => known.format === format && known.value === value);
}

function viewsOf(stage: Stage): { readonly value: ValueId; readonly halo: Halo }[] {
  return stage.views.map(({ input, halo }) => ({
    value: present(stage.inputs[input], "viewed input"),
    halo,
  }));
}

export interface Tables {
  readonly content: Uint32Array;
  view(value: ValueId, halo: Halo): TableView;
  /** VTCM offset. */
  pixelTable(table: PixelTable): number;
  readonly pointer: ReadPointer;
}

export interface TableSource {
  readonly layout: TableLayout;
  readonly schedule: Schedule;
  /** VTCM offset of the first table. */
  readonly base: number;
  place(value: ValueId): Place;
  /** VTCM offset of the crouton. */
  fill(fill: Fill): number;
}

export function buildTables(from: TableSource): Tables {
  const content = new Uint32Array(from.layout.bytes / 4);
  const written = new Set<string>();
  for (const { value, halo } of from.schedule.stages.flatMap(viewsOf)) {
    const key = keyOf(value, halo);
    if (written.has(key)) continue;
    written.add(key);
    const first = present(from.layout.offsets.get(key), "table") / 4;
    writeTable(content.subarray(first), { place: from.place(value), halo, fill: from.fill });
  }
  for (const stage of from.schedule.stages) writePixelTables(from, stage, content);
  const view = (value: ValueId, halo: Halo): TableView => {
    const offset = from.base + present(from.layout.offsets.get(keyOf(value, halo)), "table");
    const { row, tile } = pitches(from.place(value).grid, halo);
    const { format } = from.place(value).grid;
    return { format, address: vtcm(offset), rowPitch: row, tilePitch: tile, halo };
  };
  const pointer: ReadPointer = (offset) => content[(offset - from.base) / 4];
  const pixelTable = (table: PixelTable): number =>
    from.base + present(from.layout.pixels.get(table), "pixel table");
  return { content, view, pixelTable, pointer };
}

function writePixelTables(from: TableSource, stage: Stage, content: Uint32Array): void {
  for (const table of stage.pixelTables ?? []) {
    const first = present(from.layout.pixels.get(table), "pixel table") / 4;
    const input = (index: number): Place =>
      from.place(present(stage.inputs[index], "input of a pixel table"));
    const fill = table.fill === undefined ? 0 : from.fill(table.fill);
    table.write(content.subarray(first, first + table.entries), { input, fill });
  }
}

interface TableContent {
  readonly place: Place;
  readonly halo: Halo;
  readonly fill: (fill: Fill) => number;
}

function writeTable(table: Uint32Array, { place, halo, fill }: TableContent): void {
  const { grid } = place;
  const outside = isWider(halo) ? fill({ format: grid.format, value: halo.fill }) : 0;
  let at = 0;
  for (let tile = 0; tile < grid.tiles; tile++) {
    for (let row = -halo.top; row < grid.rows + halo.bottom; row++) {
      for (let column = -halo.left; column < grid.columns + halo.right; column++) {
        const inside = row >= 0 && row < grid.rows && column >= 0 && column < grid.columns;
        table[at++] = inside ? place.offset(row, tile, column) : outside;
      }
    }
  }
}
