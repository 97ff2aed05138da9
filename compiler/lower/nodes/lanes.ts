/** Lanes beyond the last channel, for those to whom it matters what they hold. */
import { CROUTON_CHANNELS } from "../../../protocol/isa/index.ts";
import type { Grid } from "../grid.ts";
import type { ValueId } from "../stage.ts";
import { channelMoveStage } from "../stages/moves.ts";
import type { NodeContext } from "./context.ts";

export function fillsTiles(grid: Grid): boolean {
  return grid.groupChannels % CROUTON_CHANNELS === 0;
}

export interface EmptiedCopy {
  readonly from: ValueId;
  readonly to: ValueId;
  readonly grid: Grid;
  /** What the lanes hold in the copy. */
  readonly fill: number;
}

export function addEmptied(context: NodeContext, { from, to, grid, fill }: EmptiedCopy): void {
  const sources = Array.from({ length: grid.channels }, (_, at) => ({ input: 0, at }));
  const placed = { inputs: [from], grids: [grid], output: to, outputGrid: grid };
  context.add(
    channelMoveStage({ node: context.node.name, ...placed, sources, fill, outside: fill }),
  );
}
