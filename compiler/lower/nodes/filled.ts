/** Inputs of windows that reach past the image, where their lanes have to hold what does not change the result. */
import type { Grid } from "../grid.ts";
import type { ValueId } from "../stage.ts";
import { fillOutsideStage } from "../stages/elementwise.ts";
import type { NodeContext } from "./context.ts";

interface Windowed {
  readonly node: string;
  readonly input: ValueId;
  readonly inputGrid: Grid;
}

/** The same over a copy of the input whose lanes outside the image hold `outside`. */
export function filledOutside<From extends Windowed>(
  context: NodeContext,
  from: From,
  outside: number,
): From {
  const { node, input, inputGrid: grid } = from;
  const output = context.temporary(grid, outside);
  context.add(fillOutsideStage({ node, input, output, grid }, outside));
  return { ...from, input: output };
}
