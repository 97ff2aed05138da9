/** Stages of DMA copies alone: concatenation, nearest resizing and depth to space of int8, whole channel tiles of any type. */
import { assert } from "../../../protocol/base/assert.ts";
import { CROUTON_BYTES } from "../../../protocol/isa/index.ts";
import { vtcm } from "../emitter.ts";
import { FORMATS, PIXEL_ROW_BYTES } from "../format.ts";
import type { Grid } from "../grid.ts";
import { ROW_BY_ROW } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";

/** Of int8: 16-bit croutons interleave pairs of pixels, which copies cannot part. */
const PIXEL_BYTES = FORMATS.i8.pixelBytes;

export interface ConcatNode {
  readonly node: string;
  readonly inputs: readonly ValueId[];
  readonly grids: readonly Grid[];
  readonly output: ValueId;
  readonly outputGrid: Grid;
}

/** Concatenation along the channels by strided copies; parts may begin at any channel. */
export function concatStage(from: ConcatNode): Stage {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: from.inputs,
    output: from.output,
    rows: from.outputGrid.rows,
    emit: (work) => {
      let channel = 0;
      from.grids.forEach((grid, part) => {
        for (let tile = 0; tile < grid.tiles; tile++) {
          const lanes = Math.min(32, grid.channels - tile * 32);
          emitPart(work, { part, tile, lanes, channel: channel + tile * 32 });
        }
        channel += grid.channels;
      });
      const last = from.grids.length - 1;
      const lastTile = (from.grids[last]?.tiles ?? 1) - 1;
      const spare = from.outputGrid.tiles * 32 - channel;
      // Lanes beyond the last channel are never used, but must hold something.
      if (spare > 0) emitPart(work, { part: last, tile: lastTile, lanes: spare, channel });
    },
  };
}

/** As concatStage for parts of whole channel tiles, whatever their elements are: one copy a part and row. */
export function concatTilesStage(from: ConcatNode): Stage {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: from.inputs,
    output: from.output,
    rows: from.outputGrid.rows,
    emit: (work) => {
      const { first: row } = work.rows;
      let tile = 0;
      for (const [part, grid] of from.grids.entries()) {
        const source = vtcm(work.input(part).offset(row, 0, 0));
        const destination = vtcm(work.output.offset(row, tile, 0));
        work.emit.copy("out", { source, destination, bytes: grid.rowBytes });
        tile += grid.tiles;
      }
    },
  };
}

export interface SliceNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly outputGrid: Grid;
  /** Channel tile of the input that becomes the first one of the output. */
  readonly tileOffset: number;
}

/** Whole channel tiles of a value whose pixels lie as the output's do. */
export function sliceTilesStage(from: SliceNode): Stage {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.outputGrid.rows,
    emit: (work) => {
      const { first: row } = work.rows;
      work.emit.copy("out", {
        source: vtcm(work.input(0).offset(row, from.tileOffset, 0)),
        destination: vtcm(work.output.offset(row, 0, 0)),
        bytes: from.outputGrid.rowBytes,
      });
    },
  };
}

interface Part {
  readonly part: number;
  readonly tile: number;
  readonly lanes: number;
  /** First channel of the output. */
  readonly channel: number;
}

function emitPart(work: Work, part: Part): void {
  const { first: row } = work.rows;
  const source = work.input(part.part).offset(row, part.tile, 0);
  const { columns } = work.output.grid;
  for (let done = 0; done < part.lanes;) {
    const channel = part.channel + done;
    const lane = channel % 32;
    const lanes = Math.min(part.lanes - done, 32 - lane);
    const destination = work.output.offset(row, Math.floor(channel / 32), 0) + lane;
    const whole = lanes === PIXEL_BYTES;
    work.emit.copy("out", {
      destination: vtcm(destination),
      source: vtcm(source + done),
      bytes: whole ? columns * CROUTON_BYTES : lanes,
      rows: whole ? 1 : columns * 64,
      destinationRowStride: PIXEL_BYTES,
      sourceRowStride: PIXEL_BYTES,
    });
    done += lanes;
  }
}

export interface UpsampleNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly outputGrid: Grid;
  /** Whole factors, each a divisor of 8. */
  readonly factorY: number;
  readonly factorX: number;
}

export function isCopyFactor(factor: number): boolean {
  return factor === 1 || factor === 2 || factor === 4 || factor === 8;
}

/** Nearest resizing by whole factors: every pixel is copied factorY x factorX times. */
export function upsampleStage(from: UpsampleNode): Stage {
  const { factorY, factorX } = from;
  const phases = factorY * factorX;
  // One copy makes one pixel of every window, or every pixel of one window: whichever takes fewer copies.
  if (64 / phases < phases) return spreadStage(from, (work, at) => copyWindows(from, work, at));
  return spreadStage(from, (work, at) => {
    for (let phase = 0; phase < phases; phase++) {
      const [dy, dx] = [Math.floor(phase / factorX), phase % factorX];
      copyPhase(work, { ...at, sourceTile: at.tile, dy, dx, factorY, factorX });
    }
  });
}

/** Each source pixel of the output crouton, repeated over its window. */
function copyWindows(from: UpsampleNode, work: Work, at: CroutonAt): void {
  const { factorY, factorX } = from;
  const [height, width] = [8 / factorY, 8 / factorX];
  const source = sourceCorner(work, { ...at, sourceTile: at.tile, factorY, factorX });
  const destination = work.output.offset(at.row, at.tile, at.column);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      work.emit.copy("out", {
        source: vtcm(source + y * PIXEL_ROW_BYTES + x * PIXEL_BYTES),
        destination: vtcm(destination + y * factorY * PIXEL_ROW_BYTES + x * factorX * PIXEL_BYTES),
        bytes: PIXEL_BYTES,
        rows: factorX,
        sourceRowStride: 0,
        destinationRowStride: PIXEL_BYTES,
        planes: factorY,
        sourcePlaneStride: 0,
        destinationPlaneStride: PIXEL_ROW_BYTES,
      });
    }
  }
}

export interface DepthToSpaceNode extends UpsampleNode {
  /** Channel tiles of one phase; phase (dy, dx) begins at tile (dy * factorX + dx) * tilesPerPhase. */
  readonly tilesPerPhase: number;
}

/** Pixel (y, x) of the output is pixel (y div factorY, x div factorX) of phase (y mod factorY, x mod factorX). */
export function depthToSpaceStage(from: DepthToSpaceNode): Stage {
  const { factorY, factorX } = from;
  return spreadStage(from, (work, at) => {
    for (let phase = 0; phase < factorY * factorX; phase++) {
      const [dy, dx] = [Math.floor(phase / factorX), phase % factorX];
      const sourceTile = phase * from.tilesPerPhase + at.tile;
      copyPhase(work, { ...at, sourceTile, dy, dx, factorY, factorX });
    }
  });
}

interface CroutonAt {
  readonly row: number;
  readonly tile: number;
  readonly column: number;
}

function spreadStage(from: UpsampleNode, emit: (work: Work, at: CroutonAt) => void): Stage {
  const { outputGrid, factorY } = from;
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: outputGrid.rows,
    inputRows: (_, { first, last }) => ({
      first: Math.floor(first / factorY),
      last: Math.floor(last / factorY),
    }),
    emit: (work) => {
      for (let tile = 0; tile < outputGrid.tiles; tile++) {
        for (let column = 0; column < outputGrid.columns; column++) {
          emit(work, { row: work.rows.first, tile, column });
        }
      }
    },
  };
}

interface SourceAt extends CroutonAt {
  readonly sourceTile: number;
  readonly factorY: number;
  readonly factorX: number;
}

interface Phase extends SourceAt {
  readonly dy: number;
  readonly dx: number;
}

/** VTCM offset of the source pixel that the output crouton's first pixel comes from. */
function sourceCorner(work: Work, at: SourceAt): number {
  const { row, column, factorY, factorX } = at;
  assert(8 % factorY === 0 && 8 % factorX === 0, "factors divide a crouton");
  const y = (row % factorY) * (8 / factorY);
  const x = (column % factorX) * (8 / factorX);
  const [sourceRow, sourceColumn] = [Math.floor(row / factorY), Math.floor(column / factorX)];
  const crouton = work.input(0).offset(sourceRow, at.sourceTile, sourceColumn);
  return crouton + y * PIXEL_ROW_BYTES + x * PIXEL_BYTES;
}

/** The pixels of one output crouton that belong to a phase: every factorY-th row, every factorX-th column. */
function copyPhase(work: Work, phase: Phase): void {
  const { row, column, factorY, factorX } = phase;
  const destination = work.output.offset(row, phase.tile, column);
  work.emit.copy("out", {
    source: vtcm(sourceCorner(work, phase)),
    destination: vtcm(destination + phase.dy * PIXEL_ROW_BYTES + phase.dx * PIXEL_BYTES),
    bytes: PIXEL_BYTES,
    rows: 8 / factorX,
    sourceRowStride: PIXEL_BYTES,
    destinationRowStride: factorX * PIXEL_BYTES,
    planes: 8 / factorY,
    sourcePlaneStride: PIXEL_ROW_BYTES,
    destinationPlaneStride: factorY * PIXEL_ROW_BYTES,
  });
}
