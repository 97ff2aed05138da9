/** Linear resizing by whole factors: a row of croutons of the output a run, through windows whose strides divide. */
import { concatBytes } from "../../../protocol/base/bytes.ts";
import { CROUTON_ROWS, placeImmediate } from "../../../protocol/isa/index.ts";
import type { Operand } from "../../../protocol/isa/index.ts";
import type { LerpAxis } from "../../ir/ops/lerp.ts";
import { windowOperand } from "../emitter.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Halo, Stage, Work } from "../stage.ts";
import { packedWeights, weightOperands } from "./lerp-weights.ts";
import { lerpRows } from "./lerp.ts";
import type { LerpNode } from "./lerp.ts";
import { outputAt, runOf, tileSegments } from "./segments.ts";
import type { Segment } from "./segments.ts";

/** Position p lies between elements (p + tap) div factor - 1 and the next. */
export interface Enlargement {
  readonly factor: number;
  readonly tap: number;
}

export interface EnlargeNode extends LerpNode {
  readonly vertical: LerpAxis;
  readonly horizontal: LerpAxis;
  readonly enlargedY: Enlargement;
  readonly enlargedX: Enlargement;
}

/** Strides are bytes. */
const FACTOR_MAX = 255;
/** Loads of a vector. */
const CYCLES_PER_VECTOR = 12;

/** Undefined where the axis is not enlarged by a whole factor; `from` is its length before. */
export function enlargementOf({ low, high }: LerpAxis, from: number): Enlargement | undefined {
  const factor = low.length / from;
  if (!Number.isInteger(factor) || factor > FACTOR_MAX) return undefined;
  const fits = (tap: number): boolean =>
    low.every((first, position) => {
      const before = Math.floor((position + tap) / factor) - 1;
      const second = high[position];
      // Windows read the first element in place of what would be before it; beyond the last the weight is zero.
      if (before < 0) return first === 0 && second === 0;
      return first === before && second === Math.min(before + 1, from - 1);
    });
  const taps = Array.from({ length: factor + 1 }, (_, tap) => tap);
  const tap = taps.find(fits);
  return tap === undefined ? undefined : { factor, tap };
}

export function enlargeStage(from: EnlargeNode): Stage {
  const { outputGrid: grid, zeroPoint } = from;
  const halo: Halo = { top: 0, left: 0, bottom: 1, right: 1, fill: zeroPoint };
  const tables = weightTables(from);
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: grid.rows,
    inputRows: (_, rows) => lerpRows(from, rows),
    views: [{ input: 0, halo }],
    chunks: [constants(tables.bytes)],
    follows: false,
    emit: (work) => {
      const cost = { contexts: work.emit.contexts, cyclesPerVector: CYCLES_PER_VECTOR };
      for (const segment of tileSegments(grid, work.rows.first, cost)) {
        emitRun(from, { work, segment, tables });
      }
    },
  };
}

interface WeightTables {
  /** The horizontal weights of a row of croutons, then its vertical ones as often as they differ. */
  readonly bytes: Uint8Array;
  readonly tableBytes: number;
  /** By row of croutons: which of the vertical tables. */
  readonly vertical: readonly number[];
}

function weightTables({ outputGrid: grid, vertical, horizontal }: EnlargeNode): WeightTables {
  const { columns, vectorsPerCrouton, dtype } = grid.format;
  const pixels = grid.columns * vectorsPerCrouton * 4;
  /** Of a pixel in the order of the vectors. */
  const rowOf = (pixel: number): number =>
    Math.floor((Math.floor(pixel / 4) % vectorsPerCrouton) / (columns / 4));
  const columnOf = (pixel: number): number =>
    Math.floor(pixel / (4 * vectorsPerCrouton)) * columns + (pixel % columns);
  const table = (weightOf: (pixel: number) => number | undefined): Uint8Array =>
    packedWeights(
      dtype,
      Array.from({ length: pixels }, (_, pixel) => weightOf(pixel) ?? 0),
    );
  const tables = [table((pixel) => horizontal.weight[columnOf(pixel)])];
  const known = new Map<string, number>();
  const which = Array.from({ length: grid.rows }, (_, row): number => {
    const weights = vertical.weight.slice(row * CROUTON_ROWS, (row + 1) * CROUTON_ROWS);
    const found = known.get(weights.join()) ?? known.size;
    if (found === known.size) tables.push(table((pixel) => weights[rowOf(pixel)]));
    known.set(weights.join(), found);
    return found;
  });
  return { bytes: concatBytes(tables), tableBytes: tables[0]?.length ?? 0, vertical: which };
}

interface RunAt {
  readonly work: Work;
  readonly segment: Segment;
  readonly tables: WeightTables;
}

function emitRun(from: EnlargeNode, { work, segment, tables }: RunAt): void {
  const { format } = from.outputGrid;
  const { first: row } = work.rows;
  const { tile, column } = segment;
  const y = positionAt(from.enlargedY, row * CROUTON_ROWS);
  const x = positionAt(from.enlargedX, column * format.columns);
  const table = work.table(0);
  const window = (below: number, beside: number): Operand =>
    windowOperand({
      table: { ...table.address, offset: table.address.offset + 4 * tile * table.tilePitch },
      originY: y.origin + below,
      originX: x.origin + beside,
      rowPitch: table.rowPitch,
      tilePitch: table.tilePitch,
      strideY: from.enlargedY.factor,
      strideX: from.enlargedX.factor,
    });
  const pixels = from.outputGrid.columns * format.vectorsPerCrouton * 4;
  const first = column * format.vectorsPerCrouton;
  const verticalAt = work.constants + (1 + (tables.vertical[row] ?? 0)) * tables.tableBytes;
  const place = placeImmediate({ tile: 0, dy: y.tap, dx: x.tap });
  work.emit.vector({
    kernel: `lerp_${format.dtype}`,
    shape: { parameters: { place, zero_y: from.zeroPoint } },
    operands: {
      top_left: window(0, 0),
      top_right: window(0, 1),
      bottom_left: window(1, 0),
      bottom_right: window(1, 1),
      ...weightOperands("x", { dtype: format.dtype, offset: work.constants, pixels, first }),
      ...weightOperands("y", { dtype: format.dtype, offset: verticalAt, pixels, first }),
      y: outputAt(work, segment),
    },
    ...runOf(segment),
  });
}

/** Where the elements of positions from `first` on lie: what is left over of a whole step is a tap. */
function positionAt({ factor, tap }: Enlargement, first: number): { origin: number; tap: number } {
  return { origin: Math.floor((first + tap) / factor) - 1, tap: (first + tap) % factor };
}
