/** The border between real and stored numbers, and functions of one stored element. */
import type { DType, TensorType } from "../graph.ts";
import { roundHalfEven } from "../../../protocol/base/math.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  reject,
  requireThat,
  textAttribute,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { normalizeAxis, numeric } from "../tensor.ts";
import { product } from "../../../protocol/base/integers.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround } = Math;

const ENCODING_ATTRIBUTES = {
  scales: numbersAttribute(),
  zero_points: numbersAttribute(),
  axis: numberAttribute(1),
};

const STORED_RANGE: Readonly<Record<string, readonly [number, number]>> = {
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32768, 32767],
};

export const QUANTIZATION_OPS = {
  quantize: {
    docs: "clamp(rne(fround(x / scale)) + zero point) in the type `to`, per tensor or along the axis.",
    inputs: [1, 1],
    attributes: { ...ENCODING_ATTRIBUTES, to: textAttribute("i8") },
    infer: inferQuantize,
    evaluator: element(quantizeElement),
    quantized: "none",
  },
  dequantize: {
    docs: "(x - zero point) * scale, per tensor or along the axis.",
    inputs: [1, 1],
    attributes: ENCODING_ATTRIBUTES,
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
} as const satisfies Record<string, Operator>;

function requireEncoding(call: InferenceCall, shape: readonly number[]): void {
  const scales = call.attributes.numbers("scales");
  const zeroPoints = call.attributes.numbers("zero_points");
  requireThat(scales.length === zeroPoints.length, "as many scales as zero points");
  if (scales.length === 1) return;
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length);
  requireThat(axis !== undefined && shape[axis] === scales.length, "one scale along the axis");
}

function inferQuantize(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  requireEncoding(call, shape);
  const to = call.attributes.text("to");
  requireThat(Object.hasOwn(STORED_RANGE, to), `${to} is no stored type`);
  return [{ dtype: to as DType, shape }];
}

function inferDequantize(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  requireEncoding(call, shape);
  return [{ dtype: "f32", shape }];
}

function inferLut(call: InferenceCall): readonly TensorType[] {
  const [x, table] = [inputType(call, 0), inputType(call, 1)];
  const range = STORED_RANGE[x.dtype];
  if (range === undefined) return reject(`${x.dtype} is no stored type`);
  const entries = range[1] - range[0] + 1;
  const fits = table.shape.length === 1 && table.shape[0] === entries;
  requireThat(fits, `the table must have ${entries} entries`);
  return [{ dtype: table.dtype, shape: x.shape }];
}

/** Which scale belongs to an element. */
function encodingIndex(call: EvaluationCall): (index: number) => number {
  const { shape } = outputType(call);
  const count = call.attributes.numbers("scales").length;
  if (count === 1) return () => 0;
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length) ?? 0;
  const inner = product(shape.slice(axis + 1));
  return (index) => floor(index / inner) % count;
}

function quantizeElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const { scales, zeros } = encodings(call);
  const [low, high] = STORED_RANGE[outputType(call).dtype] ?? [-128, 127];
  const which = encodingIndex(call);
  return (index) => {
    const at = which(index);
    const scaled = roundHalfEven(fround((x[index] ?? 0) / (scales[at] ?? 1)));
    return Math.min(Math.max(scaled + (zeros[at] ?? 0), low), high);
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
  const [lowest] = STORED_RANGE[inputTensor(call, 0).type.dtype] ?? [0];
  return (index) => table[(x[index] ?? 0) - lowest] ?? 0;
}
