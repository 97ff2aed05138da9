/** lut, add, sub, mul and softmax. */
import {
  encodingOf,
  normalizeAxis,
  productMultiplier,
  storedBounds,
  sumMultiplier,
} from "../../ir/index.ts";
import { unsupported } from "../failure.ts";
import { gridOfShape, isPixel, sameGrid } from "../grid.ts";
import type { Grid } from "../grid.ts";
import type { NodeContext } from "./context.ts";
import { pairStage, tableStage } from "../stages/elementwise.ts";
import type { PairArithmetic, SecondOperand } from "../stages/elementwise.ts";
import { softmaxStage } from "../stages/softmax.ts";

export function lowerArithmetic(context: NodeContext): boolean {
  switch (context.node.op) {
    case "lut":
      lowerTable(context);
      return true;
    case "add":
    case "sub":
    case "mul":
      lowerPair(context);
      return true;
    case "softmax":
      lowerSoftmax(context);
      return true;
    default:
      return false;
  }
}

function lowerTable(context: NodeContext): void {
  const table = context.constant(1);
  if (!(table?.data instanceof Int8Array)) throw unsupported(context.node.name, "a variable table");
  const zeroPointOut = encodingOf(context.outputType).zeroPoint;
  const phased = context.phased(0);
  const input = phased?.value ?? context.value(0);
  const grid = context.grid(input);
  const output =
    phased === undefined
      ? context.output(context.placed(0))
      : context.temporary(grid, zeroPointOut);
  if (phased !== undefined) context.setPhased({ ...phased, value: output });
  context.add(
    tableStage({
      node: context.node.name,
      input,
      output,
      grid,
      table: table.data,
      zeroPointIn: encodingOf(context.type(0)).zeroPoint,
      zeroPointOut,
    }),
  );
}

function lowerPair(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const swapped = isSecondLarger(context);
  if (swapped && node.op === "sub") throw unsupported(node.name, "a broadcast minuend");
  const [first, second] = swapped ? [1, 0] : [0, 1];
  const [typeA, typeB] = [context.type(first), context.type(second)];
  const a = context.value(first);
  const b = secondOperand(context, second, context.grid(a));
  const [encodingA, encodingB] = [encodingOf(typeA), encodingOf(typeB)];
  const encoding = encodingOf(outputType);
  const output = context.output(context.placed(first));
  const grid = context.grid(output);
  const sign = node.op === "sub" ? -1 : 1;
  const arithmetic: PairArithmetic =
    node.op === "mul"
      ? { kind: "multiply", scale: productMultiplier(encodingA, encodingB, encoding) }
      : {
          kind: "add",
          scaleA: sumMultiplier(encodingA, encoding),
          scaleB: sign * sumMultiplier(encodingB, encoding),
        };
  context.add(
    pairStage({
      node: node.name,
      arithmetic,
      a,
      b,
      output,
      grid,
      zeroPointA: encodingA.zeroPoint,
      zeroPointB: encodingB.zeroPoint,
      zeroPointOut: encoding.zeroPoint,
      ...storedBounds(attributes.number("clamp_min"), attributes.number("clamp_max"), encoding),
    }),
  );
}

/** Whether the second operand is the one with the output's shape: sums and products commute. */
function isSecondLarger(context: NodeContext): boolean {
  if (context.constant(0) !== undefined) return true;
  if (context.constant(1) !== undefined) return false;
  const [a, b] = [context.grid(context.value(0)), context.grid(context.value(1))];
  return isPixel(a) && !isPixel(b);
}

function secondOperand(context: NodeContext, input: number, grid: Grid): SecondOperand {
  const { name } = context.node;
  const constant = context.constant(input);
  if (constant !== undefined) {
    const { data } = constant;
    if (!(data instanceof Int8Array)) throw unsupported(name, "this constant operand");
    if (data.length === 1) {
      return { kind: "constant", channels: new Int8Array(grid.channels).fill(data[0] ?? 0) };
    }
    const own = gridOfShape(constant.type.shape);
    if (own === undefined || !isPixel(own) || own.channels !== grid.channels) {
      throw unsupported(name, "this constant operand");
    }
    return { kind: "constant", channels: data };
  }
  const value = context.value(input);
  const own = context.grid(value);
  const perChannel = isPixel(own) && own.channels === grid.channels;
  if (!perChannel && !sameGrid(own, grid)) throw unsupported(name, "this broadcast");
  return { kind: "tensor", value, grid: own };
}

function lowerSoftmax(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const table = context.constant(1);
  if (!(table?.data instanceof Int32Array)) throw unsupported(node.name, "a variable table");
  const { shape } = outputType;
  const axis = normalizeAxis(attributes.number("axis"), shape.length);
  if (axis !== (shape.length === 4 ? 1 : shape.length - 1)) {
    throw unsupported(node.name, "an axis other than the channels");
  }
  const input = context.value(0);
  const output = context.output();
  const { scale, zeroPoint } = encodingOf(outputType);
  context.add(
    softmaxStage({
      node: node.name,
      input,
      output,
      grid: context.grid(output),
      table: table.data,
      inverseScale: Math.fround(1 / scale),
      zeroPointOut: zeroPoint,
    }),
  );
}
