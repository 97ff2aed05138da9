/** matmul (batched, with optional bias and clamp) and gemm. */
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  requireThat,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import type { TensorType } from "../graph.ts";
import {
  accumulatorMultipliers,
  activationOf,
  biasTypeOf,
  clampTo,
  encodingOf,
  requantize,
  storedBounds,
  weightTypeOf,
} from "../int8.ts";
import { broadcastIndex, broadcastShape, numeric } from "../tensor.ts";
import { CLAMP_ATTRIBUTES } from "./convolution.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min } = Math;

export const MATRIX_OPS = {
  matmul: {
    docs: "Matrix product of a [..,M,K] and b [..,K,N] over broadcast batches, plus bias [N], clamped.",
    inputs: [2, 3],
    attributes: CLAMP_ATTRIBUTES,
    infer: inferMatmul,
    evaluator: element(matmulElement),
    quantized: "accumulate",
  },
  gemm: {
    docs: "alpha * op(a) * op(b) + beta * c, where op transposes on request; lower-gemm makes it a matmul.",
    inputs: [2, 3],
    attributes: {
      alpha: numberAttribute(1),
      beta: numberAttribute(1),
      transpose_a: numberAttribute(0),
      transpose_b: numberAttribute(0),
    },
    infer: inferGemm,
    evaluator: element(gemmElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function inferMatmul(call: InferenceCall): readonly TensorType[] {
  const [a, b, bias] = [inputType(call, 0), inputType(call, 1), call.inputs[2]];
  const isWeighed = b.dtype === weightTypeOf(a.dtype);
  requireThat(a.dtype === b.dtype || isWeighed, "the operands differ in type");
  requireThat(a.shape.length >= 2 && b.shape.length >= 2, "operands need two dimensions");
  const [rows = 0, depth = 0] = a.shape.slice(-2);
  const [depthOfB = 0, columns = 0] = b.shape.slice(-2);
  requireThat(depth === depthOfB, `inner dimensions differ: ${depth} and ${depthOfB}`);
  const batches = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  requireThat(batches !== undefined, "batch dimensions do not broadcast");
  if (bias !== undefined) {
    requireThat(bias.shape.length === 1 && bias.shape[0] === columns, "bias must have N values");
    requireThat(bias.dtype === biasTypeOf(a.dtype), "bias has the wrong type");
  }
  return [{ dtype: a.dtype, shape: [...batches, rows, columns] }];
}

function matmulElement(call: EvaluationCall): ElementRule {
  const [a, b, output] = [inputTensor(call, 0), inputTensor(call, 1), outputType(call)];
  const bias = call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]);
  const [left, right] = [numeric(a), numeric(b)];
  const [rows = 1, columns = 1] = output.shape.slice(-2);
  const depth = a.type.shape.at(-1) ?? 0;
  const batches = output.shape.slice(0, -2);
  const batchOfA = broadcastIndex(a.type.shape.slice(0, -2), batches);
  const batchOfB = broadcastIndex(b.type.shape.slice(0, -2), batches);
  const zeroA = a.type.dtype === "i8" ? encodingOf(a.type).zeroPoint : 0;
  const zeroB = a.type.dtype === "i8" ? (b.type.quantization?.zeroPoints[0] ?? 0) : 0;
  const finish = matmulFinish(call);
  // As a convolution of one tap: each product and each sum is rounded to float32.
  const isOrdered = a.type.dtype === "f16" || a.type.dtype === "f32";
  return (index) => {
    const column = index % columns;
    const batch = floor(index / (rows * columns));
    const row = floor(index / columns) % rows;
    let fromA = (batchOfA(batch) * rows + row) * depth;
    let fromB = batchOfB(batch) * depth * columns + column;
    let sum = bias?.[column] ?? 0;
    for (let k = 0; k < depth; k++, fromA++, fromB += columns) {
      if (isOrdered) sum = fround(sum + fround((left[fromA] ?? 0) * (right[fromB] ?? 0)));
      else sum += ((left[fromA] ?? 0) - zeroA) * ((right[fromB] ?? 0) - zeroB);
    }
    return finish(sum, column);
  };
}

function matmulFinish(call: EvaluationCall): (sum: number, column: number) => number {
  const output = outputType(call);
  const [low, high] = [call.attributes.number("clamp_min"), call.attributes.number("clamp_max")];
  const isStored = output.dtype === "i8" || output.quantization !== undefined;
  if (!isStored) return (sum) => min(max(fround(sum), low), high);
  const [a, b] = [inputTensor(call, 0).type, inputTensor(call, 1).type];
  const multipliers = accumulatorMultipliers(a, b, output);
  const bounds = storedBounds([low, high], encodingOf(output), activationOf(output));
  return (sum, column) => {
    const multiplier = multipliers[multipliers.length === 1 ? 0 : column] ?? 0;
    const total = output.dtype === "i8" ? sum | 0 : sum;
    return clampTo(requantize(total, multiplier, encodingOf(output)), bounds);
  };
}

function inferGemm(call: InferenceCall): readonly TensorType[] {
  const [a, b, c] = [inputType(call, 0), inputType(call, 1), call.inputs[2]];
  requireThat(a.shape.length === 2 && b.shape.length === 2, "gemm takes matrices");
  const [rows = 0, depth = 0] = flipped(a.shape, call.attributes.number("transpose_a"));
  const [depthOfB = 0, columns = 0] = flipped(b.shape, call.attributes.number("transpose_b"));
  requireThat(depth === depthOfB, `inner dimensions differ: ${depth} and ${depthOfB}`);
  const shape = [rows, columns];
  if (c !== undefined) {
    const fits = broadcastShape(c.shape, shape);
    requireThat(fits?.length === 2 && fits[0] === rows && fits[1] === columns, "c does not fit");
  }
  return [{ dtype: a.dtype, shape }];
}

function flipped(shape: readonly number[], transposed: number): readonly number[] {
  return transposed === 0 ? shape : [...shape].reverse();
}

function gemmElement(call: EvaluationCall): ElementRule {
  const [a, b, output] = [inputTensor(call, 0), inputTensor(call, 1), outputType(call)];
  const [left, right] = [numeric(a), numeric(b)];
  const [, columns = 1] = output.shape;
  const [heightA = 1, widthA = 1] = a.type.shape;
  const widthB = b.type.shape[1] ?? 1;
  const [turnedA, turnedB] = [
    call.attributes.number("transpose_a") !== 0,
    call.attributes.number("transpose_b") !== 0,
  ];
  const depth = turnedA ? heightA : widthA;
  const [alpha, beta] = [call.attributes.number("alpha"), call.attributes.number("beta")];
  const c = call.inputs[2];
  const addend = c === undefined ? undefined : numeric(c);
  const indexOfC = c === undefined ? () => 0 : broadcastIndex(c.type.shape, output.shape);
  return (index) => {
    const [row, column] = [floor(index / columns), index % columns];
    let sum = 0;
    for (let k = 0; k < depth; k++) {
      const fromA = turnedA ? k * widthA + row : row * widthA + k;
      const fromB = turnedB ? column * widthB + k : k * widthB + column;
      sum += (left[fromA] ?? 0) * (right[fromB] ?? 0);
    }
    return alpha * sum + beta * (addend?.[indexOfC(index)] ?? 0);
  };
}
