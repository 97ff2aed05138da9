/** Products of stored integers whose scales and zero points are values: the QLinear family of ONNX. */
import { product } from "../../../protocol/base/integers.ts";
import { roundHalfEven } from "../../../protocol/base/math.ts";
import type { DType, Tensor, TensorType } from "../graph.ts";
import { INTEGER_LIMITS } from "../limits.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  requireThat,
  textAttribute,
  whole,
} from "../operator.ts";
import type {
  AttributeReader,
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../operator.ts";
import { broadcastIndex, broadcastShape, isFloat, numeric, tensorFrom } from "../tensor.ts";
import { convolution, convolvedShape } from "./convolution.ts";
import { windowSums } from "./window-sums.ts";
import type { Convolution } from "./window-sums.ts";
import { WINDOW_ATTRIBUTES, withWindow } from "./window.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min } = Math;

const CONVOLUTION_ATTRIBUTES = { ...WINDOW_ATTRIBUTES, group: numberAttribute(1) };

export const INTEGER_PRODUCT_OPS = {
  matmul_integer: {
    docs: "Matrix product of (a - zero) and (b - zero), exact in i32; zeros per tensor, a's per row, b's per column.",
    inputs: [2, 4],
    attributes: {},
    infer: (call) => [{ dtype: "i32", shape: productShape(call, 0, 1) }],
    evaluator: element((call) => matrixSums(call, { a: 0, b: 1, zeroA: 2, zeroB: 3 })),
    quantized: "none",
  },
  qlinear_matmul: {
    docs: "a, its scale and zero, b, its scale and zero, the result's scale and zero: rne(sum * sa * sb / sy) + zero, clamped.",
    inputs: [8, 8],
    attributes: {},
    infer: (call) => [{ dtype: inputType(call, 7).dtype, shape: productShape(call, 0, 3) }],
    evaluator: element(qlinearMatmulElement),
    quantized: "none",
  },
  conv_integer: {
    docs: "conv of (x - zero) and (w - zero), exact in i32; w's zero per tensor or output channel.",
    inputs: [2, 4],
    attributes: CONVOLUTION_ATTRIBUTES,
    normal: (call) => normalConvolution(call, 1),
    infer: (call) => [{ dtype: "i32", shape: convolvedShape(integerConvolution(call, 1)) }],
    evaluator: element((call) =>
      windowSums(integerConvolution(call, 1), factorsOf(call, { w: 1, zeroX: 2, zeroW: 3 })),
    ),
    quantized: "none",
  },
  qlinear_conv: {
    docs: "x, its scale and zero, w, its scales and zeros, the result's scale and zero, bias i32: conv by rne(sum * fround(fround(sx * sw) / sy)) + zero, clamped.",
    inputs: [8, 9],
    attributes: CONVOLUTION_ATTRIBUTES,
    normal: (call) => normalConvolution(call, 3),
    infer: (call) => [
      { dtype: inputType(call, 7).dtype, shape: convolvedShape(integerConvolution(call, 3)) },
    ],
    evaluator: element(qlinearConvElement),
    quantized: "none",
  },
  qlinear_gemm: {
    docs: "a, its scale and zero, b, its scales and zeros, bias i32, the result's scale and zero: matrix product, transposed on request, scaled like qlinear_matmul; floats without a result scale.",
    inputs: [6, 9],
    attributes: {
      alpha: numberAttribute(1),
      transpose_a: numberAttribute(0),
      transpose_b: numberAttribute(0),
    },
    infer: inferQGemm,
    evaluator: element(qGemmElement),
    quantized: "none",
  },
  dynamic_quantize: {
    docs: "x as u8 over its own range, which always contains zero, with the scale and the zero point.",
    inputs: [1, 1],
    attributes: { to: textAttribute("u8") },
    infer: (call) => [
      { dtype: call.attributes.text("to") as DType, shape: inputType(call, 0).shape },
      { dtype: "f32", shape: [] },
      { dtype: call.attributes.text("to") as DType, shape: [] },
    ],
    evaluator: whole(evaluateDynamic),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

/** The shape of a matrix product; vectors are not taken. */
function productShape(call: InferenceCall, left: number, right: number): readonly number[] {
  const [a, b] = [inputType(call, left).shape, inputType(call, right).shape];
  requireThat(a.length >= 2 && b.length >= 2, "operands need two dimensions");
  requireThat(a.at(-1) === b.at(-2), `inner dimensions differ: ${a.at(-1)} and ${b.at(-2)}`);
  const batches = broadcastShape(a.slice(0, -2), b.slice(0, -2));
  requireThat(batches !== undefined, "batch dimensions do not broadcast");
  return [...batches, a.at(-2) ?? 1, b.at(-1) ?? 1];
}

/** Numbers of an optional input; one of them stands for all. */
function spread(input: Tensor | undefined, usual: number): (at: number) => number {
  if (input === undefined) return () => usual;
  const values = numeric(input);
  if (values.length === 1) return () => values[0] ?? usual;
  return (at) => values[at % values.length] ?? usual;
}

interface Positions {
  readonly a: number;
  readonly b: number;
  readonly zeroA: number;
  readonly zeroB: number;
}

function matrixSums(call: EvaluationCall, at: Positions): ElementRule {
  const [a, b] = [inputTensor(call, at.a), inputTensor(call, at.b)];
  const [left, right] = [numeric(a), numeric(b)];
  const { shape } = outputType(call);
  const [rows = 1, columns = 1] = shape.slice(-2);
  const depth = a.type.shape.at(-1) ?? 1;
  const batches = shape.slice(0, -2);
  const batchOfA = broadcastIndex(a.type.shape.slice(0, -2), batches);
  const batchOfB = broadcastIndex(b.type.shape.slice(0, -2), batches);
  const [zeroOfRow, zeroOfColumn] = [
    spread(call.inputs[at.zeroA], 0),
    spread(call.inputs[at.zeroB], 0),
  ];
  return (index) => {
    const [row, column] = [floor(index / columns) % rows, index % columns];
    const batch = floor(index / (rows * columns));
    const [zeroA, zeroB] = [zeroOfRow(row), zeroOfColumn(column)];
    let fromA = (batchOfA(batch) * rows + row) * depth;
    let fromB = batchOfB(batch) * depth * columns + column;
    let sum = 0;
    for (let k = 0; k < depth; k++, fromA++, fromB += columns) {
      sum += ((left[fromA] ?? 0) - zeroA) * ((right[fromB] ?? 0) - zeroB);
    }
    return sum;
  };
}

/** Rounds a real result to the stored type of the output: clamped before the zero point is added. */
function storing(dtype: DType, zero: number): (scaled: number) => number {
  if (isFloat(dtype)) return (scaled) => scaled;
  const [low, high] = INTEGER_LIMITS[dtype] ?? [-128, 127];
  return (scaled) => roundHalfEven(min(max(scaled, low - zero), high - zero)) + zero;
}

function qlinearMatmulElement(call: EvaluationCall): ElementRule {
  const sums = matrixSums(call, { a: 0, b: 3, zeroA: 2, zeroB: 5 });
  const [scaleA, scaleB] = [spread(call.inputs[1], 1), spread(call.inputs[4], 1)];
  const scaleY = spread(call.inputs[6], 1)(0);
  const store = storing(outputType(call).dtype, spread(call.inputs[7], 0)(0));
  const [rows = 1, columns = 1] = outputType(call).shape.slice(-2);
  return (index) => {
    const [row, column] = [floor(index / columns) % rows, index % columns];
    const multiplier = fround(fround(scaleA(row) * scaleB(column)) / scaleY);
    return store(fround(fround(sums(index)) * multiplier));
  };
}

interface Shaped {
  readonly inputs: readonly (TensorType | Tensor | undefined)[];
  readonly attributes: AttributeReader;
}

/** The convolution of input 0 with the weights at a position. */
function integerConvolution(call: Shaped, weights: number): Convolution {
  return convolution({
    inputs: [call.inputs[0], call.inputs[weights]],
    attributes: call.attributes,
  });
}

function normalConvolution(call: InferenceCall, weights: number) {
  const { attributes } = call;
  const sizes = inputType(call, 0).shape.slice(2);
  const kernel = inputType(call, weights).shape.slice(2);
  return withWindow(attributes, { sizes, kernel }, { group: attributes.number("group") });
}

function factorsOf(
  call: EvaluationCall,
  at: { readonly w: number; readonly zeroX: number; readonly zeroW: number },
) {
  const [x, w] = [numeric(inputTensor(call, 0)), numeric(inputTensor(call, at.w))];
  const zeroX = spread(call.inputs[at.zeroX], 0)(0);
  return { x, w, zeroX, zeroW: spread(call.inputs[at.zeroW], 0) };
}

function qlinearConvElement(call: EvaluationCall): ElementRule {
  const shape = integerConvolution(call, 3);
  const sums = windowSums(shape, factorsOf(call, { w: 3, zeroX: 2, zeroW: 5 }));
  const [scaleX, scaleY] = [spread(call.inputs[1], 1)(0), spread(call.inputs[6], 1)(0)];
  const scaleW = spread(call.inputs[4], 1);
  const bias = call.inputs[8] === undefined ? undefined : numeric(call.inputs[8]);
  const store = storing(outputType(call).dtype, spread(call.inputs[7], 0)(0));
  const plane = product(shape.axes.map((axis) => axis.count));
  return (index) => {
    const channel = floor(index / plane) % shape.outChannels;
    const multiplier = fround(fround(scaleX * scaleW(channel)) / scaleY);
    const sum = (sums(index) + (bias?.[channel] ?? 0)) | 0;
    return store(fround(fround(sum) * multiplier));
  };
}

function inferQGemm(call: InferenceCall): readonly TensorType[] {
  const [a, b] = [inputType(call, 0).shape, inputType(call, 3).shape];
  requireThat(a.length === 2 && b.length === 2, "gemm takes matrices");
  const turned = (name: string): boolean => call.attributes.number(name) !== 0;
  const [rows = 1, depth = 1] = turned("transpose_a") ? [...a].reverse() : a;
  const [depthOfB = 1, columns = 1] = turned("transpose_b") ? [...b].reverse() : b;
  requireThat(depth === depthOfB, `inner dimensions differ: ${depth} and ${depthOfB}`);
  return [
    {
      dtype: call.inputs[8]?.dtype ?? (call.inputs[7] === undefined ? "f32" : "u8"),
      shape: [rows, columns],
    },
  ];
}

function qGemmElement(call: EvaluationCall): ElementRule {
  const [a, b] = [inputTensor(call, 0), inputTensor(call, 3)];
  const [left, right] = [numeric(a), numeric(b)];
  const [, columns = 1] = outputType(call).shape;
  const turned = (name: string): boolean => call.attributes.number(name) !== 0;
  const [widthA = 1, widthB = 1] = [a.type.shape[1], b.type.shape[1]];
  const depth = turned("transpose_a") ? (a.type.shape[0] ?? 1) : widthA;
  const [rowStep, kStepA] = turned("transpose_a") ? [1, widthA] : [widthA, 1];
  const [kStepB, columnStep] = turned("transpose_b") ? [1, widthB] : [widthB, 1];
  const zeroA = spread(call.inputs[2], 0)(0);
  const [scaleB, zeroB] = [spread(call.inputs[4], 1), spread(call.inputs[5], 0)];
  const scaleA = fround(spread(call.inputs[1], 1)(0) * call.attributes.number("alpha"));
  const bias = call.inputs[6];
  const addend = bias === undefined ? undefined : numeric(bias);
  const indexOfBias =
    bias === undefined ? undefined : broadcastIndex(bias.type.shape, outputType(call).shape);
  const scaleY = call.inputs[7] === undefined ? 1 : spread(call.inputs[7], 1)(0);
  const store = storing(outputType(call).dtype, spread(call.inputs[8], 0)(0));
  return (index) => {
    const [row, column] = [floor(index / columns), index % columns];
    let sum = addend?.[indexOfBias?.(index) ?? 0] ?? 0;
    for (let k = 0; k < depth; k++) {
      const factor = (left[row * rowStep + k * kStepA] ?? 0) - zeroA;
      sum += factor * ((right[k * kStepB + column * columnStep] ?? 0) - zeroB(column));
    }
    const multiplier = fround(fround(scaleA * scaleB(column)) / scaleY);
    return store(fround(fround(sum | 0) * multiplier));
  };
}

function evaluateDynamic(call: EvaluationCall): readonly Tensor[] {
  const x = numeric(inputTensor(call, 0));
  const [stored = outputType(call), scaleType = outputType(call), zeroType = outputType(call)] =
    call.outputTypes;
  const [low, high] = INTEGER_LIMITS[stored.dtype] ?? [0, 255];
  let [least, largest] = [0, 0];
  for (const value of x) [least, largest] = [min(least, value), max(largest, value)];
  const range = fround(fround(largest - least) / (high - low));
  const scale = range === 0 ? 1 : range;
  const zero = min(max(roundHalfEven(fround(low - fround(least / scale))), low), high);
  const rule = (index: number): number => {
    const rounded = roundHalfEven(fround((x[index] ?? 0) / scale)) + zero;
    return min(max(rounded, low), high);
  };
  return [
    tensorFrom(stored, rule),
    tensorFrom(scaleType, () => scale),
    tensorFrom(zeroType, () => zero),
  ].slice(0, call.outputTypes.length);
}
