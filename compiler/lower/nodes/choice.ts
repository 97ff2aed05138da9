/** fixed_argmax. */
import { normalizeAxis } from "../../ir/index.ts";
import { countsAllChannels } from "../arrangement.ts";
import { storedEncoding } from "../encoding.ts";
import { unsupported } from "../failure.ts";
import { isDense, withChannels } from "../grid.ts";
import { choiceStage } from "../stages/choice.ts";
import type { NodeContext } from "./context.ts";

export function lowerChoice(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const { value: input, grid: inputGrid, arrangement } = context.placement(0);
  const axis = normalizeAxis(attributes.number("axis"), context.type(0).shape.length) ?? 0;
  const { zeroPoint: zeroPointOut } = storedEncoding(outputType);
  if (!countsAllChannels(arrangement, axis, inputGrid) || !isDense(inputGrid)) {
    throw unsupported(node.name, "an axis other than the channels");
  }
  if (zeroPointOut !== -128 || inputGrid.format.dtype !== "i8") {
    throw unsupported(node.name, "indices that are not counted from -128, or of other than int8");
  }
  const keeps = attributes.number("keepdims") !== 0;
  const outputGrid = withChannels(inputGrid, 1);
  const left = keeps ? arrangement.with(axis, []) : arrangement.toSpliced(axis, 1);
  const output = context.output({ grid: outputGrid, arrangement: left });
  context.add(choiceStage({ node: node.name, input, output, inputGrid, outputGrid, zeroPointOut }));
}
