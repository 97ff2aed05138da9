/** Convolutions and matrix products of stored numbers whose rule or types are not the chip's own. */
import type { TensorType } from "../../graph.ts";
import { element, inputTensor, inputType, outputType, requireThat } from "../../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../../operator.ts";
import { broadcastIndex, broadcastShape, numeric } from "../../tensor.ts";
import { CONVOLUTION_OPS, convGeometry, convTransposeGeometry } from "../convolution.ts";
import type { ConvolutionGeometry } from "../convolution.ts";
import { productFinish, RULE_ATTRIBUTES, ruleOf, zeroPointOf } from "./requantize.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

export const FIXED_PRODUCT_OPS = {
  fixed_conv: {
    docs: "conv of stored numbers (i8, u8, i16) with zero points on both sides, requantised by `rule`.",
    inputs: [2, 3],
    attributes: { ...CONVOLUTION_OPS.conv.attributes, ...RULE_ATTRIBUTES },
    infer: (call) => inferWindow(call, convGeometry),
    evaluator: element((call) => windowElement(call, convGeometry(call), convSum)),
    quantized: "fixed",
  },
  fixed_conv_transpose: {
    docs: "conv_transpose of stored numbers (i8, u8, i16), requantised by `rule`.",
    inputs: [2, 3],
    attributes: { ...CONVOLUTION_OPS.conv_transpose.attributes, ...RULE_ATTRIBUTES },
    infer: (call) => inferWindow(call, convTransposeGeometry),
    evaluator: element((call) => windowElement(call, convTransposeGeometry(call), transposeSum)),
    quantized: "fixed",
  },
  fixed_matmul: {
    docs: "matmul of stored numbers (i8, u8, i16) with zero points on both sides, requantised by `rule`.",
    inputs: [2, 3],
    attributes: RULE_ATTRIBUTES,
    infer: inferMatmul,
    evaluator: element(matmulElement),
    quantized: "fixed",
  },
} as const satisfies Record<string, Operator>;

function requireStored(call: InferenceCall): void {
  ruleOf(call.attributes);
  for (const position of [0, 1]) {
    const { dtype } = inputType(call, position);
    requireThat(["i8", "u8", "i16"].includes(dtype), `input ${position} is ${dtype}`);
  }
  const bias = call.inputs[2];
  requireThat(bias === undefined || ["i32", "i64"].includes(bias.dtype), "bias must be whole");
}

function inferWindow(
  call: InferenceCall,
  geometryOf: (call: InferenceCall) => ConvolutionGeometry,
): readonly TensorType[] {
  requireStored(call);
  const { batch, outChannels, outHeight, outWidth } = geometryOf(call);
  const bias = call.inputs[2];
  const fits = bias === undefined || (bias.shape.length === 1 && bias.shape[0] === outChannels);
  requireThat(fits, "bias must have one value a channel");
  return [{ dtype: inputType(call, 0).dtype, shape: [batch, outChannels, outHeight, outWidth] }];
}

interface Position {
  readonly batch: number;
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

interface Operands {
  readonly geometry: ConvolutionGeometry;
  readonly x: ArrayLike<number>;
  readonly w: ArrayLike<number>;
  readonly zeroX: number;
  readonly zeroW: number;
}

type WindowSum = (operands: Operands, position: Position) => number;

function windowElement(
  call: EvaluationCall,
  geometry: ConvolutionGeometry,
  sum: WindowSum,
): ElementRule {
  const [x, w] = [inputTensor(call, 0), inputTensor(call, 1)];
  const bias = call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]);
  const zeros = { zeroX: zeroPointOf(x), zeroW: zeroPointOf(w) };
  const operands = { geometry, x: numeric(x), w: numeric(w), ...zeros };
  const finish = productFinish(call);
  const { outChannels, outHeight, outWidth } = geometry;
  const plane = outHeight * outWidth;
  return (index) => {
    const channel = floor(index / plane) % outChannels;
    const batch = floor(index / (plane * outChannels));
    const position = { batch, channel, y: floor((index % plane) / outWidth), x: index % outWidth };
    return finish(sum(operands, position) + (bias?.[channel] ?? 0), channel);
  };
}

function convSum({ geometry: g, x, w, zeroX, zeroW }: Operands, at: Position): number {
  const perGroup = g.inChannels / g.groups;
  const first = at.batch * g.inChannels + floor(at.channel / (g.outChannels / g.groups)) * perGroup;
  const [kernel, plane] = [g.kernelHeight * g.kernelWidth, g.inHeight * g.inWidth];
  let sum = 0;
  for (let tap = 0; tap < kernel; tap++) {
    const y = at.y * g.strideY - g.padTop + floor(tap / g.kernelWidth) * g.dilationY;
    const column = at.x * g.strideX - g.padLeft + (tap % g.kernelWidth) * g.dilationX;
    if (y < 0 || y >= g.inHeight || column < 0 || column >= g.inWidth) continue;
    let fromX = first * plane + y * g.inWidth + column;
    let fromW = at.channel * perGroup * kernel + tap;
    for (let c = 0; c < perGroup; c++, fromX += plane, fromW += kernel) {
      sum += ((x[fromX] ?? 0) - zeroX) * ((w[fromW] ?? 0) - zeroW);
    }
  }
  return sum;
}

function transposeSum({ geometry: g, x, w, zeroX, zeroW }: Operands, at: Position): number {
  const perGroup = g.inChannels / g.groups;
  const outPerGroup = g.outChannels / g.groups;
  const kernel = g.kernelHeight * g.kernelWidth;
  const first = floor(at.channel / outPerGroup) * perGroup;
  let sum = 0;
  for (let tap = 0; tap < kernel; tap++) {
    const y = (at.y + g.padTop - floor(tap / g.kernelWidth) * g.dilationY) / g.strideY;
    const column = (at.x + g.padLeft - (tap % g.kernelWidth) * g.dilationX) / g.strideX;
    const onGrid = Number.isInteger(y) && Number.isInteger(column);
    if (!onGrid || y < 0 || y >= g.inHeight || column < 0 || column >= g.inWidth) continue;
    for (let c = first; c < first + perGroup; c++) {
      const value = x[((at.batch * g.inChannels + c) * g.inHeight + y) * g.inWidth + column] ?? 0;
      const weight = w[(c * outPerGroup + (at.channel % outPerGroup)) * kernel + tap] ?? 0;
      sum += (value - zeroX) * (weight - zeroW);
    }
  }
  return sum;
}

function inferMatmul(call: InferenceCall): readonly TensorType[] {
  requireStored(call);
  const [a, b] = [inputType(call, 0), inputType(call, 1)];
  requireThat(a.shape.length >= 2 && b.shape.length >= 2, "operands need two dimensions");
  const [rows = 0, depth = 0] = a.shape.slice(-2);
  const [depthOfB = 0, columns = 0] = b.shape.slice(-2);
  requireThat(depth === depthOfB, `inner dimensions differ: ${depth} and ${depthOfB}`);
  const batches = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  requireThat(batches !== undefined, "batch dimensions do not broadcast");
  return [{ dtype: a.dtype, shape: [...batches, rows, columns] }];
}

function matmulElement(call: EvaluationCall): ElementRule {
  const [a, b, { shape }] = [inputTensor(call, 0), inputTensor(call, 1), outputType(call)];
  const bias = call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]);
  const [left, right] = [numeric(a), numeric(b)];
  const [zeroA, zeroB] = [zeroPointOf(a), zeroPointOf(b)];
  const [rows = 1, columns = 1] = shape.slice(-2);
  const depth = a.type.shape.at(-1) ?? 0;
  const batchOfA = broadcastIndex(a.type.shape.slice(0, -2), shape.slice(0, -2));
  const batchOfB = broadcastIndex(b.type.shape.slice(0, -2), shape.slice(0, -2));
  const finish = productFinish(call, { rounded: true });
  return (index) => {
    const [column, row] = [index % columns, floor(index / columns) % rows];
    const batch = floor(index / (rows * columns));
    let fromA = (batchOfA(batch) * rows + row) * depth;
    let fromB = batchOfB(batch) * depth * columns + column;
    let sum = bias?.[column] ?? 0;
    for (let k = 0; k < depth; k++, fromA++, fromB += columns) {
      sum += ((left[fromA] ?? 0) - zeroA) * ((right[fromB] ?? 0) - zeroB);
    }
    return finish(sum, column);
  };
}
