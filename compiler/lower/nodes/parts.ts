/** Sums and products of tensors of which three rows are too large for VTCM: made in parts, ranges of channel tiles. */
import { divCeil } from "../../../protocol/base/integers.ts";
import { CROUTON_CHANNELS } from "../../../protocol/isa/index.ts";
import { isDense, withChannels } from "../grid.ts";
import type { Grid } from "../grid.ts";
import type { ValueId } from "../stage.ts";
import { pairStage } from "../stages/elementwise.ts";
import type { PairNode } from "../stages/elementwise.ts";
import { concatTilesStage, sliceTilesStage } from "../stages/copies.ts";
import type { NodeContext } from "./context.ts";
import { roomBytes } from "./streaming.ts";

/** Then a row and its parts are the most that is in memory together. */
const PARTS = 4;

export function addPair(context: NodeContext, from: PairNode): void {
  const { a, b, grid, node, output } = from;
  const isLarge = 3 * grid.rowBytes > roomBytes(context.soc);
  // One row and constants do fit; so do two rows and a pixel.
  if (!isLarge || b.kind === "constant" || b.grid.rowBytes !== grid.rowBytes || !isDense(grid)) {
    context.add(pairStage(from));
    return;
  }
  const partTiles = divCeil(grid.tiles, PARTS);
  const inputs: ValueId[] = [];
  const grids: Grid[] = [];
  for (let tileOffset = 0; tileOffset < grid.tiles; tileOffset += partTiles) {
    const channels = Math.min(
      partTiles * CROUTON_CHANNELS,
      grid.channels - tileOffset * CROUTON_CHANNELS,
    );
    const outputGrid = withChannels(grid, channels);
    const sliced = (input: ValueId, zeroPoint: number): ValueId => {
      const part = context.temporary(outputGrid, zeroPoint);
      context.add(sliceTilesStage({ node, input, output: part, outputGrid, tileOffset }));
      return part;
    };
    const [partA, partB] = [sliced(a, from.zeroPointA), sliced(b.value, from.zeroPointB)];
    const part = context.temporary(outputGrid, from.zeroPointOut);
    const second = { kind: "tensor", value: partB, grid: outputGrid } as const;
    context.add(pairStage({ ...from, a: partA, b: second, output: part, grid: outputGrid }));
    inputs.push(part);
    grids.push(outputGrid);
  }
  context.add(concatTilesStage({ node, inputs, grids, output, outputGrid: grid }));
}
