/** lut and fixed_cast: one stored number for another. */
import { encodingOf } from "../../ir/index.ts";
import { unsupported } from "../failure.ts";
import { sameGrid, withFormat } from "../grid.ts";
import { convertStage } from "../stages/convert.ts";
import { fillOutsideStage, tableStage } from "../stages/elementwise.ts";
import type { NodeContext } from "./context.ts";

export function lowerTable(context: NodeContext): void {
  const table = context.constant(1);
  const isTable = table?.data instanceof Int8Array || table?.data instanceof Int16Array;
  if (!isTable) throw unsupported(context.node.name, "a variable table");
  if (context.type(0).dtype !== context.outputType.dtype) {
    return lowerConversion(context, table.data as Int8Array | Int16Array);
  }
  const zeroPointOut = encodingOf(context.outputType).zeroPoint;
  const phased = context.phased(0);
  const input = phased?.value ?? context.value(0);
  const grid = context.grid(input);
  const output =
    phased === undefined
      ? context.output(context.placement(0))
      : context.temporary(grid, zeroPointOut);
  if (phased !== undefined) context.setPhased({ ...phased, value: output });
  context.add(
    tableStage({
      node: context.node.name,
      input,
      output,
      grid,
      table: table.data as Int8Array | Int16Array,
      zeroPointIn: encodingOf(context.type(0)).zeroPoint,
      zeroPointOut,
    }),
  );
}

/** A table of another type than what it is read by, or none: the number as it is stored. */
export function lowerConversion(context: NodeContext, table?: Int8Array | Int16Array): void {
  const { node, outputType } = context;
  const { format } = context.outputGrid;
  const { value: input, grid: inputGrid, arrangement } = context.placement(0);
  const outputGrid = withFormat(inputGrid, format);
  const [zeroPointIn, zeroPointOut] = [context.type(0), outputType].map(
    (type) => encodingOf(type).zeroPoint,
  ) as [number, number];
  if (sameGrid(inputGrid, outputGrid) && zeroPointIn === zeroPointOut) {
    return context.alias(input, arrangement);
  }
  const output = context.output({ grid: outputGrid, arrangement });
  const from = { node: node.name, input, output };
  // Under another encoding, zero outside the image is another number.
  if (sameGrid(inputGrid, outputGrid)) {
    return context.add(fillOutsideStage({ ...from, grid: outputGrid }, zeroPointOut));
  }
  const types = { inputGrid, outputGrid, zeroPointIn, zeroPointOut };
  context.add(convertStage({ ...from, ...types, ...(table && { table }) }));
}
