/** Groups of channels that take turns: the steps of one wait for each other, so a few go step by step together. */
import { divCeil } from "../../../protocol/base/integers.ts";
import type { Grid } from "../grid.ts";

/** Groups under way at once, each with a slot of scratch memory. */
export const SLOTS = 4;

export interface GroupTurn {
  readonly group: number;
  readonly slot: number;
}

/** All groups of the grid, SLOTS at a time. */
export function groupTurns({ channels, groupChannels }: Grid): readonly (readonly GroupTurn[])[] {
  const groups = channels / groupChannels;
  return Array.from({ length: divCeil(groups, SLOTS) }, (_, turn) =>
    Array.from({ length: Math.min(SLOTS, groups - turn * SLOTS) }, (_, slot) => {
      return { group: turn * SLOTS + slot, slot };
    }),
  );
}
