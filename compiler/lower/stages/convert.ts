/** Stored numbers of another width: as they are, saturated, or by a table of all of them. */
import { CROUTON_ROWS } from "../../../protocol/isa/index.ts";
import { linear, windowOperand } from "../emitter.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Stage, TableView, ValueId, Work } from "../stage.ts";
import { outputAt, runOf, tileSegments } from "./segments.ts";
import type { Segment } from "./segments.ts";
import { haloOf, pixelwise, POINTWISE, vectorGeometry, windowOf } from "./window.ts";

export interface ConvertNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  /** The same pixels and channels in int8 and int16, or the other way round. */
  readonly inputGrid: Grid;
  readonly outputGrid: Grid;
  /** An entry of the output's type for every stored input, from the lowest on. */
  readonly table?: Int8Array | Int16Array;
  readonly zeroPointIn: number;
  readonly zeroPointOut: number;
}

export function convertStage(from: ConvertNode): Stage {
  const { inputGrid, outputGrid: grid, table } = from;
  // Lanes of the output's croutons may lie beyond the input's.
  const reached = vectorGeometry(pixelwise(grid), grid.format);
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: grid.rows,
    views: [{ input: 0, halo: haloOf(reached, inputGrid, from.zeroPointIn) }],
    chunks: table === undefined ? [] : [constants(bytesOf(table))],
    emit: (work) => emitConvert(from, work),
  };
}

function bytesOf(table: Int8Array | Int16Array): Uint8Array {
  return new Uint8Array(table.buffer, table.byteOffset, table.byteLength);
}

function emitConvert(from: ConvertNode, work: Work): void {
  const { outputGrid: grid } = from;
  const { first: row } = work.rows;
  const cost = { contexts: work.emit.contexts, cyclesPerVector: 6 };
  for (const segment of tileSegments(grid, row, cost)) {
    work.emit.vector({
      kernel: grid.format.dtype === "i16" ? "widen_i8" : "narrow_i16",
      shape: {
        counts: { lookup: from.table === undefined ? 0 : 1 },
        parameters: { outside: from.zeroPointOut },
      },
      operands: {
        x: sameLanes(work.table(0), row, segment),
        table: linear(work.constants),
        y: outputAt(work, segment),
      },
      ...runOf(segment),
    });
  }
}

/** The pixels of a segment, in croutons of other width. */
function sameLanes(view: TableView, row: number, { tile, column, format }: Segment) {
  const window = windowOf(POINTWISE, view, { row, column: 0 });
  const { region, offset } = window.table;
  return windowOperand({
    ...window,
    table: { region, offset: offset + 4 * tile * view.tilePitch },
    originY: CROUTON_ROWS * (view.halo.top + row),
    originX: view.format.columns * view.halo.left + column * format.columns,
  });
}
