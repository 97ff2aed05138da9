/** resize, lerp_resize and fixed_resize. */
import { nearestSource, resizeAxes, resizeNeighbours } from "../../ir/index.ts";
import type { ResizeAxis } from "../../ir/index.ts";
import { lerpAxes } from "../../ir/ops/lerp.ts";
import type { LerpAxis } from "../../ir/ops/lerp.ts";
import { storedEncoding } from "../encoding.ts";
import { unsupported } from "../failure.ts";
import type { NodeContext } from "./context.ts";
import type { Grid } from "../grid.ts";
import { enlargeStage, enlargementOf } from "../stages/enlarge.ts";
import { lerpStage } from "../stages/lerp.ts";
import { pixelMoveStage } from "../stages/moves.ts";
import { isCopyFactor, upsampleStage } from "../stages/copies.ts";

export function lowerResize(context: NodeContext): void {
  const { node, attributes } = context;
  if (attributes.text("mode") !== "nearest") throw unsupported(node.name, "linear interpolation");
  const [vertical, horizontal] = resizeAxes(attributes, context.type(0).shape);
  if (context.outputGrid.format.bytes === 2) return copyPixels(context, vertical, horizontal);
  const [factorY, factorX] = [copyFactor(vertical), copyFactor(horizontal)];
  if (factorY === undefined || factorX === undefined) {
    throw unsupported(node.name, "resizing by other than 1, 2, 4 or 8");
  }
  const input = context.image(0);
  const output = context.output();
  const outputGrid = context.grid(output);
  context.add(upsampleStage({ node: node.name, input, output, outputGrid, factorY, factorX }));
}

/** Any nearest resize: every pixel from where it comes. */
function copyPixels(context: NodeContext, vertical: ResizeAxis, horizontal: ResizeAxis): void {
  const input = context.image(0);
  const inputGrid = context.grid(input);
  const output = context.output();
  const outputGrid = context.grid(output);
  const sources = Array.from({ length: outputGrid.pixels }, (_, pixel) => {
    const y = nearestSource(vertical, Math.floor(pixel / outputGrid.width));
    const x = nearestSource(horizontal, pixel % outputGrid.width);
    return { input: 0, at: y * inputGrid.width + x };
  });
  const { name: node } = context.node;
  const { zeroPoint: fill } = storedEncoding(context.outputType);
  const from = { inputs: [input], grids: [inputGrid], output, outputGrid };
  context.add(pixelMoveStage({ node, ...from, sources, fill, outside: fill }));
}

export function lowerLerp(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const isFixed = node.op === "fixed_resize";
  const axesOf = isFixed ? resizeNeighbours : lerpAxes;
  const [vertical, horizontal] = axesOf(attributes, context.type(0).shape);
  const { zeroPoint } = storedEncoding(outputType);
  const { outputGrid } = context;
  if (isFixed && outputType.dtype !== "i8") {
    throw unsupported(node.name, `${node.op} on ${outputType.dtype}`);
  }
  const input = context.image(0);
  const inputGrid = context.grid(input);
  const output = context.output();
  const from = { node: node.name, input, output, inputGrid, outputGrid, zeroPoint };
  const enlarged = isFixed
    ? undefined
    : enlargedAxes(lerpAxes(attributes, context.type(0).shape), inputGrid);
  if (enlarged !== undefined) {
    context.add(enlargeStage({ ...from, ...enlarged }));
    return;
  }
  if (!isFixed && outputGrid.width % outputGrid.format.columns !== 0) {
    throw unsupported(node.name, `linear resizing to a width of ${outputGrid.width}`);
  }
  context.add(lerpStage({ ...from, vertical, horizontal }));
}

/** Both axes with what enlarges them; undefined where one is not enlarged by a whole factor. */
function enlargedAxes([vertical, horizontal]: readonly [LerpAxis, LerpAxis], grid: Grid) {
  const enlargedY = enlargementOf(vertical, grid.height);
  const enlargedX = enlargementOf(horizontal, grid.width);
  if (enlargedY === undefined || enlargedX === undefined) return undefined;
  return { vertical, horizontal, enlargedY, enlargedX };
}

/** The whole factor by which every element is repeated; undefined when the axis does anything else. */
function copyFactor(axis: ResizeAxis): number | undefined {
  const factor = axis.to / axis.from;
  if (!isCopyFactor(factor)) return undefined;
  for (let at = 0; at < axis.to; at++) {
    if (nearestSource(axis, at) !== Math.floor(at / factor)) return undefined;
  }
  return factor;
}
