/**
 * Stages: what the nodes of the graph become. A stage makes its output a unit of crouton rows at a time and
 * says which rows of its inputs that takes; scheduling, memory and synchronisation know nothing else of it.
 */
import type { Address } from "../../protocol/isa/index.ts";
import type { Emitter } from "./emitter.ts";
import type { Format } from "./format.ts";
import type { Grid } from "./grid.ts";

/** Index into `Network.values`. */
export type ValueId = number;

/** An activation tensor. */
export interface Value {
  readonly name: string;
  readonly grid: Grid;
  readonly zeroPoint: number;
  /** Set where the tensor is a range of channel tiles of another one (copy-free concatenation). */
  readonly within?: { readonly value: ValueId; readonly tileOffset: number };
}

/** Crouton rows, both ends included. */
export interface RowRange {
  readonly first: number;
  readonly last: number;
}

/** Croutons around a tensor that are read as `fill`. */
export interface Halo {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
  readonly fill: number;
}

/** A pointer table over an input of the stage. */
export interface View {
  readonly input: number;
  readonly halo: Halo;
}

/** VTCM offsets of single pixels, for operands of kind `pixels`; written once everything has its place. */
export interface PixelTable {
  readonly entries: number;
  /** What pixels outside the inputs are read from. */
  readonly fill?: Fill;
  write(into: Uint32Array, at: PixelPlaces): void;
}

export interface PixelPlaces {
  input(index: number): Place;
  /** VTCM offset of the table's fill. */
  readonly fill: number;
}

/** A crouton that holds one value everywhere. */
export interface Fill {
  readonly format: Format;
  readonly value: number;
}

/** Constants of a stage; packed only when the program is written. */
export interface Chunk {
  readonly bytes: number;
  pack(): Uint8Array;
}

/**
 * Tiles that a stage spreads out from its first chunk, in memory that holds zeros wherever no stage ever
 * writes: all users of it write the same places.
 */
export interface SparseTiles {
  readonly bytes: number;
  /** Copies from the chunk at VTCM offset `constants` into the tiles at `tiles`. */
  spread(emit: Emitter, constants: number, tiles: number): void;
}

export interface Stage {
  /** The model's node that the stage works for. */
  readonly node: string;
  readonly inputs: readonly ValueId[];
  readonly output: ValueId | undefined;
  /** Crouton rows of the output. */
  readonly rows: number;
  /** Rows made at a time. */
  readonly unitRows: number;
  /** Whether several chunks are brought in again for every unit, instead of staying. */
  readonly restreams?: boolean;
  inputRows(input: number, rows: RowRange): RowRange;
  readonly views: readonly View[];
  readonly pixelTables?: readonly PixelTable[];
  /** Constants, brought to VTCM before a unit; with several, a unit is made in as many steps. */
  readonly chunks: readonly Chunk[];
  readonly sparse?: SparseTiles;
  readonly scratchBytes: number;
  /** Whether it reads its inputs once and as it goes, so that it may run right behind their producer. */
  readonly follows: boolean;
  emit(work: Work): void;
}

/** Where a tensor lies in VTCM during a step. */
export interface Place {
  readonly grid: Grid;
  /** VTCM offset of a crouton; the croutons of one tile, and the tiles of one row, follow each other. */
  offset(row: number, tile: number, column: number): number;
}

/** A pointer table in VTCM; entry (tile, row, column) counts croutons from the halo's corner. */
export interface TableView {
  readonly format: Format;
  readonly address: Address;
  readonly rowPitch: number;
  readonly tilePitch: number;
  readonly halo: Halo;
}

/** One step of a stage, with everything in its place. */
export interface Work {
  readonly rows: RowRange;
  readonly chunk: number;
  readonly emit: Emitter;
  readonly output: Place;
  input(index: number): Place;
  table(view: number): TableView;
  /** VTCM offset of one of the stage's pixel tables. */
  pixelTable(index: number): number;
  /** VTCM offset of the current chunk. */
  readonly constants: number;
  readonly scratch: number;
  readonly sparseTiles: number;
}

export function constants(bytes: Uint8Array): Chunk {
  return { bytes: bytes.length, pack: () => bytes };
}

export const WHOLE_UNIT = Number.MAX_SAFE_INTEGER;

function sameRows(_input: number, rows: RowRange): RowRange {
  return rows;
}

/** Of a stage that makes each row of its output from the same row of its inputs, right behind their producer. */
export const ROW_BY_ROW = {
  unitRows: 1,
  inputRows: sameRows,
  views: [],
  chunks: [],
  scratchBytes: 0,
  follows: true,
} as const satisfies Partial<Stage>;
