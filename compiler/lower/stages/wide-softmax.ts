/** Softmax of 16-bit croutons over the channels of every pixel, or over each of their groups. */
import { linear } from "../emitter.ts";
import { LANE_WORDS_BYTES, PIXEL_WORDS_BYTES, VECTOR_WORDS_BYTES } from "../format.ts";
import { groupTiles, lanesIn } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import { groupTurns, SLOTS } from "./group-turns.ts";
import { inputAt, outputAt, runOf, tileSegments } from "./segments.ts";
import type { Segment } from "./segments.ts";

export interface WideSoftmaxNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly grid: Grid;
  /** Of int16 alone. */
  readonly stored?: StoredSoftmax;
}

export interface StoredSoftmax {
  /** 65,536 exponentials, the last one for a difference of zero. */
  readonly table: Int16Array;
  /** fround(1 / scale of the output). */
  readonly inverseScale: number;
}

/** Operands of one run bound the channel tiles that it can take. */
const TILES_MAX = 12;

export function wideSoftmaxStage(from: WideSoftmaxNode): Stage {
  const { grid } = from;
  const vectors = grid.columns * grid.format.vectorsPerCrouton;
  const slotBytes = vectors * (2 * PIXEL_WORDS_BYTES + VECTOR_WORDS_BYTES);
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: grid.rows,
    chunks: [constants(packConstants(from))],
    scratchBytes: SLOTS * slotBytes,
    follows: false,
    emit: (work) => {
      for (const turn of groupTurns(grid)) {
        const placed = turn.map(({ group, slot }) => {
          return { group, maximum: work.scratch + slot * slotBytes, vectors };
        });
        emitGroups(from, work, placed);
      }
    },
  };
}

/** Per lane of a group's last tile: a limit (the largest number or the lowest), and a factor (1 or 0). Then the table. */
function packConstants({ grid, stored }: WideSoftmaxNode): Uint8Array {
  const lanes = lanesIn(grid, groupTiles(grid) - 1);
  const bytes = new Uint8Array(2 * LANE_WORDS_BYTES + (stored?.table.byteLength ?? 0));
  const words =
    stored === undefined ? new Float32Array(bytes.buffer) : new Int32Array(bytes.buffer);
  const lowest = lowestOf(stored);
  for (let lane = 0; lane < 32; lane++) {
    words[lane] = lane < lanes ? -1 - lowest : lowest;
    words[32 + lane] = lane < lanes ? 1 : 0;
  }
  if (stored !== undefined) new Int16Array(bytes.buffer).set(stored.table, LANE_WORDS_BYTES);
  return bytes;
}

function dtypeOf(stored: StoredSoftmax | undefined): "f16" | "i16" {
  return stored === undefined ? "f16" : "i16";
}

function lowestOf(stored: StoredSoftmax | undefined): number {
  return stored === undefined ? -Infinity : -32768;
}

interface Group {
  readonly group: number;
  /** VTCM offset of the maxima; the ratios and the lane sums lie behind them. */
  readonly maximum: number;
  readonly vectors: number;
}

/** Whole tiles first, TILES_MAX at a time; a last one that is not full goes with the last of them. */
interface Block {
  readonly tiles: readonly number[];
  readonly masked: readonly number[];
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

function blocksOf(grid: Grid, group: number): Block[] {
  const count = groupTiles(grid);
  const first = group * count;
  const masked = grid.groupChannels % 32 === 0 ? [] : [first + count - 1];
  const whole = Array.from({ length: count - masked.length }, (_, tile) => first + tile);
  const parts = Math.max(1, Math.ceil(whole.length / TILES_MAX));
  return Array.from({ length: parts }, (_, part) => ({
    tiles: whole.slice(part * TILES_MAX, (part + 1) * TILES_MAX),
    masked: part === parts - 1 ? masked : [],
    isFirst: part === 0,
    isLast: part === parts - 1,
  }));
}

/** Step by step; each step for all groups. */
function emitGroups(from: WideSoftmaxNode, work: Work, groups: readonly Group[]): void {
  const { grid } = from;
  const one = { ...grid, tiles: 1 };
  const segments = tileSegments(one, work.rows.first, { contexts: 1, cyclesPerVector: 60 });
  const runs = groups.flatMap((at) =>
    segments.map((segment) => ({ at, segment, blocks: blocksOf(grid, at.group) })),
  );
  for (const emit of [emitMaximum, emitSum]) {
    for (const { at, segment, blocks } of runs) {
      for (const block of blocks) emit(from, work, { at, block, segment });
    }
  }
  for (const { at, segment, blocks } of runs) {
    const tiles = blocks.flatMap((block) => [...block.tiles, ...block.masked]);
    for (const tile of tiles) emitFinish(from, work, { at, segment, tile });
  }
}

function emitFinish(
  { stored }: WideSoftmaxNode,
  work: Work,
  run: { at: Group; segment: Segment; tile: number },
): void {
  const { at, segment, tile } = run;
  const operands = { y: outputAt(work, { ...segment, tile }), ratio: places(at, segment).ratio };
  const kernel = `softmax_finish_${dtypeOf(stored)}` as const;
  work.emit.vector({ kernel, shape: {}, operands, ...runOf(segment) });
}

function places({ maximum, vectors }: Group, { column, format }: Segment) {
  const first = column * format.vectorsPerCrouton;
  const ratio = maximum + vectors * PIXEL_WORDS_BYTES;
  const lanes = ratio + vectors * PIXEL_WORDS_BYTES;
  return {
    maximum: linear(maximum + first * PIXEL_WORDS_BYTES, PIXEL_WORDS_BYTES),
    ratio: linear(ratio + first * PIXEL_WORDS_BYTES, PIXEL_WORDS_BYTES),
    lanes: linear(lanes + first * VECTOR_WORDS_BYTES, VECTOR_WORDS_BYTES),
  };
}

interface BlockRun {
  readonly at: Group;
  readonly block: Block;
  readonly segment: Segment;
}

function emitMaximum(
  { stored }: WideSoftmaxNode,
  work: Work,
  { at, block, segment }: BlockRun,
): void {
  const x = (tile: number) => inputAt(work, 0, { ...segment, tile });
  const { tiles, masked, isFirst } = block;
  work.emit.vector({
    kernel: `softmax_maximum_${dtypeOf(stored)}`,
    shape: {
      counts: { tiles: tiles.length, masked: masked.length, chained: isFirst ? 0 : 1 },
      parameters: { lowest: lowestOf(stored) },
    },
    operands: {
      x: tiles.map(x),
      last: masked.map(x),
      limit: linear(work.constants),
      maximum: places(at, segment).maximum,
    },
    ...runOf(segment),
  });
}

function emitSum({ stored }: WideSoftmaxNode, work: Work, { at, block, segment }: BlockRun): void {
  const x = (tile: number) => inputAt(work, 0, { ...segment, tile });
  const y = (tile: number) => outputAt(work, { ...segment, tile });
  const { tiles, masked, isFirst, isLast } = block;
  const flag = (is: boolean): number => (is ? 1 : 0);
  work.emit.vector({
    kernel: `softmax_sum_${dtypeOf(stored)}`,
    shape: {
      parameters: stored === undefined ? {} : { inverse_scale: stored.inverseScale },
      counts: {
        ...{ tiles: tiles.length, masked: masked.length },
        ...{ opened: flag(isFirst), chained: flag(!isFirst) },
        ...{ open: flag(!isLast), closed: flag(isLast) },
      },
    },
    operands: {
      x: tiles.map(x),
      y: tiles.map(y),
      last: masked.map(x),
      last_y: masked.map(y),
      keep: linear(work.constants + LANE_WORDS_BYTES),
      table: linear(work.constants + 2 * LANE_WORDS_BYTES),
      ...places(at, segment),
    },
    ...runOf(segment),
  });
}
