/** Products with everything that an image holds: a convolution whose only window is the image. */
import { positionsOf } from "../arrangement.ts";
import { isDense } from "../grid.ts";
import type { Placed } from "./context.ts";

/** What the fields of an instruction hold. */
const SIDE_MAX = 255;

/**
 * By index of the last axis, the place of its weight in a filter [channel][row][column]; places may be left over
 * where the last row is not full. Undefined where the axis
 * is not all of one image, or the image is too large for a window.
 */
export function wholeImagePlaces({ grid, arrangement }: Placed): readonly number[] | undefined {
  const factors = arrangement.at(-1) ?? [];
  const isAll = arrangement.slice(0, -1).every((axis) => axis.length === 0);
  const size = factors.reduce((total, factor) => total * factor.size, 1);
  const isWhole = size === grid.pixels * grid.channels;
  if (!isAll || !isWhole || !isDense(grid)) return undefined;
  if (grid.height > SIDE_MAX || grid.width > SIDE_MAX) return undefined;
  const channels = positionsOf(factors, "channel");
  return positionsOf(factors, "pixel").map(
    (pixel, index) => (channels[index] ?? 0) * grid.height * grid.width + pixel,
  );
}
