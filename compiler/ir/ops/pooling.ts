/** Pooling over windows of one to three axes, and over whole planes. */
import { product } from "../../../protocol/base/integers.ts";
import * as math from "../../../protocol/base/math.ts";
import type { Attribute, Tensor, TensorType } from "../graph.ts";
import { activationOf, clampActivation, encodingOf, meanMultiplier, requantize } from "../int8.ts";
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
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../operator.ts";
import { halfPlaneSum } from "../half-sums.ts";
import { numeric } from "../tensor.ts";
import { lifted, WINDOW_ATTRIBUTES, windowAxes, windowReach, withWindow } from "./window.ts";
import type { WindowAxis, WindowGeometry } from "./window.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { ceil, floor, fround, max, min } = Math;

/** A pooling window over an image in numbers; sizes in elements. */
export interface PoolGeometry extends WindowGeometry {
  readonly padBottom: number;
  readonly padRight: number;
}

export const POOL_ATTRIBUTES = {
  kernel: numbersAttribute(),
  ...WINDOW_ATTRIBUTES,
  ceil_mode: numberAttribute(0),
};

const COUNT = { count_include_pad: numberAttribute(0) };

export const POOLING_OPS = {
  max_pool: {
    docs: "The largest element of each window; padding never wins.",
    inputs: [1, 1],
    attributes: POOL_ATTRIBUTES,
    normal: (call) => normalPool(call, {}),
    infer: inferPool,
    evaluator: element(maxPoolElement),
    quantized: "movement",
  },
  average_pool: {
    docs: "The mean of each window; padding counts as zeros only if count_include_pad is set.",
    inputs: [1, 1],
    attributes: { ...POOL_ATTRIBUTES, ...COUNT },
    normal: (call) =>
      normalPool(call, { count_include_pad: call.attributes.number("count_include_pad") }),
    infer: inferPool,
    evaluator: element(averagePoolElement),
    quantized: "mean",
  },
  lp_pool: {
    docs: "The p-norm of each window.",
    inputs: [1, 1],
    attributes: { ...POOL_ATTRIBUTES, p: numberAttribute(2) },
    normal: (call) => normalPool(call, { p: call.attributes.number("p") }),
    infer: inferPool,
    evaluator: element(lpPoolElement),
    quantized: "none",
  },
  global_average_pool: {
    docs: "The mean over all spatial positions: [N,C,...] to [N,C,1,...].",
    inputs: [1, 1],
    attributes: {},
    infer: inferGlobal,
    evaluator: element(globalAverageElement),
    quantized: "mean",
  },
  global_max_pool: {
    docs: "The maximum over all spatial positions: [N,C,...] to [N,C,1,...].",
    inputs: [1, 1],
    attributes: {},
    infer: inferGlobal,
    evaluator: element(globalMaxElement),
    quantized: "movement",
  },
  global_lp_pool: {
    docs: "The p-norm over all spatial positions: [N,C,...] to [N,C,1,...].",
    inputs: [1, 1],
    attributes: { p: numberAttribute(2) },
    infer: inferGlobal,
    evaluator: element(globalLpElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

interface Operands {
  readonly inputs: readonly (TensorType | Tensor | undefined)[];
  readonly attributes: AttributeReader;
}

export function normalPool(
  call: InferenceCall,
  others: Readonly<Record<string, Attribute>>,
): Record<string, Attribute> {
  const { attributes } = call;
  const kernel = attributes.numbers("kernel");
  const rest = { kernel, ceil_mode: attributes.number("ceil_mode"), ...others };
  return withWindow(attributes, { sizes: inputType(call, 0).shape.slice(2), kernel }, rest);
}

export function poolAxes(call: Operands): readonly WindowAxis[] {
  const operand = call.inputs[0] ?? reject("input is missing");
  const shape = "type" in operand ? operand.type.shape : operand.shape;
  const fits = shape.length >= 3 && shape.length <= 5;
  requireThat(fits, `input must have 3 to 5 dimensions, not ${shape.length}`);
  const { attributes } = call;
  const extent = { sizes: shape.slice(2), kernel: attributes.numbers("kernel") };
  return windowAxes(attributes, extent, attributes.number("ceil_mode") !== 0);
}

export function poolGeometry(call: Operands): PoolGeometry {
  const [y, x, ...more] = poolAxes(call);
  if (y === undefined || x === undefined || more.length > 0) {
    return reject("an image has 2 spatial dimensions");
  }
  return {
    ...{ inHeight: y.size, inWidth: x.size, outHeight: y.count, outWidth: x.count },
    ...{ kernelHeight: y.kernel, kernelWidth: x.kernel, strideY: y.stride, strideX: x.stride },
    ...{ dilationY: y.dilation, dilationX: x.dilation, padTop: y.before, padLeft: x.before },
    ...{ padBottom: y.after, padRight: x.after },
  };
}

export function inferPool(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  return [{ dtype, shape: [...shape.slice(0, 2), ...poolAxes(call).map((axis) => axis.count)] }];
}

function inferGlobal(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(shape.length >= 3, "input must have spatial dimensions");
  return [{ dtype, shape: shape.map((size, axis) => (axis < 2 ? size : 1)) }];
}

/** Calls `visit` with the input index of every tap of the window that lies inside. */
type WindowWalk = (index: number, visit: (source: number) => void) => void;

export function windowWalk(axes: readonly WindowAxis[]): WindowWalk {
  const [z, y, x] = lifted(axes);
  const [deep, high, wide] = [z, y, x].map(windowReach);
  return (index, visit) => {
    const inward = deep?.[floor(index / (x.count * y.count)) % z.count]?.sources ?? [];
    const down = high?.[floor(index / x.count) % y.count]?.sources ?? [];
    const across = wide?.[index % x.count]?.sources ?? [];
    const base = floor(index / (x.count * y.count * z.count)) * z.size;
    for (const depth of inward) {
      for (const row of down) {
        const line = ((base + depth) * y.size + row) * x.size;
        for (const column of across) visit(line + column);
      }
    }
  };
}

function maxPoolElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const walk = windowWalk(poolAxes(call));
  return (index) => {
    let largest = -Infinity;
    walk(index, (source) => {
      largest = max(largest, x[source] ?? 0);
    });
    return largest;
  };
}

function averagePoolElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const axes = poolAxes(call);
  const walk = windowWalk(axes);
  const padded = call.attributes.number("count_include_pad") !== 0;
  const paddedCount = countWithPadding(axes);
  const zeroPoint = zeroPointOf(inputTensor(call, 0).type);
  const finish = meanFinish(call);
  // fp16: each partial sum is rounded to float32.
  const settle = outputType(call).dtype === "f16" ? fround : (value: number) => value;
  return (index) => {
    let sum = 0;
    let count = 0;
    walk(index, (source) => {
      sum = settle(sum + (x[source] ?? 0) - zeroPoint);
      count += 1;
    });
    return finish(sum, padded ? paddedCount(index) : count);
  };
}

/** Taps inside the padded input: a window of ceil_mode may reach beyond the padding as well. */
function countWithPadding(axes: readonly WindowAxis[]): (index: number) => number {
  return (index) => {
    let [rest, count] = [index, 1];
    for (const axis of [...axes].reverse()) {
      const start = (rest % axis.count) * axis.stride;
      const length = axis.size + axis.before + axis.after;
      count *= min(axis.kernel, ceil((length - start) / axis.dilation));
      rest = floor(rest / axis.count);
    }
    return count;
  };
}

/** (sum of |x|^p)^(1/p), step by step. */
function norm(p: number) {
  return {
    step: (value: number): number =>
      p === 2 ? value * value : p === 1 ? Math.abs(value) : math.pow(Math.abs(value), p),
    finish: (sum: number): number =>
      p === 2 ? Math.sqrt(sum) : p === 1 ? sum : math.pow(sum, 1 / p),
  };
}

function lpPoolElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const walk = windowWalk(poolAxes(call));
  const { step, finish } = norm(call.attributes.number("p"));
  return (index) => {
    let sum = 0;
    walk(index, (source) => {
      sum += step(x[source] ?? 0);
    });
    return finish(sum);
  };
}

/** Folds the plane of every channel. */
function planeElement(
  call: EvaluationCall,
  fold: { start: number; step: (held: number, value: number) => number },
): (index: number, finish: (total: number, count: number) => number) => number {
  const x = numeric(inputTensor(call, 0));
  const plane = product(inputTensor(call, 0).type.shape.slice(2));
  return (index, finish) => {
    let total = fold.start;
    for (let tap = index * plane; tap < (index + 1) * plane; tap++) {
      total = fold.step(total, x[tap] ?? 0);
    }
    return finish(total, plane);
  };
}

function globalAverageElement(call: EvaluationCall): ElementRule {
  const zeroPoint = zeroPointOf(inputTensor(call, 0).type);
  const step = (sum: number, value: number): number => sum + value - zeroPoint;
  const rule = planeElement(call, { start: 0, step });
  const finish = meanFinish(call);
  const { type } = inputTensor(call, 0);
  if (type.dtype === "f16" && type.shape.length === 4) {
    const x = numeric(inputTensor(call, 0));
    const [, , height = 1, width = 1] = type.shape;
    const plane = height * width;
    return (index) => finish(halfPlaneSum(x, { first: index * plane, height, width }), plane);
  }
  return (index) => rule(index, finish);
}

function globalMaxElement(call: EvaluationCall): ElementRule {
  const rule = planeElement(call, { start: -Infinity, step: max });
  return (index) => rule(index, (largest) => largest);
}

function globalLpElement(call: EvaluationCall): ElementRule {
  const { step, finish } = norm(call.attributes.number("p"));
  const rule = planeElement(call, { start: 0, step: (sum, value) => sum + step(value) });
  return (index) => rule(index, finish);
}

function zeroPointOf(type: TensorType): number {
  return type.quantization === undefined ? 0 : encodingOf(type).zeroPoint;
}

/** Float: sum / count. int8: F32_RNE with fround(sx / (sy * count)). */
function meanFinish(call: EvaluationCall): (sum: number, count: number) => number {
  const output = outputType(call);
  const { type } = inputTensor(call, 0);
  if (output.dtype === "f16") return (sum, count) => fround(sum * fround(1 / count));
  if (output.quantization === undefined) return (sum, count) => sum / count;
  const [from, to] = [encodingOf(type), encodingOf(output)];
  const dtype = activationOf(output);
  return (sum, count) =>
    clampActivation(requantize(sum, meanMultiplier(from, to, count), to), dtype);
}

/** The number of taps of every window where all have the same; undefined where borders differ. */
export function fixedWindowCount(
  geometry: PoolGeometry,
  includePadding: boolean,
): number | undefined {
  const { kernelHeight, kernelWidth, padTop, padLeft, outHeight, outWidth } = geometry;
  const lastY = (outHeight - 1) * geometry.strideY + geometry.dilationY * (kernelHeight - 1) + 1;
  const lastX = (outWidth - 1) * geometry.strideX + geometry.dilationX * (kernelWidth - 1) + 1;
  const bottom = includePadding ? padTop + geometry.padBottom : 0;
  const right = includePadding ? padLeft + geometry.padRight : 0;
  const inside = lastY <= geometry.inHeight + bottom && lastX <= geometry.inWidth + right;
  const unpadded = includePadding || (padTop === 0 && padLeft === 0);
  return inside && unpadded ? kernelHeight * kernelWidth : undefined;
}
