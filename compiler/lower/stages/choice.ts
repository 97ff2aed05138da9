/** The index of every pixel's largest channel. */
import { linear } from "../emitter.ts";
import { LANE_WORDS_BYTES } from "../format.ts";
import type { Grid } from "../grid.ts";
import { constants, ROW_BY_ROW } from "../stage.ts";
import type { Stage, ValueId, Work } from "../stage.ts";
import { inputAt, maskedSegments, outputAt, runOf } from "./segments.ts";

export interface ChoiceNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly inputGrid: Grid;
  /** The input's pixels with one channel. */
  readonly outputGrid: Grid;
  readonly zeroPointOut: number;
}

/** Below every key, so that a lane beyond the last channel is never chosen. */
const BEYOND = -(2 ** 24);

export function choiceStage(from: ChoiceNode): Stage {
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.outputGrid.rows,
    chunks: [constants(packRanks(from.inputGrid))],
    emit: (work) => emitChoice(from, work),
  };
}

/** Of equal channels the first has the highest rank. */
function packRanks({ tiles, channels }: Grid): Uint8Array {
  const rank = (channel: number): number => (channel < channels ? 127 - channel : BEYOND);
  return new Uint8Array(Int32Array.from({ length: 32 * tiles }, (_, at) => rank(at)).buffer);
}

function emitChoice(from: ChoiceNode, work: Work): void {
  const { first: row } = work.rows;
  const tiles = Array.from({ length: from.inputGrid.tiles }, (_, tile) => tile);
  for (const segment of maskedSegments(from.outputGrid, row, work.emit.contexts)) {
    work.emit.vector({
      kernel: "fixed_argmax_i8",
      shape: { counts: { tiles: tiles.length }, parameters: { zero_y: from.zeroPointOut } },
      operands: {
        x: tiles.map((tile) => inputAt(work, 0, { ...segment, tile })),
        ranks: tiles.map((tile) => linear(work.constants + tile * LANE_WORDS_BYTES)),
        y: outputAt(work, segment),
      },
      ...runOf(segment),
    });
  }
}
