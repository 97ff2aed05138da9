/** Stages at the program's edge and at the border between DDR and VTCM. */
import { alignUp } from "../../../protocol/base/integers.ts";
import { CROUTON_BYTES, CROUTON_CHANNELS, CROUTON_ROWS } from "../../../protocol/isa/index.ts";
import type { Address } from "../../../protocol/isa/index.ts";
import { vtcm } from "../emitter.ts";
import type { Copy } from "../emitter.ts";
import { PIXEL_ROW_BYTES } from "../format.ts";
import { isPixel, validRows } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { ROW_BY_ROW } from "../stage.ts";
import type { Gathered } from "../gathered.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import { arrivalBytes, fillSlots, slotOf, turnSlot } from "./arrivals.ts";
import type { Arrivals } from "./arrivals.ts";
import { emitFill } from "./fill.ts";
import { linearSegments } from "./segments.ts";
import { interleaveRow, outputRow, plainRow, plainRowBytes, separateRow } from "./interleave.ts";
import type { CroutonRow } from "./interleave.ts";

export interface PortNode {
  readonly node: string;
  readonly value: ValueId;
  readonly grid: Grid;
  readonly zeroPoint: number;
  /** Region of int8 pixels [height][width][channels]. */
  readonly region: number;
  /** Its pixels come as a plane for every channel, which are turned into each other by a task for every vector. */
  readonly turns?: boolean;
}

/** Dense pixels of one crouton row: DDR is read and written in long runs, VTCM does the scattering. */
function stagingBytes(grid: Grid): number {
  return alignUp(CROUTON_ROWS * grid.width * grid.channels * grid.format.bytes, 256);
}

/** Rows come in ahead of the scattering, so that they do not hold up what is fetched after them. */
const STAGING_BYTES = 512 * 1024;

function stagingSlots(grid: Grid): number {
  return Math.max(2, Math.min(grid.rows, Math.floor(STAGING_BYTES / stagingBytes(grid))));
}

function denseRows(
  from: PortNode,
  row: number,
): { readonly dense: Address; readonly bytes: number } {
  const { width, pixels, channels, format } = from.grid;
  const pixelRowBytes = width * channels * format.bytes;
  const dense = { region: from.region, offset: row * CROUTON_ROWS * pixelRowBytes };
  const totalBytes = pixels * channels * format.bytes;
  const bytes = Math.min(validRows(from.grid, row) * pixelRowBytes, totalBytes - dense.offset);
  return { dense, bytes };
}

export function importStage(from: PortNode): Stage {
  const { format } = from.grid;
  const arrivals = arrivalsOf(from, {
    slots: stagingSlots(from.grid),
    slotBytes: stagingBytes(from.grid),
    plainBytes: plainRowBytes(from.grid),
  });
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [],
    output: from.value,
    rows: from.grid.rows,
    scratchBytes: arrivalBytes(arrivals),
    follows: false,
    emit: (work) => {
      const { first: row } = work.rows;
      const slot = slotOf(arrivals, work);
      const { dense, bytes } = denseRows(from, row);
      if (arrivals.turns) fillSlots(arrivals, work);
      work.emit.copy("in", { source: dense, destination: vtcm(slot.arrival), bytes });
      turnSlot(arrivals, work);
      const target = format.bytes === 1 ? outputRow(work) : plainRow(from.grid, slot.plain);
      fillRow(from, work, target(0, 0));
      forEachRun(from.grid, row, (run) => {
        work.emit.copy("out", scattered(from, run, { dense: slot.dense, croutons: target }));
      });
      if (format.bytes === 2) interleaveRow(from, work, slot.plain);
    },
  };
}

function arrivalsOf(
  { grid, zeroPoint, turns }: PortNode,
  sizes: Pick<Arrivals, "slots" | "slotBytes" | "plainBytes">,
): Arrivals {
  return { format: grid.format, zeroPoint, turns: turns === true, ...sizes };
}

interface Ends {
  /** VTCM offset of a crouton row's dense pixels. */
  readonly dense: number;
  readonly croutons: CroutonRow;
}

/** From dense pixels into croutons. */
function scattered({ grid }: PortNode, run: PixelRun, ends: Ends): Copy {
  const { bytes, columns: across, pixelBytes } = grid.format;
  const pixel = (run.y * grid.width + run.column * across) * grid.channels + run.tile * 32;
  return {
    source: vtcm(ends.dense + pixel * bytes),
    destination: vtcm(ends.croutons(run.tile, run.column) + run.y * PIXEL_ROW_BYTES),
    bytes: run.lanes * bytes,
    rows: run.columns,
    sourceRowStride: grid.channels * bytes,
    destinationRowStride: pixelBytes,
    planes: run.croutons,
    sourcePlaneStride: across * grid.channels * bytes,
    destinationPlaneStride: CROUTON_BYTES,
  };
}

/** Out of croutons to dense pixels. */
function gathered(from: PortNode, run: PixelRun, ends: Ends): Copy {
  const copy = scattered(from, run, ends);
  return {
    ...copy,
    source: copy.destination,
    destination: copy.source,
    sourceRowStride: copy.destinationRowStride ?? 0,
    destinationRowStride: copy.sourceRowStride ?? 0,
    sourcePlaneStride: copy.destinationPlaneStride ?? 0,
    destinationPlaneStride: copy.sourcePlaneStride ?? 0,
  };
}

export interface GatherNode extends PortNode {
  readonly gathered: Gathered;
}

/** Dense pixel rows with a margin of zero points, so that every window's row is one run of bytes. */
function marginedRowBytes({ grid, gathered }: GatherNode): number {
  const { geometry: g } = gathered;
  const reach = (g.outWidth - 1) * g.strideX + g.kernelWidth;
  return Math.max(grid.width + g.padLeft, reach) * grid.channels * grid.format.bytes;
}

/** As importStage, with the pixels of a window's row as the channels of one pixel. */
export function gatherStage(from: GatherNode): Stage {
  const { grid } = from.gathered;
  const slotBytes = alignUp(CROUTON_ROWS * marginedRowBytes(from), 256);
  const arrivals = arrivalsOf(from, {
    slots: Math.max(2, Math.min(grid.rows, Math.floor(STAGING_BYTES / slotBytes))),
    slotBytes,
    plainBytes: plainRowBytes(grid),
  });
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [],
    output: from.value,
    rows: grid.rows,
    scratchBytes: arrivalBytes(arrivals),
    follows: false,
    emit: (work) => {
      const { arrival, dense, plain } = slotOf(arrivals, work);
      const isNarrow = grid.format.bytes === 1;
      const croutons = isNarrow ? outputRow(work) : plainRow(grid, plain);
      const { zeroPoint } = from;
      fillSlots(arrivals, work);
      bringDense(from, work, arrival);
      turnSlot(arrivals, work);
      fillRow({ grid, zeroPoint }, work, croutons(0, 0));
      gatherRow(from, work, { dense, croutons });
      if (!isNarrow) interleaveRow({ grid, zeroPoint }, work, plain);
    },
  };
}

/** Dense pixels of one row into their margins. */
function bringDense(from: GatherNode, work: Work, at: number): void {
  const { first: row } = work.rows;
  const { geometry: g, grid } = from.gathered;
  const pixelBytes = from.grid.channels * grid.format.bytes;
  work.emit.copy("in", {
    source: denseRows(from, row).dense,
    destination: vtcm(at + g.padLeft * pixelBytes),
    bytes: from.grid.width * pixelBytes,
    rows: validRows(grid, row),
    destinationRowStride: marginedRowBytes(from),
  });
}

function gatherRow(from: GatherNode, work: Work, ends: Ends): void {
  const { first: row } = work.rows;
  const { geometry: g, grid } = from.gathered;
  const { bytes, columns: across, pixelBytes } = grid.format;
  const sourcePixelBytes = from.grid.channels * bytes;
  const rowBytes = marginedRowBytes(from);
  const step = g.strideX * sourcePixelBytes;
  forEachRun(grid, row, ({ tile, lanes, column, columns, croutons, y }) => {
    work.emit.copy("out", {
      source: vtcm(ends.dense + y * rowBytes + column * across * step + tile * 32 * bytes),
      destination: vtcm(ends.croutons(tile, column) + y * PIXEL_ROW_BYTES),
      bytes: lanes * bytes,
      rows: columns,
      sourceRowStride: step,
      destinationRowStride: pixelBytes,
      planes: croutons,
      sourcePlaneStride: across * step,
      destinationPlaneStride: CROUTON_BYTES,
    });
  });
}

/** Lanes that no pixel covers hold the zero point. `at`: VTCM offset of the row. */
function fillRow(from: Pick<PortNode, "grid" | "zeroPoint">, work: Work, at: number): void {
  const { grid, zeroPoint: value } = from;
  for (const { format, tile, column, vectors } of linearSegments(grid, work.emit.contexts)) {
    const first = at + (tile * grid.columns + column) * CROUTON_BYTES;
    emitFill(work.emit, { format, value, at: first, vectors });
  }
}

/** One pixel row of one channel tile: the whole croutons together, the part of a crouton at the right alone. */
interface PixelRun {
  readonly tile: number;
  readonly lanes: number;
  readonly column: number;
  /** Pixels of each crouton. */
  readonly columns: number;
  readonly croutons: number;
  readonly y: number;
}

function forEachRun(grid: Grid, row: number, visit: (run: PixelRun) => void): void {
  for (let tile = 0; tile < grid.tiles; tile++) {
    const lanes = Math.min(32, grid.channels - tile * 32);
    const { columns: across } = grid.format;
    for (let y = 0; y < validRows(grid, row); y++) {
      const pixels = Math.min(grid.width, grid.pixels - (row * CROUTON_ROWS + y) * grid.width);
      const whole = Math.floor(pixels / across);
      if (whole > 0) visit({ tile, lanes, column: 0, columns: across, croutons: whole, y });
      const columns = pixels - whole * across;
      if (columns > 0) visit({ tile, lanes, column: whole, columns, croutons: 1, y });
    }
  }
}

export function exportStage(from: PortNode): Stage {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.value],
    output: undefined,
    rows: from.grid.rows,
    scratchBytes: 2 * (stagingBytes(from.grid) + plainRowBytes(from.grid)),
    emit: (work) => {
      const isSimple = isPixel(from.grid) && from.grid.format.bytes === 1;
      return isSimple ? exportPixel(from, work) : exportRow(from, work);
    },
  };
}

/** One pixel: its channels are gathered on the way out. */
function exportPixel(from: PortNode, work: Work): void {
  const { pixelBytes } = from.grid.format;
  const whole = Math.floor(from.grid.channels / CROUTON_CHANNELS);
  const rest = from.grid.channels % CROUTON_CHANNELS;
  const source = (tile: number): Address => vtcm(work.input(0).offset(0, tile, 0));
  if (whole > 0) {
    work.emit.copy("out", {
      source: source(0),
      destination: { region: from.region, offset: 0 },
      bytes: pixelBytes,
      rows: whole,
      sourceRowStride: CROUTON_BYTES,
      destinationRowStride: pixelBytes,
    });
  }
  if (rest === 0) return;
  const destination = { region: from.region, offset: whole * pixelBytes };
  work.emit.copy("out", { source: source(whole), destination, bytes: rest });
}

function exportRow(from: PortNode, work: Work): void {
  const { first: row } = work.rows;
  const { grid } = from;
  const slotBytes = stagingBytes(grid) + plainRowBytes(grid);
  const staging = work.scratch + (row % 2) * slotBytes;
  const plain = staging + stagingBytes(grid);
  const isWide = grid.format.bytes === 2;
  if (isWide) separateRow(grid, work, plain);
  const croutons: CroutonRow = isWide
    ? plainRow(grid, plain)
    : (tile, column) => work.input(0).offset(row, tile, column);
  forEachRun(grid, row, (run) => {
    work.emit.copy("out", gathered(from, run, { dense: staging, croutons }));
  });
  const { dense, bytes } = denseRows(from, row);
  work.emit.copy("out", { source: vtcm(staging), destination: dense, bytes });
}

export interface SpillNode {
  readonly node: string;
  readonly value: ValueId;
  readonly grid: Grid;
  /** Where its first crouton row lies in DDR. */
  readonly home: () => Address;
}

/** Brings a tensor back from DDR. */
export function loadStage(from: SpillNode): Stage {
  return { ...spillStage(from, "in"), inputs: [], output: from.value, follows: false };
}

/** Writes a tensor to its home in DDR. */
export function storeStage(from: SpillNode): Stage {
  return { ...spillStage(from, "out"), inputs: [from.value], output: undefined };
}

function spillStage(from: SpillNode, queue: "in" | "out"): Omit<Stage, "inputs" | "output"> {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    rows: from.grid.rows,
    emit: (work) => {
      const { first: row } = work.rows;
      const { region, offset } = from.home();
      const place = queue === "in" ? work.output : work.input(0);
      const tileBytes = from.grid.columns * CROUTON_BYTES;
      for (let tile = 0; tile < from.grid.tiles; tile += tilesPerCopy(from.grid)) {
        const tiles = Math.min(tilesPerCopy(from.grid), from.grid.tiles - tile);
        const home = {
          region,
          offset: offset + row * from.grid.rowBytes + tile * tileBytes,
        };
        const local = vtcm(place.offset(row, tile, 0));
        const [source, destination] = queue === "in" ? [home, local] : [local, home];
        work.emit.copy(queue, { source, destination, bytes: tiles * tileBytes });
      }
    },
  };
}

/** Parts of a row this large hide the price of a descriptor and still let work begin before the row is there. */
const COPY_BYTES = 16 * 1024;

function tilesPerCopy(grid: Grid): number {
  return Math.max(1, Math.floor(COPY_BYTES / (grid.columns * CROUTON_BYTES)));
}
