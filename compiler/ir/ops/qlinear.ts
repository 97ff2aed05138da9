/** Operators on stored integers other than products, as onnxruntime defines them: real arithmetic in float32, one rounding. */
import { product } from "../../../protocol/base/integers.ts";
import * as math from "../../../protocol/base/math.ts";
import type { DType, Tensor, TensorType } from "../graph.ts";
import { INTEGER_LIMITS } from "../limits.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  reject,
  requireThat,
} from "../operator.ts";
import type {
  AttributeReader,
  AttributeRule,
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../operator.ts";
import { broadcastIndex, broadcastShape, numeric } from "../tensor.ts";
import { axesWithin, axisWithin, lanesAlong, offsetsBeside, offsetsOver } from "../walk.ts";
import { poolAxes, windowWalk } from "./pooling.ts";
import { WINDOW_ATTRIBUTES, withWindow } from "./window.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min } = Math;

const MANY = 4096;

export const QLINEAR_OPS = {
  qlinear_add: pair("a + b", (a, b) => fround(a + b)),
  qlinear_mul: pair("a * b", (a, b) => fround(a * b)),
  qlinear_sigmoid: unary("1 / (1 + e^-x)", {}, () => math.sigmoid),
  qlinear_leaky_relu: unary(
    "x where positive, alpha * x elsewhere",
    { alpha: numberAttribute(0.01) },
    (attributes) => {
      const alpha = fround(attributes.number("alpha"));
      return (x) => (x < 0 ? alpha * x : x);
    },
  ),
  qlinear_concat: {
    docs: "The result's scale and zero, then triples of x, its scale and its zero: joined along the axis in the result's encoding.",
    inputs: [5, MANY],
    attributes: { axis: numberAttribute() },
    infer: inferConcat,
    evaluator: element(concatElement),
    quantized: "none",
  },
  qlinear_average_pool: {
    docs: "x, its scale and zero, the result's scale and zero: the mean of each window.",
    inputs: [5, 5],
    attributes: {
      kernel: numbersAttribute(),
      ...WINDOW_ATTRIBUTES,
      ceil_mode: numberAttribute(0),
      count_include_pad: numberAttribute(0),
    },
    normal: (call) => {
      const { attributes } = call;
      const kernel = attributes.numbers("kernel");
      return withWindow(
        attributes,
        { sizes: inputType(call, 0).shape.slice(2), kernel },
        {
          kernel,
          ceil_mode: attributes.number("ceil_mode"),
          count_include_pad: attributes.number("count_include_pad"),
        },
      );
    },
    infer: (call) => {
      const { shape } = inputType(call, 0);
      const counts = poolAxes(call).map((axis) => axis.count);
      return [{ dtype: resultType(call, 4), shape: [...shape.slice(0, 2), ...counts] }];
    },
    evaluator: element(averagePoolElement),
    quantized: "none",
  },
  qlinear_mean: {
    docs: "x, its scale and zero, the result's scale and zero: the mean over the axes; int32 sum, one multiplier.",
    inputs: [5, 5],
    attributes: { axes: numbersAttribute([]), keepdims: numberAttribute(1) },
    infer: inferMean,
    evaluator: element(meanElement),
    quantized: "none",
  },
  qlinear_softmax: {
    docs: "x, its scale and zero, the result's scale and zero: softmax along the axis over a table of integer exponentials.",
    inputs: [5, 5],
    attributes: { axis: numberAttribute(-1) },
    infer: (call) => [{ dtype: resultType(call, 4), shape: inputType(call, 0).shape }],
    evaluator: element(softmaxElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function resultType(call: InferenceCall, zero: number): DType {
  return call.inputs[zero]?.dtype ?? inputType(call, 0).dtype;
}

function scalar(input: Tensor | undefined, usual: number): number {
  return input === undefined ? usual : (numeric(input)[0] ?? usual);
}

/** scale * (stored - zero), in float32. */
function reader(call: EvaluationCall, at: number): (index: number) => number {
  const x = numeric(inputTensor(call, at));
  const [scale, zero] = [scalar(call.inputs[at + 1], 1), scalar(call.inputs[at + 2], 0)];
  return (index) => fround(scale * ((x[index] ?? 0) - zero));
}

/** rne(real / scale) + zero, clamped. */
function writer(call: EvaluationCall, at: number): (real: number) => number {
  const [scale, zero] = [scalar(call.inputs[at], 1), scalar(call.inputs[at + 1], 0)];
  const [low, high] = INTEGER_LIMITS[outputType(call).dtype] ?? [0, 255];
  return (real) => {
    const scaled = min(max(fround(real / scale), low - zero), high - zero);
    return math.roundHalfEven(scaled) + zero;
  };
}

function pair(what: string, rule: (a: number, b: number) => number): Operator {
  return {
    docs: `a, its scale and zero, b, its scale and zero, the result's scale and zero: ${what}, rounded with the zero added.`,
    inputs: [8, 8],
    attributes: {},
    infer: (call) => {
      const [a, b] = [inputType(call, 0).shape, inputType(call, 3).shape];
      const shape = broadcastShape(a, b);
      if (shape === undefined) return reject(`[${a}] and [${b}] do not broadcast`);
      return [{ dtype: resultType(call, 7), shape }];
    },
    evaluator: element((call) => pairElement(call, rule)),
    quantized: "none",
  };
}

function pairElement(call: EvaluationCall, rule: (a: number, b: number) => number): ElementRule {
  const { shape, dtype } = outputType(call);
  const [left, right] = [reader(call, 0), reader(call, 3)];
  const indexOfA = broadcastIndex(inputTensor(call, 0).type.shape, shape);
  const indexOfB = broadcastIndex(inputTensor(call, 3).type.shape, shape);
  const [scale, zero] = [scalar(call.inputs[6], 1), scalar(call.inputs[7], 0)];
  const [low, high] = INTEGER_LIMITS[dtype] ?? [0, 255];
  return (index) => {
    const real = fround(rule(left(indexOfA(index)), right(indexOfB(index))) / scale);
    return math.roundHalfEven(fround(min(max(real, low - zero), high - zero) + zero));
  };
}

function unary(
  what: string,
  attributes: Readonly<Record<string, AttributeRule>>,
  ruleOf: (attributes: AttributeReader) => (x: number) => number,
): Operator {
  return {
    docs: `x, its scale and zero, the result's scale and zero: ${what}.`,
    inputs: [5, 5],
    attributes,
    infer: (call) => [{ dtype: resultType(call, 4), shape: inputType(call, 0).shape }],
    evaluator: element((call) => {
      const [read, write, rule] = [reader(call, 0), writer(call, 3), ruleOf(call.attributes)];
      return (index) => write(fround(rule(read(index))));
    }),
    quantized: "none",
  };
}

function inferConcat(call: InferenceCall): readonly TensorType[] {
  const count = (call.inputs.length - 2) / 3;
  requireThat(Number.isInteger(count), "the inputs must be triples after the first two");
  const shapes = Array.from({ length: count }, (_, at) => inputType(call, 2 + 3 * at).shape);
  const [first = []] = shapes;
  const axis = axisWithin(call.attributes.number("axis"), first.length);
  const total = shapes.reduce((sum, shape) => sum + (shape[axis] ?? 0), 0);
  const shape = first.map((size, other) => (other === axis ? total : size));
  return [{ dtype: inputType(call, 1).dtype, shape }];
}

function concatElement(call: EvaluationCall): ElementRule {
  const { shape } = outputType(call);
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const lanes = lanesAlong(shape, axis);
  const write = writer(call, 0);
  const [scaleY, zeroY] = [scalar(call.inputs[0], 1), scalar(call.inputs[1], 0)];
  const parts = Array.from({ length: (call.inputs.length - 2) / 3 }, (_, part) => {
    const at = 2 + 3 * part;
    const stored = numeric(inputTensor(call, at));
    const same =
      scalar(call.inputs[at + 1], 1) === scaleY && scalar(call.inputs[at + 2], 0) === zeroY;
    const read = reader(call, at);
    const size = inputTensor(call, at).type.shape[axis] ?? 0;
    return {
      size,
      rule: same ? (index: number) => stored[index] ?? 0 : (index: number) => write(read(index)),
    };
  });
  return (index) => {
    const outer = floor(index / (lanes.inner * lanes.size));
    let at = floor(index / lanes.inner) % lanes.size;
    for (const { size, rule } of parts) {
      if (at < size) return rule((outer * size + at) * lanes.inner + (index % lanes.inner));
      at -= size;
    }
    return 0;
  };
}

/** The stored values are averaged first, then made real. */
function averagePoolElement(call: EvaluationCall): ElementRule {
  const axes = poolAxes(call);
  const x = numeric(inputTensor(call, 0));
  const [scale, zero] = [scalar(call.inputs[1], 1), scalar(call.inputs[2], 0)];
  const [write, walk] = [writer(call, 3), windowWalk(axes)];
  const kernel = product(axes.map((axis) => axis.kernel));
  const padded = call.attributes.number("count_include_pad") !== 0;
  return (index) => {
    let [sum, count] = [0, 0];
    walk(index, (source) => {
      sum += x[source] ?? 0;
      count += 1;
    });
    const mean = fround(sum / (padded ? kernel : count));
    return write(fround(scale * fround(mean - zero)));
  };
}

function meanAxes(
  call: { readonly attributes: AttributeReader },
  rank: number,
): ReadonlySet<number> {
  const axes = call.attributes.numbers("axes");
  return new Set(
    axes.length === 0 ? Array.from({ length: rank }, (_, axis) => axis) : axesWithin(axes, rank),
  );
}

function inferMean(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  const axes = meanAxes(call, shape.length);
  const ones = shape.map((size, axis) => (axes.has(axis) ? 1 : size));
  const keep = call.attributes.number("keepdims") !== 0;
  return [
    { dtype: resultType(call, 4), shape: keep ? ones : ones.filter((_, axis) => !axes.has(axis)) },
  ];
}

function meanElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const axes = meanAxes(call, shape.length);
  const [bases, offsets] = [offsetsBeside(shape, axes), offsetsOver(shape, axes)];
  const [scaleX, zeroX] = [scalar(call.inputs[1], 1), scalar(call.inputs[2], 0)];
  const [scaleY, zeroY] = [scalar(call.inputs[3], 1), scalar(call.inputs[4], 0)];
  const [low, high] = INTEGER_LIMITS[outputType(call).dtype] ?? [0, 255];
  const multiplier = fround(scaleX / fround(scaleY * offsets.length));
  return (index) => {
    let sum = 0;
    for (const offset of offsets) sum += (x[(bases[index] ?? 0) + offset] ?? 0) - zeroX;
    const scaled = fround(fround(sum) * multiplier);
    return min(max(math.roundHalfEven(scaled) + zeroY, low), high);
  };
}

/** Exponentials as whole numbers so small that their sum fits 32 bits; one division, rounded half up. */
function softmaxElement(call: EvaluationCall): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const lanes = lanesAlong(shape, axisWithin(call.attributes.number("axis"), shape.length));
  const scaleX = scalar(call.inputs[1], 1);
  const [scaleY, zeroY] = [scalar(call.inputs[3], 1), scalar(call.inputs[4], 0)];
  const [low, high] = INTEGER_LIMITS[outputType(call).dtype] ?? [0, 255];
  const most = min((2 ** 32 - 1) / lanes.size, 0x7fffff);
  const table = Float64Array.from({ length: 256 }, (_, below) =>
    math.roundHalfEven(fround(most * math.exp(-below * scaleX))),
  );
  const factor = floor(fround(1 / scaleY));
  const rows = Array.from({ length: lanes.count }, (_, lane) => {
    let largest = -Infinity;
    const at = (along: number): number => x[lanes.start(lane) + along * lanes.inner] ?? 0;
    for (let along = 0; along < lanes.size; along++) largest = max(largest, at(along));
    let sum = 0;
    for (let along = 0; along < lanes.size; along++) sum += table[largest - at(along)] ?? 0;
    return { largest, sum };
  });
  return (index) => {
    const lane = floor(index / (lanes.inner * lanes.size)) * lanes.inner + (index % lanes.inner);
    const { largest = 0, sum = 1 } = rows[lane] ?? {};
    const power = table[largest - (x[index] ?? 0)] ?? 0;
    const share = floor((power * factor + floor(sum / 2)) / sum);
    return min(max(share + zeroY, low), high);
  };
}
