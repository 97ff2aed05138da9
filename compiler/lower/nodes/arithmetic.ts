/** add, sub, mul and softmax. */
import {
  encodingOf,
  fixedProductScale,
  normalizeAxis,
  operatorOf,
  parseExpression,
  productFactor,
  productMultiplier,
  productShift,
  raisedNumbers,
  sameShape,
  shiftedNumbers,
  storedExponentials,
  sumFactors,
  sumMultiplier,
} from "../../ir/index.ts";
import type { Encoding, Tensor } from "../../ir/index.ts";
import { unsupported } from "../failure.ts";
import { countsAllChannels, onlyFactor, sameArrangement } from "../arrangement.ts";
import { clampBounds, storedEncoding } from "../encoding.ts";
import { isDense, isPixel, sameGrid, withChannels, withFormat } from "../grid.ts";
import type { Grid } from "../grid.ts";
import type { NodeContext } from "./context.ts";
import { addEmptied, fillsTiles } from "./lanes.ts";
import { placementOrConstant } from "./moves.ts";
import { givenTable, pairTable } from "./pair-table.ts";
import { addPair } from "./parts.ts";
import { functionKernel, functionTableOf, hasSteps, staysFinite } from "../function-kernel.ts";
import { functionStage, tableStage } from "../stages/elementwise.ts";
import type { SecondOperand, StoredArray } from "../stages/elementwise.ts";
import type { PairArithmetic } from "../stages/pair-kernel.ts";
import { normNumbers } from "../../ir/ops/lanes.ts";
import { wideSoftmaxStage } from "../stages/wide-softmax.ts";
import { NORM_TILES_MAX, normStage } from "../stages/normalize.ts";
import { FIXED_SOFTMAX, INTEGER_SOFTMAX, softmaxStage } from "../stages/softmax.ts";
import type { SoftmaxRule } from "../stages/softmax.ts";

/** The grid of the input, whose groups the axis counts: those it has, or all channels as one. */
function groupedBy(context: NodeContext, axis: number): Grid {
  const { arrangement, grid } = context.placement(0);
  const factor = onlyFactor(arrangement, axis);
  const isGroup =
    factor?.counts === "channel" && factor.step === 1 && factor.size === grid.groupChannels;
  if (isGroup) return grid;
  if (!countsAllChannels(arrangement, axis, grid) || !isDense(grid)) {
    throw unsupported(context.node.name, "an axis other than the channels");
  }
  return withChannels(grid, grid.channels);
}

export function lowerNorm(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const [scale, bias] = [context.constant(1), context.constant(2)];
  const placement = context.placement(0);
  const last = outputType.shape.length - 1;
  const { value: input, grid } = placement;
  const isWhole = countsAllChannels(placement.arrangement, last, grid) && isDense(grid);
  if (!isWhole || grid.tiles > NORM_TILES_MAX) {
    throw unsupported(node.name, "normalisation over this many or other channels");
  }
  if (scale === undefined || bias === undefined) throw unsupported(node.name, "a variable scale");
  const types = { input: context.type(0), output: outputType };
  const parameters = { epsilon: attributes.number("epsilon"), scale, bias };
  const output = context.output(placement);
  const { zeroPoint: zeroPointOut } = storedEncoding(outputType);
  const numbers = normNumbers(types, parameters);
  context.add(normStage({ node: node.name, input, output, grid, numbers, zeroPointOut }));
}

export function lowerFunction(context: NodeContext): void {
  const expression = parseExpression(context.attributes.text("expr"));
  const output = context.output(context.placement(0));
  const grid = context.grid(output);
  const isTame = fillsTiles(grid) || staysFinite(expression, context.hasEmptyLanes(0));
  const made = isTame ? output : context.temporary(grid, 0);
  const common = { node: context.node.name, input: context.value(0), output: made, grid };
  if (hasSteps(expression, context.soc)) {
    context.add(functionStage({ ...common, of: functionKernel(expression) }));
  } else {
    const table = functionTableOf(expression);
    context.add(tableStage({ ...common, table, zeroPointIn: 0, zeroPointOut: 0 }));
  }
  // Products sum over lanes beyond the last channel, and zero times infinity is no zero.
  if (!isTame) addEmptied(context, { from: made, to: output, grid, fill: 0 });
}

export function lowerPair(context: NodeContext): void {
  const { node, outputType } = context;
  const swapped = isSecondLarger(context);
  const isFixed = operatorOf(node).quantized === "fixed";
  if (swapped && node.op === "sub" && outputType.dtype === "f16") {
    throw unsupported(node.name, "a broadcast minuend");
  }
  const [first, second] = swapped ? [1, 0] : [0, 1];
  const [typeA, typeB] = [context.type(first), context.type(second)];
  if (liesOtherwise(context)) for (const input of [first, second]) context.image(input);
  const a = context.value(first);
  const b = secondOperand(context, second, context.grid(a));
  const [encodingA, encodingB] = [storedEncoding(typeA), storedEncoding(typeB)];
  const encoding = storedEncoding(outputType);
  const output = context.output(context.placement(first));
  const grid = context.grid(output);
  addPair(context, {
    node: node.name,
    arithmetic: isFixed
      ? fixedArithmetic(context, [first, second])
      : arithmeticOf(context, [encodingA, encodingB], swapped),
    a,
    b,
    output,
    grid,
    zeroPointA: encodingA.zeroPoint,
    zeroPointB: encodingB.zeroPoint,
    zeroPointOut: encoding.zeroPoint,
    ...(node.op === "lut_pair" ? { low: -128, high: 127 } : clampBounds(context)),
  });
}

/** Of the operands in the order in which the kernel takes them. */
function arithmeticOf(
  context: NodeContext,
  [a, b]: readonly [Encoding, Encoding],
  swapped: boolean,
): PairArithmetic {
  const { node, outputType } = context;
  if (outputType.dtype === "f16") return { kind: "float", op: FLOAT_PAIRS[node.op] ?? "add" };
  const encoding = encodingOf(outputType);
  const inBytes = outputType.dtype === "i8";
  if (node.op === "mul" && inBytes) {
    const scaled = swapped ? "a" : "b";
    return { kind: "product", scaled, ...productFactor(a, b, encoding) };
  }
  if (node.op === "mul") return { kind: "multiply", scale: productMultiplier(a, b, encoding) };
  const [minuend, subtrahend] = [1, node.op === "sub" ? -1 : 1] as const;
  const [signA, signB] = swapped ? [subtrahend, minuend] : [minuend, subtrahend];
  if (inBytes) return { kind: "sum", ...sumFactors([a, b], encoding, [signA, signB]) };
  const [scaleA, scaleB] = [sumMultiplier(a, encoding), sumMultiplier(b, encoding)];
  return { kind: "add", scaleA: signA * scaleA, scaleB: signB * scaleB };
}

/** Sums by 21-bit multipliers and products by float32 ones; a table of all pairs by the rows' other rules. */
function fixedArithmetic(
  context: NodeContext,
  order: readonly [first: number, second: number],
): PairArithmetic {
  const { node, attributes, outputType } = context;
  if (node.op === "lut_pair") return { kind: "table", table: givenTable(context, order) };
  const rule = attributes.text("rule");
  const [a, b] = [encodingOf(context.type(0)), encodingOf(context.type(1))];
  const y = encodingOf(outputType);
  if (outputType.dtype === "i16") return wideArithmetic(context, { a, b, y }, order);
  if (rule === "f32_rne") return { kind: "multiply", scale: productMultiplier(a, b, y) };
  if (rule !== "shifted") return { kind: "table", table: pairTable(context, order) };
  const sum = shiftedNumbers({ a, b, y }, node.op === "fixed_sub" ? -1 : 1);
  const multipliers = [sum.multiplierA, sum.multiplierB] as const;
  const [multiplierA, multiplierB] = [multipliers[order[0]] ?? 0, multipliers[order[1]] ?? 0];
  return { kind: "shifted", multiplierA, multiplierB, shift: sum.shift };
}

interface PairEncodings {
  readonly a: Encoding;
  readonly b: Encoding;
  readonly y: Encoding;
}

/** Sums and products of int16 by 31-bit multipliers. */
function wideArithmetic(
  { node, attributes }: NodeContext,
  encodings: PairEncodings,
  [first]: readonly [number, number],
): PairArithmetic {
  const rule = attributes.text("rule");
  if (node.op === "fixed_mul" && rule === "fixed") {
    return { kind: "fixed", scaleY: fixedProductScale(encodings) };
  }
  if (node.op === "fixed_mul" && rule === "power") {
    return { kind: "power", shift: productShift(encodings) };
  }
  const isSum =
    (node.op === "fixed_add" || (node.op === "fixed_sub" && first === 0)) && rule === "raised";
  if (!isSum) throw unsupported(node.name, `rule ${rule} of ${node.op} on i16`);
  const { raise, scaleA, scaleB, scaleY } = raisedNumbers(encodings, "i16");
  const [own, other] = first === 0 ? [scaleA, scaleB] : [scaleB, scaleA];
  const minus = node.op === "fixed_sub" ? 1 : 0;
  return { kind: "raised", raise, scaleA: own, scaleB: other, scaleY, minus };
}

const FLOAT_PAIRS: Readonly<Record<string, "add" | "subtract" | "multiply">> = {
  ...{ add: "add", sub: "subtract", mul: "multiply" },
};

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
    const isStored =
      data instanceof Int8Array || data instanceof Int16Array || data instanceof Uint16Array;
    if (!isStored) throw unsupported(name, "this constant operand");
    const perChannel = data.length === grid.channels && isChannelShape(context, constant);
    if (data.length !== 1 && !perChannel) return constantTensor(context, constant, grid);
    const channels = data.length === 1 ? spread(data, grid.channels) : data;
    return { kind: "constant", channels };
  }
  const value = context.value(input);
  const own = context.grid(value);
  const perChannel = isPixel(own) && own.channels === grid.channels;
  if (!perChannel && !sameGrid(own, grid)) throw unsupported(name, "this broadcast");
  return { kind: "tensor", value, grid: own };
}

/** A constant that differs from pixel to pixel. */
function constantTensor(context: NodeContext, constant: Tensor, grid: Grid): SecondOperand {
  const { name } = context.node;
  const position = context.constant(0) === constant ? 0 : 1;
  const { value, arrangement } = placementOrConstant(context, position);
  const isAlike = sameArrangement(arrangement, context.placement(1 - position).arrangement);
  const own = context.grid(value);
  if (!isAlike || !sameGrid(own, grid)) throw unsupported(name, "this constant operand");
  return { kind: "tensor", value, grid: own };
}

/** Whether the constant varies along the axis alone on which the other operand counts channels. */
function isChannelShape(context: NodeContext, constant: Tensor): boolean {
  const { arrangement, grid } = context.placement(context.constant(0) === undefined ? 0 : 1);
  const { shape } = constant.type;
  const missing = arrangement.length - shape.length;
  return shape.every(
    (size, at) => size === 1 || countsAllChannels(arrangement, missing + at, grid),
  );
}

function spread(data: StoredArray, count: number): StoredArray {
  const values = new (data.constructor as Int8ArrayConstructor)(count);
  return values.fill(data[0] ?? 0);
}

/** Two computed operands whose elements lie in different orders: both are brought into the usual one. */
function liesOtherwise(context: NodeContext): boolean {
  if (context.constant(0) !== undefined || context.constant(1) !== undefined) return false;
  const [a, b] = [context.placement(0), context.placement(1)];
  const [shapeA, shapeB] = [context.type(0).shape, context.type(1).shape];
  if (sameShape(shapeA, shapeB) && !sameGrid(a.grid, b.grid)) return true;
  // Axes along which one operand is repeated say nothing about the other.
  return shapeA.some((size, axis) => {
    const other = axis + shapeB.length - shapeA.length;
    const [own, beside] = [a.arrangement[axis] ?? [], b.arrangement[other] ?? []];
    return size === shapeB[other] && !sameArrangement([own], [beside]);
  });
}

export function lowerSoftmax(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const axis = normalizeAxis(attributes.number("axis"), outputType.shape.length) ?? 0;
  const table = context.constant(1)?.data;
  if (outputType.dtype !== "f16" && table instanceof Int32Array) {
    const inverse_scale = Math.fround(1 / encodingOf(outputType).scale);
    const rule = { ...INTEGER_SOFTMAX, table, parameters: { inverse_scale } };
    return addByteSoftmax(context, axis, rule);
  }
  const common = softmaxPlaces(context, axis);
  if (outputType.dtype === "f16") context.add(wideSoftmaxStage(common));
  else if (table instanceof Int16Array) {
    const inverseScale = Math.fround(1 / encodingOf(outputType).scale);
    context.add(wideSoftmaxStage({ ...common, stored: { table, inverseScale } }));
  } else throw unsupported(node.name, "a variable table");
}

export function lowerFixedSoftmax(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const type = context.type(0);
  if (type.dtype !== "i8" || outputType.dtype === "f16") {
    throw unsupported(node.name, `softmax from ${type.dtype} to ${outputType.dtype}`);
  }
  const table = new Int32Array(storedExponentials(type, attributes.number("beta")).buffer);
  const parameters = { scale: encodingOf(outputType).scale, half: 0.5 };
  // By the difference to the largest, which is last.
  const rule = { ...FIXED_SOFTMAX, table: table.reverse(), parameters };
  addByteSoftmax(context, outputType.shape.length - 1, rule);
}

function addByteSoftmax(context: NodeContext, axis: number, rule: SoftmaxRule): void {
  const zeroPointOut = encodingOf(context.outputType).zeroPoint;
  context.add(softmaxStage({ ...softmaxPlaces(context, axis), rule, zeroPointOut }));
}

/** What every softmax is told. */
function softmaxPlaces(context: NodeContext, axis: number) {
  const grid = groupedBy(context, axis);
  const { value: input, arrangement } = context.placement(0);
  const outputGrid = withFormat(grid, context.outputGrid.format);
  const output = context.output({ grid: outputGrid, arrangement });
  return { node: context.node.name, input, output, grid, outputGrid };
}
