/** Pooling over two-dimensional windows, and over whole planes. */
import type { Tensor, TensorType } from "../graph.ts";
import { clampI8, encodingOf, meanMultiplier, requantize } from "../int8.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  requireThat,
} from "../operator.ts";
import type {
  AttributeReader,
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../operator.ts";
import { numeric } from "../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, max, min } = Math;

/** A pooling window in numbers; sizes in elements. */
export interface PoolGeometry {
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly padBottom: number;
  readonly padRight: number;
}

const WINDOW_ATTRIBUTES = {
  kernel: numbersAttribute(),
  strides: numbersAttribute([1, 1]),
  dilations: numbersAttribute([1, 1]),
  pads: numbersAttribute([0, 0, 0, 0]),
  ceil_mode: numberAttribute(0),
};

export const POOLING_OPS = {
  max_pool: {
    docs: "The largest element of each window; padding never wins.",
    inputs: [1, 1],
    attributes: WINDOW_ATTRIBUTES,
    infer: inferPool,
    evaluator: element(maxPoolElement),
    quantized: "movement",
  },
  average_pool: {
    docs: "The mean of each window; padding counts as zeros only if count_include_pad is set.",
    inputs: [1, 1],
    attributes: { ...WINDOW_ATTRIBUTES, count_include_pad: numberAttribute(0) },
    infer: inferPool,
    evaluator: element(averagePoolElement),
    quantized: "mean",
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
} as const satisfies Record<string, Operator>;

interface Operands {
  readonly inputs: readonly (TensorType | Tensor | undefined)[];
  readonly attributes: AttributeReader;
}

export function poolGeometry(call: Operands): PoolGeometry {
  const operand = call.inputs[0];
  requireThat(operand !== undefined, "input is missing");
  const shape = "type" in operand ? operand.type.shape : operand.shape;
  requireThat(shape.length === 4, `input must have 4 dimensions, not ${shape.length}`);
  const [, , inHeight = 0, inWidth = 0] = shape;
  const { attributes } = call;
  const [kernelHeight = 0, kernelWidth = 0] = attributes.numbers("kernel");
  const [strideY = 0, strideX = 0] = attributes.numbers("strides");
  const [dilationY = 0, dilationX = 0] = attributes.numbers("dilations");
  const [padTop = 0, padLeft = 0, padBottom = 0, padRight = 0] = attributes.numbers("pads");
  const steps = [kernelHeight, kernelWidth, strideY, strideX, dilationY, dilationX];
  requireThat(
    steps.every((step) => step >= 1),
    "kernel, strides and dilations must be positive",
  );
  const ceil = attributes.number("ceil_mode") !== 0;
  const coveredY = dilationY * (kernelHeight - 1) + 1;
  const coveredX = dilationX * (kernelWidth - 1) + 1;
  requireThat(coveredY <= inHeight + padTop + padBottom, "the window is higher than the input");
  requireThat(coveredX <= inWidth + padLeft + padRight, "the window is wider than the input");
  const vertical = { size: inHeight, before: padTop, after: padBottom, covered: coveredY };
  const horizontal = { size: inWidth, before: padLeft, after: padRight, covered: coveredX };
  const outHeight = windowCount({ ...vertical, stride: strideY, ceil });
  const outWidth = windowCount({ ...horizontal, stride: strideX, ceil });
  const sizes = { inHeight, inWidth, outHeight, outWidth, kernelHeight, kernelWidth };
  const pads = { padTop, padLeft, padBottom, padRight };
  return { ...sizes, strideY, strideX, dilationY, dilationX, ...pads };
}

interface WindowSpan {
  readonly size: number;
  readonly before: number;
  readonly after: number;
  readonly covered: number;
  readonly stride: number;
  readonly ceil: boolean;
}

function windowCount(span: WindowSpan): number {
  const steps = (span.size + span.before + span.after - span.covered) / span.stride;
  const count = (span.ceil ? Math.ceil(steps) : floor(steps)) + 1;
  // A window that would begin in the padding after the image is dropped.
  const startsOutside = span.ceil && (count - 1) * span.stride >= span.size + span.before;
  return startsOutside ? count - 1 : count;
}

function inferPool(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const { outHeight, outWidth } = poolGeometry(call);
  return [{ dtype, shape: [...shape.slice(0, 2), outHeight, outWidth] }];
}

function inferGlobal(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(shape.length >= 3, "input must have spatial dimensions");
  return [{ dtype, shape: shape.map((size, axis) => (axis < 2 ? size : 1)) }];
}

/** Calls `visit` with the input index of every tap of the window that lies inside the image. */
type WindowWalk = (index: number, visit: (source: number) => void) => void;

function windowWalk(g: PoolGeometry): WindowWalk {
  const plane = g.outHeight * g.outWidth;
  return (index, visit) => {
    const base = floor(index / plane) * g.inHeight * g.inWidth;
    const top = floor((index % plane) / g.outWidth) * g.strideY - g.padTop;
    const left = (index % g.outWidth) * g.strideX - g.padLeft;
    for (let ky = 0; ky < g.kernelHeight; ky++) {
      const y = top + ky * g.dilationY;
      if (y < 0 || y >= g.inHeight) continue;
      for (let kx = 0; kx < g.kernelWidth; kx++) {
        const x = left + kx * g.dilationX;
        if (x >= 0 && x < g.inWidth) visit(base + y * g.inWidth + x);
      }
    }
  };
}

function maxPoolElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const walk = windowWalk(poolGeometry(call));
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
  const geometry = poolGeometry(call);
  const walk = windowWalk(geometry);
  const padded = call.attributes.number("count_include_pad") !== 0;
  const zeroPoint = zeroPointOf(inputTensor(call, 0).type);
  const finish = meanFinish(call);
  return (index) => {
    let sum = 0;
    let count = 0;
    walk(index, (source) => {
      sum += (x[source] ?? 0) - zeroPoint;
      count += 1;
    });
    return finish(sum, padded ? countWithPadding(geometry, index) : count);
  };
}

/** Taps inside the padded image: a window of ceil_mode may reach beyond the padding as well. */
function countWithPadding(g: PoolGeometry, index: number): number {
  const top = floor((index % (g.outHeight * g.outWidth)) / g.outWidth) * g.strideY;
  const left = (index % g.outWidth) * g.strideX;
  const height = g.inHeight + g.padTop + g.padBottom;
  const width = g.inWidth + g.padLeft + g.padRight;
  const rows = min(g.kernelHeight, Math.ceil((height - top) / g.dilationY));
  const columns = min(g.kernelWidth, Math.ceil((width - left) / g.dilationX));
  return rows * columns;
}

function globalAverageElement(call: EvaluationCall): ElementRule {
  const { type } = inputTensor(call, 0);
  const x = numeric(inputTensor(call, 0));
  const plane = type.shape.slice(2).reduce((total, size) => total * size, 1);
  const zeroPoint = zeroPointOf(type);
  const finish = meanFinish(call);
  return (index) => {
    let sum = 0;
    for (let tap = index * plane; tap < (index + 1) * plane; tap++)
      sum += (x[tap] ?? 0) - zeroPoint;
    return finish(sum, plane);
  };
}

function globalMaxElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const plane = inputTensor(call, 0)
    .type.shape.slice(2)
    .reduce((total, size) => total * size, 1);
  return (index) => {
    let largest = -Infinity;
    for (let tap = index * plane; tap < (index + 1) * plane; tap++) {
      largest = max(largest, x[tap] ?? 0);
    }
    return largest;
  };
}

function zeroPointOf(type: TensorType): number {
  return type.dtype === "i8" ? encodingOf(type).zeroPoint : 0;
}

/** Float: sum / count. int8: F32_RNE with fround(sx / (sy * count)). */
function meanFinish(call: EvaluationCall): (sum: number, count: number) => number {
  const output = outputType(call);
  const { type } = inputTensor(call, 0);
  if (output.dtype !== "i8") return (sum, count) => sum / count;
  const [from, to] = [encodingOf(type), encodingOf(output)];
  return (sum, count) => clampI8(requantize(sum, meanMultiplier(from, to, count), to));
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
