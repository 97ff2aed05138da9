/** The border between real and stored numbers, and functions of one stored element. */
import { divCeil, product } from "../../../protocol/base/integers.ts";
import { roundHalfEven } from "../../../protocol/base/math.ts";
import type { DType, Tensor, TensorType } from "../graph.ts";
import { INTEGER_LIMITS } from "../limits.ts";
import { encodeNarrow, isNarrowFloat } from "../narrow-floats.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  reject,
  requireThat,
  stored,
  textAttribute,
} from "../operator.ts";
import type {
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
  StoredRule,
} from "../operator.ts";
import { broadcastIndex, broadcastShape, isFloat, numeric, storedFrom } from "../tensor.ts";
import { axisWithin, lanesAlong } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround } = Math;

const ENCODING_ATTRIBUTES = {
  scales: numbersAttribute(),
  /** Empty: zeros. */
  zero_points: numbersAttribute([]),
  axis: numberAttribute(1),
  /** Along the axis one scale for so many elements; 0: one for each. */
  block: numberAttribute(0),
};

export const QUANTIZATION_OPS = {
  quantize: {
    docs: "clamp(rne(fround(x / scale)) + zero point) in the type `to`, per tensor, along the axis or by blocks of it.",
    inputs: [1, 1],
    attributes: {
      ...ENCODING_ATTRIBUTES,
      to: textAttribute("i8"),
      /** 0: a float8 overflows to infinity or NaN. */
      saturate: numberAttribute(1),
    },
    infer: inferQuantize,
    evaluator: stored(quantizeStored),
    quantized: "none",
  },
  dequantize: {
    docs: "(x - zero point) * scale, per tensor, along the axis or by blocks of it.",
    inputs: [1, 1],
    attributes: { ...ENCODING_ATTRIBUTES, to: textAttribute("f32") },
    infer: inferDequantize,
    evaluator: element(dequantizeElement),
    quantized: "none",
  },
  lut: {
    docs: "table[x - lowest x] of stored x (i8, u8, i16): any function of one element, or a change of encoding.",
    inputs: [2, 2],
    attributes: {},
    infer: inferLut,
    evaluator: element(lutElement),
    quantized: "table",
  },
  lut_pair: {
    docs: "table[(a - lowest a) * 256 + b - lowest b] of stored a and b (i8, u8) that broadcast: any function of two elements.",
    inputs: [3, 3],
    attributes: {},
    infer: inferPairLut,
    evaluator: element(pairLutElement),
    quantized: "fixed",
  },
} as const satisfies Record<string, Operator>;

function requireEncoding(call: InferenceCall, shape: readonly number[]): void {
  const scales = call.attributes.numbers("scales");
  const zeroPoints = call.attributes.numbers("zero_points");
  const paired = zeroPoints.length === 0 || zeroPoints.length === scales.length;
  requireThat(paired, "as many scales as zero points");
  if (scales.length === 1) return;
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const block = call.attributes.number("block");
  const size = shape[axis] ?? 1;
  const rest = product(shape) / size;
  const count = block === 0 ? size : rest * divCeil(size, block);
  requireThat(count === scales.length, `${scales.length} scales where ${count} are needed`);
}

function inferQuantize(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  requireEncoding(call, shape);
  const to = call.attributes.text("to") as DType;
  const known = INTEGER_LIMITS[to] !== undefined || isNarrowFloat(to);
  requireThat(known && to !== "bool", `${to} is no stored type`);
  return [{ dtype: to, shape }];
}

function inferDequantize(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  requireEncoding(call, shape);
  const to = call.attributes.text("to") as DType;
  requireThat(isFloat(to), `${to} holds no real numbers`);
  return [{ dtype: to, shape }];
}

function inferLut(call: InferenceCall): readonly TensorType[] {
  const [x, table] = [inputType(call, 0), inputType(call, 1)];
  const range = INTEGER_LIMITS[x.dtype];
  if (range === undefined) return reject(`${x.dtype} is no stored type`);
  const entries = range[1] - range[0] + 1;
  const fits = table.shape.length === 1 && table.shape[0] === entries;
  requireThat(fits, `the table must have ${entries} entries`);
  return [{ dtype: table.dtype, shape: x.shape }];
}

/** Numbers of a byte. */
const BYTES = 256;

function inferPairLut(call: InferenceCall): readonly TensorType[] {
  const [a, b, table] = [inputType(call, 0), inputType(call, 1), inputType(call, 2)];
  for (const { dtype } of [a, b])
    requireThat(dtype === "i8" || dtype === "u8", `${dtype} is no byte`);
  const fits = table.shape.length === 1 && table.shape[0] === BYTES * BYTES;
  requireThat(fits, `the table must have ${BYTES * BYTES} entries`);
  const shape = broadcastShape(a.shape, b.shape);
  if (shape === undefined) return reject(`[${a.shape}] and [${b.shape}] do not broadcast`);
  return [{ dtype: table.dtype, shape }];
}

function pairLutElement(call: EvaluationCall): ElementRule {
  const [a, b, table] = [inputTensor(call, 0), inputTensor(call, 1), inputTensor(call, 2)];
  const { shape } = outputType(call);
  const place = ({ type, data }: Tensor): ((index: number) => number) => {
    const [lowest] = INTEGER_LIMITS[type.dtype] ?? [0];
    const indexOf = broadcastIndex(type.shape, shape);
    return (index) => Number(data[indexOf(index)] ?? 0) - lowest;
  };
  const [left, right, entries] = [place(a), place(b), numeric(table)];
  return (index) => entries[left(index) * BYTES + right(index)] ?? 0;
}

/** Which scale belongs to an element. */
function encodingIndex(call: EvaluationCall): (index: number) => number {
  const { shape } = outputType(call);
  const count = call.attributes.numbers("scales").length;
  if (count === 1) return () => 0;
  const { inner, size } = lanesAlong(
    shape,
    axisWithin(call.attributes.number("axis"), shape.length),
  );
  const block = call.attributes.number("block");
  if (block === 0) return (index) => floor(index / inner) % count;
  const blocks = divCeil(size, block);
  return (index) => {
    const at = floor((floor(index / inner) % size) / block);
    return (floor(index / (inner * size)) * blocks + at) * inner + (index % inner);
  };
}

function quantizeStored(call: EvaluationCall): StoredRule {
  const x = numeric(inputTensor(call, 0));
  const { scales, zeros } = encodings(call);
  const { dtype } = outputType(call);
  const which = encodingIndex(call);
  const scaled = (index: number, at: number) => fround((x[index] ?? 0) / (scales[at] ?? 1));
  if (isNarrowFloat(dtype)) {
    const saturate = call.attributes.number("saturate") !== 0;
    return (index) => encodeNarrow(dtype, scaled(index, which(index)), saturate);
  }
  const [low, high] = INTEGER_LIMITS[dtype] ?? [-128, 127];
  const store = storedFrom(dtype);
  return (index) => {
    const at = which(index);
    const rounded = roundHalfEven(scaled(index, at)) + (zeros[at] ?? 0);
    return store(Math.min(Math.max(rounded, low), high));
  };
}

function dequantizeElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const { scales, zeros } = encodings(call);
  const which = encodingIndex(call);
  return (index) => {
    const at = which(index);
    return fround(((x[index] ?? 0) - (zeros[at] ?? 0)) * (scales[at] ?? 1));
  };
}

function encodings(call: EvaluationCall) {
  return {
    scales: call.attributes.numbers("scales"),
    zeros: call.attributes.numbers("zero_points"),
  };
}

function lutElement(call: EvaluationCall): ElementRule {
  const [x, table] = [numeric(inputTensor(call, 0)), numeric(inputTensor(call, 1))];
  const [lowest] = INTEGER_LIMITS[inputTensor(call, 0).type.dtype] ?? [0];
  return (index) => table[(x[index] ?? 0) - lowest] ?? 0;
}
