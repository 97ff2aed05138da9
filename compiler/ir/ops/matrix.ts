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
import { divCeil } from "../../../protocol/base/integers.ts";
import { ADD_PRODUCTS, BLOCK } from "../blocked-sums.ts";
import { broadcastIndex, broadcastShape, elementCount, numeric } from "../tensor.ts";
import type { NumericArray } from "../tensor.ts";
import { CLAMP_ATTRIBUTES } from "./convolution.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min } = Math;

export const MATRIX_OPS = {
  matmul: {
    docs: "Matrix product of a [..,M,K] and b [..,K,N] over broadcast batches, plus bias [N], clamped.",
    inputs: [2, 3],
    attributes: CLAMP_ATTRIBUTES,
    infer: inferMatmul,
    evaluator: element(matmulElement, matmulElements),
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

/** A product in numbers: batches of [rows][depth] by [depth][columns], less their zeros. */
interface Product {
  readonly left: NumericArray;
  readonly right: NumericArray;
  readonly zeroA: number;
  readonly zeroB: number;
  readonly bias: NumericArray | undefined;
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  readonly batchOfA: (batch: number) => number;
  readonly batchOfB: (batch: number) => number;
  /** As a convolution of one tap: each product and each sum of floats is rounded to float32. */
  readonly arithmetic: keyof typeof ADD_PRODUCTS;
}

function productOf(call: EvaluationCall): Product {
  const [a, b, output] = [inputTensor(call, 0), inputTensor(call, 1), outputType(call)];
  const [rows = 1, columns = 1] = output.shape.slice(-2);
  const batches = output.shape.slice(0, -2);
  const { dtype } = a.type;
  const isFloat32 = dtype === "f16" || dtype === "f32";
  return {
    ...{ left: numeric(a), right: numeric(b) },
    zeroA: dtype === "i8" ? encodingOf(a.type).zeroPoint : 0,
    zeroB: dtype === "i8" ? (b.type.quantization?.zeroPoints[0] ?? 0) : 0,
    bias: call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]),
    ...{ rows, columns, depth: a.type.shape.at(-1) ?? 0 },
    batchOfA: broadcastIndex(a.type.shape.slice(0, -2), batches),
    batchOfB: broadcastIndex(b.type.shape.slice(0, -2), batches),
    arithmetic: isFloat32 ? "float32" : "exact",
  };
}

function matmulElement(call: EvaluationCall): ElementRule {
  const { left, right, zeroA, zeroB, bias, rows, depth, columns, ...of } = productOf(call);
  const finish = matmulFinish(call);
  const isOrdered = of.arithmetic === "float32";
  return (index) => {
    const column = index % columns;
    const batch = floor(index / (rows * columns));
    const row = floor(index / columns) % rows;
    let fromA = (of.batchOfA(batch) * rows + row) * depth;
    let fromB = of.batchOfB(batch) * depth * columns + column;
    let sum = bias?.[column] ?? 0;
    for (let k = 0; k < depth; k++, fromA++, fromB += columns) {
      if (isOrdered) sum = fround(sum + fround((left[fromA] ?? 0) * (right[fromB] ?? 0)));
      else sum += ((left[fromA] ?? 0) - zeroA) * ((right[fromB] ?? 0) - zeroB);
    }
    return finish(sum, column);
  };
}

/** The same for all elements; float64 keeps its rule. */
function matmulElements(call: EvaluationCall): ElementRule {
  if (inputTensor(call, 0).type.dtype === "f64") return matmulElement(call);
  const { columns, rows } = productOf(call);
  const sums = allProductSums(productOf(call), elementCount(outputType(call)) / (rows * columns));
  const finish = matmulFinish(call);
  return (index) => finish(sums[index] ?? 0, index % columns);
}

/** The sums of all elements, in blocks of columns. */
function allProductSums(of: Product, batches: number): Float64Array {
  const { left, zeroA, rows, depth, columns } = of;
  const x = Float64Array.from(left, (value) => value - zeroA);
  const result = new Float64Array(batches * rows * columns);
  const add = ADD_PRODUCTS[of.arithmetic];
  const sums = new Float64Array(BLOCK);
  for (let each = 0; each < batches * divCeil(columns, BLOCK); each++) {
    const batch = each % batches;
    const first = floor(each / batches) * BLOCK;
    const block = { sums, x, depth, filters: filtersOf(of, of.batchOfB(batch), first) };
    const bias = Float64Array.from(sums, (_, lane) => of.bias?.[first + lane] ?? 0);
    for (let row = 0; row < rows; row++) {
      sums.set(bias);
      add(block, (of.batchOfA(batch) * rows + row) * depth, 0);
      const to = (batch * rows + row) * columns + first;
      result.set(sums.subarray(0, min(BLOCK, columns - first)), to);
    }
  }
  return result;
}

/** A block of columns, less their zero: [depth][BLOCK]. */
function filtersOf({ right, zeroB, depth, columns }: Product, batch: number, first: number) {
  const filters = new Float64Array(depth * BLOCK);
  const count = min(BLOCK, columns - first);
  for (let k = 0; k < depth; k++) {
    const from = (batch * depth + k) * columns + first;
    for (let lane = 0; lane < count; lane++)
      filters[k * BLOCK + lane] = right[from + lane]! - zeroB;
  }
  return filters;
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
