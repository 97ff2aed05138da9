/** softmax and its logarithm over the last axis of stored numbers. */
import { product } from "../../../../protocol/base/integers.ts";
import { exp, log, roundHalfEven } from "../../../../protocol/base/math.ts";
import { clampStored, fixedMultiplier, scaleFixed, storedFormat } from "../../fixed-point.ts";
import type { Tensor, TensorType } from "../../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  requireThat,
  textAttribute,
  whole,
} from "../../operator.ts";
import type { EvaluationCall, InferenceCall, Operator } from "../../operator.ts";
import { numeric, tensorFrom } from "../../tensor.ts";
import { interpolate, interpolationTable } from "./functions.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min } = Math;

export const FIXED_SOFTMAX_OPS = {
  fixed_softmax: {
    docs: "softmax over the last axis: float32 exponentials of 256 differences, ties away from zero, in the type `to` (that of x where empty); of 16 bits: two interpolated tables.",
    inputs: [1, 1],
    attributes: { beta: numberAttribute(1), to: textAttribute("") },
    infer: inferSoftmax,
    evaluator: whole(evaluateSoftmax),
    quantized: "fixed",
  },
  fixed_log_softmax: {
    docs: "log of softmax over the last axis in float32 from the 256 exponentials, half to even.",
    inputs: [1, 1],
    attributes: {},
    infer: (call: InferenceCall) => [plain(inputType(call, 0))],
    evaluator: whole(evaluateLogSoftmax),
    quantized: "fixed",
  },
} as const satisfies Record<string, Operator>;

/** int8 may become int16. */
function inferSoftmax(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const to = call.attributes.text("to");
  requireThat(to === "" || (to === "i16" && dtype === "i8"), `${dtype} does not become ${to}`);
  return [{ dtype: to === "" ? dtype : "i16", shape }];
}

function plain({ dtype, shape }: TensorType): TensorType {
  return { dtype, shape };
}

/** What `fixed_softmax` adds up, by the difference to the largest stored number. */
export function storedExponentials(type: TensorType, beta: number): Float32Array {
  return exponentials(fround(storedFormat(type).scale * fround(beta)));
}

/** exponentials[d] = e^(-scale * d) in float32 for the 256 differences of two stored numbers. */
function exponentials(scale: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, difference) => exp(fround(-scale * difference)));
}

function evaluateSoftmax(call: EvaluationCall): readonly Tensor[] {
  const { type } = inputTensor(call, 0);
  if (type.dtype === "i16") return [wideSoftmax(call)];
  const x = numeric(inputTensor(call, 0));
  const output = outputType(call);
  const format = storedFormat(output);
  const table = storedExponentials(type, call.attributes.number("beta"));
  const width = type.shape.at(-1) ?? 1;
  const result = new Float64Array(product(type.shape));
  for (let start = 0; start < result.length; start += width) {
    let [largest, sum] = [-Infinity, 0];
    for (let at = start; at < start + width; at++) largest = max(largest, x[at] ?? 0);
    for (let at = start; at < start + width; at++) {
      sum = fround(sum + (table[largest - (x[at] ?? 0)] ?? 0));
    }
    const inverse = fround(1 / fround(sum * format.scale));
    for (let at = start; at < start + width; at++) {
      const share = fround((table[largest - (x[at] ?? 0)] ?? 0) * inverse);
      result[at] = clampStored(floor(fround(share + 0.5)) + format.zeroPoint, format);
    }
  }
  return [tensorFrom(output, (index) => result[index] ?? 0)];
}

function evaluateLogSoftmax(call: EvaluationCall): readonly Tensor[] {
  const { type } = inputTensor(call, 0);
  const x = numeric(inputTensor(call, 0));
  const output = outputType(call);
  const format = storedFormat(output);
  const scale = storedFormat(type).scale;
  const table = exponentials(scale);
  const width = type.shape.at(-1) ?? 1;
  const result = new Float64Array(product(type.shape));
  for (let start = 0; start < result.length; start += width) {
    let [largest, sum] = [-Infinity, 0];
    for (let at = start; at < start + width; at++) largest = max(largest, x[at] ?? 0);
    for (let at = start; at < start + width; at++) {
      sum = fround(sum + (table[largest - (x[at] ?? 0)] ?? 0));
    }
    const logSum = fround(log(sum));
    for (let at = start; at < start + width; at++) {
      const real = fround(fround(scale * ((x[at] ?? 0) - largest)) - logSum);
      const scaled = fround(real / format.scale);
      result[at] = clampStored(roundHalfEven(scaled) + format.zeroPoint, format);
    }
  }
  return [tensorFrom(output, (index) => result[index] ?? 0)];
}

const RANGE_16 = 65535;
/** Differences below this add nothing to a sum of 15 bits. */
const EXPONENT_SPAN = 10;

function float64(value: number): number {
  return value;
}

/** e^x over [-10, 0] and 1 / (1 + x) over [0, 1], both in 15 fractional bits. */
const EXPONENTIALS = interpolationTable(exp, {
  first: (EXPONENT_SPAN / RANGE_16) * -RANGE_16,
  last: 0,
  perUnit: 65536 / ((2 / RANGE_16) * RANGE_16),
  round: float64,
});
const RECIPROCALS = interpolationTable((x) => 1 / (1 + x), {
  first: 0,
  last: (1 / RANGE_16) * RANGE_16,
  perUnit: 65536 / ((2 / RANGE_16) * RANGE_16),
  round: float64,
});

function wideSoftmax(call: EvaluationCall): Tensor {
  const { type } = inputTensor(call, 0);
  const x = numeric(inputTensor(call, 0));
  const beta = fround(call.attributes.number("beta"));
  const ratio = fround(storedFormat(type).scale * beta) / (EXPONENT_SPAN / RANGE_16);
  const scale = fixedMultiplier(ratio);
  const width = type.shape.at(-1) ?? 1;
  const result = new Float64Array(product(type.shape));
  for (let start = 0; start < result.length; start += width) {
    const row = Array.from({ length: width }, (_, at) => x[start + at] ?? 0);
    const largest = row.reduce((a, b) => max(a, b), -32768);
    const shares = row.map((value) => {
      const place = scaleFixed(value - largest, scale) + 32767;
      return interpolate(EXPONENTIALS, min(max(place, -32768), 32767));
    });
    const sum = shares.reduce((a, b) => a + b, 0);
    const headroom = Math.clz32(sum);
    const normal = floor((sum * 2 ** (headroom - 1) + 8192) / 16384) - 98304;
    const reciprocal = interpolate(RECIPROCALS, min(max(normal, -32768), 32767));
    const shift = 31 - headroom;
    for (const [at, share] of shares.entries()) {
      const scaled = floor((share * reciprocal + 2 ** (shift - 1)) / 2 ** shift);
      result[start + at] = min(max(scaled, 0), 32767);
    }
  }
  return tensorFrom(outputType(call), (index) => result[index] ?? 0);
}
