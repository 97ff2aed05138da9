/** Moves by vector code: every pixel, or every channel, of the output comes from some place of the inputs. */
import { CROUTON_BYTES, CROUTON_CHANNELS, CROUTON_ROWS } from "../../../protocol/isa/index.ts";
import { linear, pixelOperand } from "../emitter.ts";
import { PIXEL_ROW_BYTES } from "../format.ts";
import type { Format } from "../format.ts";
import { laneOf } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { PixelTable, Place, RowRange, Stage, ValueId, Work } from "../stage.ts";
import { inputAt, maskedSegments, outputAt, runOf, tileSegments } from "./segments.ts";
import type { Segment } from "./segments.ts";

export interface MoveNode {
  readonly node: string;
  readonly inputs: readonly ValueId[];
  readonly grids: readonly Grid[];
  readonly output: ValueId;
  readonly outputGrid: Grid;
  /** Where the output's pixels or channels come from, in their order; undefined for fill. */
  readonly sources: readonly (Source | undefined)[];
  /** What stands where nothing comes from anywhere, as it is stored. */
  readonly fill: number;
  /** What the lanes outside the image get: the zero point. */
  readonly outside: number;
}

export interface Source {
  readonly input: number;
  /** Pixel, row by row, or channel of the input. */
  readonly at: number;
  /** Of pixels: how many channel tiles later they lie. */
  readonly tileOffset?: number;
}

/** Bytes of a crouton before a pixel of it; its channels follow as the format interleaves them. */
export function pixelOffset(format: Format, y: number, x: number): number {
  const row = (y % CROUTON_ROWS) * PIXEL_ROW_BYTES;
  const column = x % format.columns;
  if (format.bytes === 1) return row + column * format.pixelBytes;
  return row + (column >> 1) * 128 + (column & 1) * 2;
}

/** VTCM offset of a pixel of one channel tile. */
function pixelAt(place: Place, tile: number, pixel: number): number {
  const { grid } = place;
  const [y, x] = [Math.floor(pixel / grid.width), pixel % grid.width];
  const { columns } = grid.format;
  const crouton = place.offset(Math.floor(y / CROUTON_ROWS), tile, Math.floor(x / columns));
  return crouton + pixelOffset(grid.format, y, x);
}

/** Moves whole pixels; all inputs and the output have the same channels. */
export function pixelMoveStage(from: MoveNode): Stage {
  const { outputGrid: grid } = from;
  const tables = Array.from({ length: grid.tiles }, (_, tile) => pixelTable(from, tile));
  const needed = from.grids.map((_, input) => neededRows(from, input));
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: from.inputs,
    output: from.output,
    rows: grid.rows,
    inputRows: (input, { first, last }) => ({
      first: needed[input]?.[first]?.first ?? 0,
      last: needed[input]?.[last]?.last ?? 0,
    }),
    pixelTables: tables,
    follows: false,
    emit: (work) => emitPixelRow(from, work),
  };
}

/** Crouton rows of an input by crouton row of the output; where none is needed, the last one that was. */
function neededRows(from: MoveNode, input: number): RowRange[] {
  const { outputGrid: grid, sources } = from;
  const rowPixels = CROUTON_ROWS * grid.width;
  const inputRowPixels = CROUTON_ROWS * (from.grids[input]?.width ?? 1);
  let before: RowRange = { first: 0, last: 0 };
  return Array.from({ length: grid.rows }, (_, row) => {
    const rows = sources
      .slice(row * rowPixels, (row + 1) * rowPixels)
      .flatMap((source) =>
        source?.input === input ? [Math.floor(source.at / inputRowPixels)] : [],
      );
    const range = rows.reduce<RowRange | undefined>(
      (so, at) => ({ first: Math.min(so?.first ?? at, at), last: Math.max(so?.last ?? at, at) }),
      undefined,
    );
    before = range ?? { first: before.last, last: before.last };
    return before;
  });
}

/** Entries in the order of the output's vectors: crouton row, crouton, row, column. */
function pixelTable(from: MoveNode, tile: number): PixelTable {
  const { outputGrid: grid, fill } = from;
  const { format, columns } = grid;
  return {
    entries: grid.rows * columns * CROUTON_ROWS * format.columns,
    fill: { format, value: fill },
    write: (into, at) => {
      for (let index = 0; index < into.length; index++) {
        const x = index % format.columns;
        const y = Math.floor(index / format.columns) % CROUTON_ROWS;
        const crouton = Math.floor(index / (format.columns * CROUTON_ROWS));
        const column = (crouton % columns) * format.columns + x;
        const row = Math.floor(crouton / columns) * CROUTON_ROWS + y;
        const pixel = row * grid.width + column;
        const isInside = column < grid.width && row < grid.height && pixel < grid.pixels;
        const source = isInside ? from.sources[pixel] : undefined;
        const sourceTile = tile + (source?.tileOffset ?? 0);
        into[index] = source ? pixelAt(at.input(source.input), sourceTile, source.at) : at.fill;
      }
    },
  };
}

function emitPixelRow(from: MoveNode, work: Work): void {
  const { outputGrid: grid } = from;
  const { format } = grid;
  const { first: row } = work.rows;
  const croutonEntries = CROUTON_ROWS * format.columns;
  const cost = { contexts: work.emit.contexts, cyclesPerVector: 4 };
  for (const segment of tileSegments(grid, row, cost)) {
    const { tile, column } = segment;
    const first = (row * grid.columns + column) * croutonEntries;
    work.emit.vector({
      kernel: `copy_${format.dtype}`,
      shape: { parameters: { outside: from.outside } },
      operands: {
        x: pixelOperand(work.pixelTable(tile) + 4 * first),
        y: outputAt(work, segment),
      },
      ...runOf(segment),
    });
  }
}

/** Index byte of a lane that stays as it is. */
const KEEP = 255;

/** Lanes of one input tile on their way into one output tile. */
interface Part {
  readonly input: number;
  readonly tile: number;
  readonly lanes: Uint8Array;
}

/** Operands of one run bound how many tiles an output tile can be gathered from at once. */
const PARTS_MAX = 14;

/** Moves channels; all inputs and the output have the same pixels. */
export function channelMoveStage(from: MoveNode): Stage {
  const { outputGrid: grid } = from;
  const parts = Array.from({ length: grid.tiles }, (_, tile) => partsOf(from, tile));
  const bytes = new Uint8Array(parts.flat().length * CROUTON_CHANNELS);
  let count = 0;
  const lanesAt = parts.map((each) =>
    each.map(({ lanes }) => {
      bytes.set(lanes, count * CROUTON_CHANNELS);
      return count++ * CROUTON_CHANNELS;
    }),
  );
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: from.inputs,
    output: from.output,
    rows: grid.rows,
    chunks: bytes.length > 0 ? [constants(bytes)] : [],
    emit: (work) => {
      const cost = { contexts: work.emit.contexts, cyclesPerVector: 6 };
      for (const segment of tileSegments(grid, work.rows.first, cost)) {
        emitChannels(from, work, {
          segment,
          parts: parts[segment.tile] ?? [],
          lanesAt: lanesAt[segment.tile] ?? [],
        });
      }
    },
  };
}

function partsOf(from: MoveNode, tile: number): Part[] {
  const parts: Part[] = [];
  from.sources.forEach((source, channel) => {
    const target = laneOf(from.outputGrid, channel);
    const grid = source && from.grids[source.input];
    if (target.tile !== tile || source === undefined || grid === undefined) return;
    const { tile: sourceTile, lane } = laneOf(grid, source.at);
    const known = parts.find((each) => each.input === source.input && each.tile === sourceTile);
    const part = known ?? { input: source.input, tile: sourceTile, lanes: emptyLanes() };
    if (known === undefined) parts.push(part);
    part.lanes[target.lane] = lane;
  });
  return parts;
}

function emptyLanes(): Uint8Array {
  return new Uint8Array(CROUTON_CHANNELS).fill(KEEP);
}

interface ChannelRun {
  readonly segment: Segment;
  readonly parts: readonly Part[];
  /** Offsets of the parts' lanes in the constants. */
  readonly lanesAt: readonly number[];
}

/** The first run begins with the fill, later ones go on from what is there. */
function emitChannels(from: MoveNode, work: Work, run: ChannelRun): void {
  const { segment, parts, lanesAt } = run;
  const { format } = from.outputGrid;
  const y = outputAt(work, segment);
  for (let first = 0; first < Math.max(1, parts.length); first += PARTS_MAX) {
    const some = parts.slice(first, first + PARTS_MAX);
    const shape = {
      counts: { parts: some.length, first: first === 0 ? 1 : 0, later: first === 0 ? 0 : 1 },
      parameters: { fill: from.fill, outside: from.outside },
    };
    const x = some.map(({ input, tile }) => inputAt(work, input, { ...segment, tile }));
    const lanes = some.map((_, index) => linear(work.constants + (lanesAt[first + index] ?? 0)));
    const kernel = `move_channels_${format.dtype}` as const;
    work.emit.vector({ kernel, shape, operands: { x, lanes, y }, ...runOf(segment) });
  }
}

export interface ConstantNode {
  readonly node: string;
  readonly output: ValueId;
  readonly grid: Grid;
  /** The tensor as it lies in croutons, row by row. */
  readonly bytes: Uint8Array;
}

/** A tensor of constants, brought to its place. */
export function constantStage(from: ConstantNode): Stage {
  const { grid } = from;
  const { format } = grid;
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [],
    output: from.output,
    rows: grid.rows,
    chunks: [constants(from.bytes)],
    follows: false,
    emit: (work) => {
      const { first: row } = work.rows;
      for (const segment of maskedSegments(grid, row, work.emit.contexts)) {
        const { tile, column } = segment;
        const at = row * grid.rowBytes + (tile * grid.columns + column) * CROUTON_BYTES;
        work.emit.vector({
          kernel: `copy_${format.dtype}`,
          shape: { parameters: { outside: 0 } },
          operands: {
            x: linear(work.constants + at, format.vectorBytes),
            y: outputAt(work, segment),
          },
          ...runOf(segment),
          rows: CROUTON_ROWS,
          columns: 0xffff,
        });
      }
    },
  };
}

/** Elements, given by pixel and channel, as they lie in croutons; everything else is `fill`. */
export function packGrid(
  grid: Grid,
  fill: number,
  elementAt: (pixel: number, channel: number) => number,
): Uint8Array {
  const { format } = grid;
  const bytes = new Uint8Array(grid.rows * grid.rowBytes);
  const elements = format.bytes === 1 ? new Int8Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  elements.fill(fill);
  const laneBytes = format.bytes === 1 ? 1 : 4;
  for (let pixel = 0; pixel < grid.pixels; pixel++) {
    const [y, x] = [Math.floor(pixel / grid.width), pixel % grid.width];
    const row = Math.floor(y / CROUTON_ROWS) * grid.rowBytes;
    const inCrouton = pixelOffset(format, y, x);
    for (let channel = 0; channel < grid.channels; channel++) {
      const { tile, lane } = laneOf(grid, channel);
      const crouton = tile * grid.columns + Math.floor(x / format.columns);
      const at = row + crouton * CROUTON_BYTES + inCrouton + lane * laneBytes;
      elements[at / format.bytes] = elementAt(pixel, channel);
    }
  }
  return bytes;
}
