/** Writes a phased tensor out: its pixels are interleaved on the way, where runs of a row are contiguous. */
import { alignUp } from "../../../protocol/base/integers.ts";
import { CROUTON_BYTES } from "../../../protocol/isa/index.ts";
import { vtcm } from "../emitter.ts";
import { PIXEL_ROW_BYTES } from "../format.ts";
import { validColumns, validRows } from "../grid.ts";
import type { Grid } from "../grid.ts";
import type { Phased } from "../phased.ts";
import { ROW_BY_ROW } from "../stage.ts";
import type { Stage, Work } from "../stage.ts";

export interface PhasedPort {
  readonly node: string;
  /** All phases in one channel tile, without gaps. */
  readonly phased: Phased;
  /** Of the phased tensor. */
  readonly small: Grid;
  /** Of the enlarged image. */
  readonly grid: Grid;
  readonly region: number;
}

export function exportPhasedStage(from: PhasedPort): Stage {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.phased.value],
    output: undefined,
    rows: from.small.rows,
    scratchBytes: 2 * stagingBytes(from),
    emit: (work) => emitRow(from, work),
  };
}

function stagingBytes({ grid, phased }: PhasedPort): number {
  return alignUp(8 * phased.factorY * grid.width * grid.channels, 128);
}

function emitRow(from: PhasedPort, work: Work): void {
  const { phased, small, grid } = from;
  const { first: row } = work.rows;
  const staging = work.scratch + (row % 2) * stagingBytes(from);
  const pixelRowBytes = grid.width * grid.channels;
  // One window's pixels of one row.
  const runBytes = phased.factorX * phased.channels;
  for (let y = 0; y < validRows(small, row) * phased.factorY; y++) {
    const lane = (y % phased.factorY) * phased.factorX * phased.channelPitch;
    const sourceRow = Math.floor(y / phased.factorY) * PIXEL_ROW_BYTES + lane;
    for (const { column, columns, croutons } of columnRuns(small)) {
      work.emit.copy("out", {
        source: vtcm(work.input(0).offset(row, 0, column) + sourceRow),
        destination: vtcm(staging + y * pixelRowBytes + column * 8 * runBytes),
        bytes: runBytes,
        rows: columns,
        sourceRowStride: small.format.pixelBytes,
        destinationRowStride: runBytes,
        planes: croutons,
        sourcePlaneStride: CROUTON_BYTES,
        destinationPlaneStride: 8 * runBytes,
      });
    }
  }
  const destination = {
    region: from.region,
    offset: row * 8 * phased.factorY * pixelRowBytes,
  };
  const bytes = validRows(small, row) * phased.factorY * pixelRowBytes;
  work.emit.copy("out", { source: vtcm(staging), destination, bytes });
}

/** Whole croutons together, the part of a crouton at the right alone. */
function columnRuns(grid: Grid): { column: number; columns: number; croutons: number }[] {
  const whole = Math.floor(grid.width / 8);
  const runs = whole > 0 ? [{ column: 0, columns: 8, croutons: whole }] : [];
  if (whole === grid.columns) return runs;
  return [...runs, { column: whole, columns: validColumns(grid, whole), croutons: 1 }];
}
