/** Normalisation over the channels of every pixel: mean and deviation of a row of croutons, then each tile. */
import { linear } from "../emitter.ts";
import { LANE_WORDS_BYTES, PIXEL_WORDS_BYTES } from "../format.ts";
import { lanesIn } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import type { NormNumbers } from "../../ir/ops/lanes.ts";
import { inputAt, outputAt, runOf, tileSegments } from "./segments.ts";
import type { Segment } from "./segments.ts";

export interface NormNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly grid: Grid;
  readonly numbers: NormNumbers;
  readonly zeroPointOut: number;
}

/** Operands of one run bound the channel tiles that it can sum over. */
export const NORM_TILES_MAX = 27;

export function normStage(from: NormNode): Stage {
  const { grid } = from;
  const vectors = grid.columns * grid.format.vectorsPerCrouton;
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: grid.rows,
    chunks: [constants(packConstants(from))],
    scratchBytes: 4 * vectors * PIXEL_WORDS_BYTES,
    follows: false,
    emit: (work) => {
      // Rows take turns in two halves of the scratch memory.
      const half = (work.rows.first % 2) * 2 * vectors * PIXEL_WORDS_BYTES;
      const mean = work.scratch + half;
      const statistics = { mean, inverse: mean + vectors * PIXEL_WORDS_BYTES };
      emitStatistics(from, work, statistics);
      emitTiles(from, work, statistics);
    },
  };
}

/** Per tile 32 scales and 32 biases; behind all of them 1 for every lane of the last tile that is a channel. */
function packConstants({ grid, numbers }: NormNode): Uint8Array {
  const words = new Float32Array((grid.tiles * 2 + 1) * 32);
  for (let channel = 0; channel < grid.channels; channel++) {
    const at = Math.floor(channel / 32) * 64 + (channel % 32);
    words[at] = numbers.scale[channel] ?? 0;
    words[at + 32] = numbers.bias[channel] ?? 0;
  }
  words.fill(1, grid.tiles * 64, grid.tiles * 64 + lanesIn(grid, grid.tiles - 1));
  return new Uint8Array(words.buffer);
}

interface Statistics {
  /** VTCM offsets. */
  readonly mean: number;
  readonly inverse: number;
}

function emitStatistics(from: NormNode, work: Work, at: Statistics): void {
  const { grid, numbers } = from;
  const masked = grid.channels % 32 === 0 ? 0 : 1;
  const tiles = grid.tiles - masked;
  const keep = linear(work.constants + grid.tiles * 2 * LANE_WORDS_BYTES);
  const one = { ...grid, tiles: 1 };
  const cost = { contexts: work.emit.contexts, cyclesPerVector: 40 };
  for (const segment of tileSegments(one, work.rows.first, cost)) {
    const x = Array.from({ length: grid.tiles }, (_, tile) =>
      inputAt(work, 0, { ...segment, tile }),
    );
    work.emit.vector({
      kernel: `norm_statistics_${grid.format.dtype}`,
      shape: {
        counts: { tiles, masked },
        parameters: {
          minus_zero: -numbers.zeroPoint,
          inverse_count: numbers.inverseCount,
          epsilon: numbers.epsilon,
        },
      },
      operands: {
        x: x.slice(0, tiles),
        last: x.slice(tiles),
        keep,
        ...statisticsAt(at, segment),
      },
      ...runOf(segment),
    });
  }
}

function emitTiles(from: NormNode, work: Work, at: Statistics): void {
  const { grid, numbers } = from;
  const cost = { contexts: work.emit.contexts, cyclesPerVector: 12 };
  for (const segment of tileSegments(grid, work.rows.first, cost)) {
    const constantsAt = work.constants + segment.tile * 2 * LANE_WORDS_BYTES;
    work.emit.vector({
      kernel: `norm_apply_${grid.format.dtype}`,
      shape: { parameters: { minus_zero: -numbers.zeroPoint, zero_y: from.zeroPointOut } },
      operands: {
        x: inputAt(work, 0, segment),
        ...statisticsAt(at, segment),
        scale: linear(constantsAt),
        bias: linear(constantsAt + LANE_WORDS_BYTES),
        y: outputAt(work, segment),
      },
      ...runOf(segment),
    });
  }
}

/** Those of the segment's pixels. */
function statisticsAt({ mean, inverse }: Statistics, { column, format }: Segment) {
  const first = column * format.vectorsPerCrouton * PIXEL_WORDS_BYTES;
  return {
    mean: linear(mean + first, PIXEL_WORDS_BYTES),
    inverse: linear(inverse + first, PIXEL_WORDS_BYTES),
  };
}
