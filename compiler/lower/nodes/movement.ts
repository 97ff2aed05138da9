/** Operators that move elements: concat, nearest resize, and those that only rename what has one pixel. */
import { nearestSource, normalizeAxis, resizeAxes, resizeNeighbours } from "../../ir/index.ts";
import type { ResizeAxis } from "../../ir/index.ts";
import { lerpAxes } from "../../ir/ops/lerp.ts";
import type { LerpAxis } from "../../ir/ops/lerp.ts";
import { storedEncoding } from "../encoding.ts";
import { unsupported } from "../failure.ts";
import { permuted, regrouped } from "../arrangement.ts";
import { lowerMovedConcat } from "./moves.ts";
import type { NodeContext } from "./context.ts";
import type { Grid } from "../grid.ts";
import { enlargeStage, enlargementOf } from "../stages/enlarge.ts";
import { lerpStage } from "../stages/lerp.ts";
import { pixelMoveStage } from "../stages/moves.ts";
import { concatStage, concatTilesStage, isCopyFactor, upsampleStage } from "../stages/movement.ts";

/** The same croutons under other axes. */
export function lowerRename(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const { value, arrangement } = context.placement(0);
  const after =
    node.op === "transpose"
      ? permuted(arrangement, attributes.numbers("perm"))
      : regrouped(arrangement, outputType.shape);
  if (after === undefined) throw unsupported(node.name, `a ${node.op} that moves elements`);
  context.alias(value, after);
}

export function lowerConcat(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const { shape } = outputType;
  const axis = normalizeAxis(attributes.number("axis"), shape.length);
  const alongChannels = axis === (shape.length === 4 ? 1 : shape.length - 1);
  const isKnown = node.inputs.every((_, input) => context.constant(input) === undefined);
  if (!alongChannels || !isKnown) return lowerMovedConcat(context);
  const inputs = node.inputs.map((_, input) => context.image(input));
  const grids = inputs.map((value) => context.grid(value));
  const aligned = grids.slice(0, -1).every(({ channels }) => channels % 32 === 0);
  const inPlace = context.options.concatInPlace && aligned;
  const canEmbed = inPlace && new Set(inputs).size === inputs.length;
  const isWide = context.outputGrid.format.bytes === 2;
  if (isWide && !aligned) return lowerMovedConcat(context);
  const output = context.output();
  if (canEmbed && embedParts(context, inputs, output)) return;
  const outputGrid = context.grid(output);
  const stage = isWide ? concatTilesStage : concatStage;
  context.add(stage({ node: node.name, inputs, grids, output, outputGrid }));
}

/** All parts or none: a part that lies elsewhere has to be copied, and then the rest may be as well. */
function embedParts(context: NodeContext, inputs: readonly number[], output: number): boolean {
  if (!inputs.every((value) => context.canEmbed(value))) return false;
  let tileOffset = 0;
  for (const value of inputs) {
    context.embed(value, { value: output, tileOffset });
    tileOffset += context.grid(value).tiles;
  }
  return true;
}

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
  context.add(pixelMoveStage({ node, ...from, sources, fill }));
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
