/** Cuts a row of croutons into runs for the vector contexts. */
import type { Operand } from "../../../protocol/isa/index.ts";
import { linear } from "../emitter.ts";
import type { Format } from "../format.ts";
import type { Grid } from "../grid.ts";
import { validRows } from "../grid.ts";
import type { Work } from "../stage.ts";

/** Croutons that follow each other in memory, from (tile, column) on. */
export interface Segment {
  readonly format: Format;
  readonly tile: number;
  readonly column: number;
  readonly croutons: number;
  readonly vectors: number;
  /** Pixels inside the image, seen from the first crouton. */
  readonly rows: number;
  readonly columns: number;
}

/** A run should last this long for its start not to matter. */
const RUN_CYCLES = 4_800;

/** Into how many runs a row is cut: the tensor gives about one to every context, other rows run beside this one. */
function partsOf(grid: Grid, contexts: number): number {
  return Math.ceil(contexts / grid.rows);
}

/**
 * Runs that stay inside one channel tile, and more of them where vectors are expensive, so that contexts end
 * together.
 */
export function tileSegments(
  grid: Grid,
  row: number,
  from: { readonly contexts: number; readonly cyclesPerVector: number },
): Segment[] {
  const spread = Math.ceil(partsOf(grid, from.contexts) / grid.tiles);
  const long = Math.floor(
    (grid.columns * grid.format.vectorsPerCrouton * from.cyclesPerVector) / RUN_CYCLES,
  );
  const parts = Math.min(grid.columns, Math.max(1, spread, long));
  const segments: Segment[] = [];
  for (let tile = 0; tile < grid.tiles; tile++) {
    for (const { begin, count } of evenParts(grid.columns, parts)) {
      segments.push({
        format: grid.format,
        tile,
        column: begin,
        croutons: count,
        vectors: count * grid.format.vectorsPerCrouton,
        rows: validRows(grid, row),
        columns: grid.width - begin * grid.format.columns,
      });
    }
  }
  return segments;
}

/** Runs across channel tiles, for kernels that make the right value in lanes outside the image by themselves. */
export function linearSegments(grid: Grid, contexts: number): Segment[] {
  return linearParts(grid, partsOf(grid, contexts));
}

function linearParts(grid: Grid, parts: number): Segment[] {
  const total = grid.columns * grid.tiles;
  return evenParts(total, Math.min(total, parts)).map(({ begin, count }) => ({
    format: grid.format,
    tile: Math.floor(begin / grid.columns),
    column: begin % grid.columns,
    croutons: count,
    vectors: count * grid.format.vectorsPerCrouton,
    rows: 8,
    columns: 0xffff,
  }));
}

/** As linearSegments where no column is outside the image, else inside tiles. */
export function maskedSegments(grid: Grid, row: number, contexts: number): Segment[] {
  if (grid.width % grid.format.columns !== 0)
    return tileSegments(grid, row, { contexts, cyclesPerVector: 6 });
  const rows = validRows(grid, row);
  return linearSegments(grid, contexts).map((segment) => ({ ...segment, rows }));
}

export function evenParts(total: number, parts: number): { begin: number; count: number }[] {
  return Array.from({ length: parts }, (_, part) => {
    const begin = Math.floor((part * total) / parts);
    return { begin, count: Math.floor(((part + 1) * total) / parts) - begin };
  });
}

/** The vectors of a segment, in the row under way of an input that lies as the output does. */
export function inputAt(
  work: Work,
  input: number,
  { format, tile, column }: Pick<Segment, "format" | "tile" | "column">,
): Operand {
  return linear(work.input(input).offset(work.rows.first, tile, column), format.vectorBytes);
}

export function outputAt(
  work: Work,
  { format, tile, column }: Pick<Segment, "format" | "tile" | "column">,
): Operand {
  return linear(work.output.offset(work.rows.first, tile, column), format.vectorBytes);
}

/** What a run takes from its segment. */
export function runOf({ format, vectors, rows, columns }: Segment) {
  return { format, vectors, rows, columns };
}
