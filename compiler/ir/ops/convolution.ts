/** conv and conv_transpose: sums over a window, per group, with an optional bias and clamp. */
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
import type { Tensor, TensorType } from "../graph.ts";
import { accumulatorMultipliers, clampTo, encodingOf, requantize, storedBounds } from "../int8.ts";
import { numeric } from "../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min } = Math;

/** A convolution in numbers; sizes in elements. Weights are [out, in/groups, kernel height, width]. */
export interface ConvolutionGeometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outChannels: number;
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
  readonly groups: number;
}

export const CLAMP_ATTRIBUTES = {
  clamp_min: numberAttribute(-Infinity),
  clamp_max: numberAttribute(Infinity),
};

const WINDOW_ATTRIBUTES = {
  strides: numbersAttribute([1, 1]),
  dilations: numbersAttribute([1, 1]),
  pads: numbersAttribute([0, 0, 0, 0]),
  group: numberAttribute(1),
  ...CLAMP_ATTRIBUTES,
};

export const CONVOLUTION_OPS = {
  conv: {
    docs: "Two-dimensional cross-correlation of x [N,C,H,W] with w [O,C/group,KH,KW] plus bias [O], clamped.",
    inputs: [2, 3],
    attributes: WINDOW_ATTRIBUTES,
    infer: (call) => inferConvolution(call, convGeometry),
    evaluator: element((call) => windowElement(call, convGeometry(call), convTaps)),
    quantized: "accumulate",
  },
  conv_transpose: {
    docs: "The transpose of conv: x [N,C,H,W] spread by w [C,O/group,KH,KW], plus bias [O], clamped.",
    inputs: [2, 3],
    attributes: { ...WINDOW_ATTRIBUTES, output_padding: numbersAttribute([0, 0]) },
    infer: (call) => inferConvolution(call, convTransposeGeometry),
    evaluator: element((call) => windowElement(call, convTransposeGeometry(call), transposeTaps)),
    quantized: "accumulate",
  },
} as const satisfies Record<string, Operator>;

interface Operands {
  readonly inputs: readonly (TensorType | Tensor | undefined)[];
  readonly attributes: AttributeReader;
}

export function convGeometry(call: Operands): ConvolutionGeometry {
  const frame = readFrame(call);
  const [outChannels = 0, perGroup = 0, kernelHeight = 0, kernelWidth = 0] = frame.weights;
  const { groups } = frame;
  requireThat(perGroup * groups === frame.inChannels, "weights do not fit the input channels");
  requireThat(outChannels % groups === 0, "output channels are not a multiple of group");
  const { padTop, padBottom, padLeft, padRight } = frame;
  const coveredY = frame.dilationY * (kernelHeight - 1) + 1;
  const coveredX = frame.dilationX * (kernelWidth - 1) + 1;
  const spanY = frame.inHeight + padTop + padBottom - coveredY;
  const spanX = frame.inWidth + padLeft + padRight - coveredX;
  const outHeight = floor(spanY / frame.strideY) + 1;
  const outWidth = floor(spanX / frame.strideX) + 1;
  requireThat(spanY >= 0 && spanX >= 0, "the window is larger than the padded input");
  return { ...frame, outChannels, outHeight, outWidth, kernelHeight, kernelWidth };
}

export function convTransposeGeometry(call: Operands): ConvolutionGeometry {
  const frame = readFrame(call);
  const [inChannels = 0, perGroup = 0, kernelHeight = 0, kernelWidth = 0] = frame.weights;
  const { padTop, padBottom, padLeft, padRight } = frame;
  requireThat(inChannels === frame.inChannels, "weights do not fit the input channels");
  requireThat(inChannels % frame.groups === 0, "input channels are not a multiple of group");
  const [extraY = 0, extraX = 0] = call.attributes.numbers("output_padding");
  const fullY = (frame.inHeight - 1) * frame.strideY + frame.dilationY * (kernelHeight - 1) + 1;
  const fullX = (frame.inWidth - 1) * frame.strideX + frame.dilationX * (kernelWidth - 1) + 1;
  const outHeight = fullY + extraY - padTop - padBottom;
  const outWidth = fullX + extraX - padLeft - padRight;
  requireThat(outHeight > 0 && outWidth > 0, "padding removes the whole output");
  const outChannels = perGroup * frame.groups;
  return { ...frame, outChannels, outHeight, outWidth, kernelHeight, kernelWidth };
}

function readFrame(call: Operands) {
  const x = shapeOf(call.inputs[0], "input");
  const weights = shapeOf(call.inputs[1], "weights");
  const [strideY = 0, strideX = 0] = pair(call.attributes, "strides");
  const [dilationY = 0, dilationX = 0] = pair(call.attributes, "dilations");
  const pads = call.attributes.numbers("pads");
  requireThat(pads.length === 4, "pads must be top, left, bottom, right");
  const [padTop = 0, padLeft = 0, padBottom = 0, padRight = 0] = pads;
  const groups = call.attributes.number("group");
  requireThat(Number.isInteger(groups) && groups > 0, "group must be positive");
  const [batch = 0, inChannels = 0, inHeight = 0, inWidth = 0] = x;
  const image = { batch, inChannels, inHeight, inWidth, weights, groups };
  const steps = { strideY, strideX, dilationY, dilationX };
  return { ...image, ...steps, padTop, padLeft, padBottom, padRight };
}

function shapeOf(operand: TensorType | Tensor | undefined, what: string): readonly number[] {
  if (operand === undefined) return reject(`${what} is missing`);
  const shape = "type" in operand ? operand.type.shape : operand.shape;
  requireThat(shape.length === 4, `${what} must have 4 dimensions, not ${shape.length}`);
  return shape;
}

function pair(attributes: AttributeReader, name: string): readonly number[] {
  const values = attributes.numbers(name);
  requireThat(values.length === 2 && values.every((value) => value >= 1), `${name} must be two`);
  return values;
}

function inferConvolution(
  call: InferenceCall,
  geometryOf: (call: Operands) => ConvolutionGeometry,
): readonly TensorType[] {
  const geometry = geometryOf(call);
  const { dtype } = inputType(call, 0);
  requireThat(inputType(call, 1).dtype === dtype, "input and weights differ in type");
  const bias = call.inputs[2];
  if (bias !== undefined) {
    requireThat(bias.shape.length === 1, "bias must have one dimension");
    requireThat(bias.shape[0] === geometry.outChannels, "bias must have one value a channel");
    requireThat(bias.dtype === (dtype === "i8" ? "i32" : dtype), "bias has the wrong type");
  }
  const { batch, outChannels, outHeight, outWidth } = geometry;
  return [{ dtype, shape: [batch, outChannels, outHeight, outWidth] }];
}

/** One element of the output. */
interface Position {
  readonly batch: number;
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

/** The window sum without bias: float64 for floats (rounded once at the end), int32 for int8. */
type WindowSum = (position: Position) => number;
type Taps = (call: EvaluationCall, geometry: ConvolutionGeometry, zeroPoint: number) => WindowSum;

function windowElement(
  call: EvaluationCall,
  geometry: ConvolutionGeometry,
  taps: Taps,
): ElementRule {
  const x = inputTensor(call, 0).type;
  const output = outputType(call);
  const bias = call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]);
  const [low, high] = [call.attributes.number("clamp_min"), call.attributes.number("clamp_max")];
  const { outChannels, outHeight, outWidth } = geometry;
  const plane = outHeight * outWidth;
  const quantized = x.dtype === "i8";
  const sum = taps(call, geometry, quantized ? encodingOf(x).zeroPoint : 0);
  const finish = quantized
    ? finishInt8(call, storedBounds(low, high, encodingOf(output)))
    : (total: number): number => min(max(fround(total), low), high);
  return (index) => {
    const channel = floor(index / plane) % outChannels;
    const batch = floor(index / (plane * outChannels));
    const y = floor((index % plane) / outWidth);
    const total = sum({ batch, channel, y, x: index % outWidth });
    return finish(total + (bias?.[channel] ?? 0), channel);
  };
}

function finishInt8(call: EvaluationCall, bounds: { low: number; high: number }) {
  const output = outputType(call);
  const [x, w] = [inputTensor(call, 0).type, inputTensor(call, 1).type];
  const multipliers = accumulatorMultipliers(x, w, output);
  const encoding = encodingOf(output);
  return (total: number, channel: number): number => {
    const multiplier = multipliers[multipliers.length === 1 ? 0 : channel] ?? 0;
    return clampTo(requantize(total | 0, multiplier, encoding), bounds);
  };
}

function convTaps(call: EvaluationCall, g: ConvolutionGeometry, zeroPoint: number): WindowSum {
  const x = numeric(inputTensor(call, 0));
  const w = numeric(inputTensor(call, 1));
  const perGroup = g.inChannels / g.groups;
  const outPerGroup = g.outChannels / g.groups;
  const { kernelWidth, dilationX, inWidth } = g;
  const rowSum = (row: number, left: number, tap: number): number => {
    let sum = 0;
    for (let kx = 0, column = left; kx < kernelWidth; kx++, column += dilationX) {
      const inside = column >= 0 && column < inWidth;
      if (inside) sum += ((x[row + column] ?? 0) - zeroPoint) * (w[tap + kx] ?? 0);
    }
    return sum;
  };
  return (at) => {
    const firstChannel = at.batch * g.inChannels + floor(at.channel / outPerGroup) * perGroup;
    const [top, left] = [at.y * g.strideY - g.padTop, at.x * g.strideX - g.padLeft];
    let tap = at.channel * perGroup * g.kernelHeight * kernelWidth;
    let sum = 0;
    for (let c = firstChannel; c < firstChannel + perGroup; c++) {
      for (let ky = 0; ky < g.kernelHeight; ky++, tap += kernelWidth) {
        const y = top + ky * g.dilationY;
        if (y >= 0 && y < g.inHeight) sum += rowSum((c * g.inHeight + y) * inWidth, left, tap);
      }
    }
    return sum;
  };
}

function transposeTaps(call: EvaluationCall, g: ConvolutionGeometry, zeroPoint: number): WindowSum {
  const x = numeric(inputTensor(call, 0));
  const w = numeric(inputTensor(call, 1));
  const perGroup = g.inChannels / g.groups;
  const outPerGroup = g.outChannels / g.groups;
  const kernel = g.kernelHeight * g.kernelWidth;
  return ({ batch, channel, y: outY, x: outX }) => {
    const firstChannel = floor(channel / outPerGroup) * perGroup;
    let sum = 0;
    for (let tap = 0; tap < kernel; tap++) {
      const y = (outY + g.padTop - floor(tap / g.kernelWidth) * g.dilationY) / g.strideY;
      const column = (outX + g.padLeft - (tap % g.kernelWidth) * g.dilationX) / g.strideX;
      const onGrid = Number.isInteger(y) && Number.isInteger(column);
      if (!onGrid || y < 0 || y >= g.inHeight || column < 0 || column >= g.inWidth) continue;
      for (let c = firstChannel; c < firstChannel + perGroup; c++) {
        const value = x[((batch * g.inChannels + c) * g.inHeight + y) * g.inWidth + column] ?? 0;
        const weight = w[(c * outPerGroup + (channel % outPerGroup)) * kernel + tap] ?? 0;
        sum += (value - zeroPoint) * weight;
      }
    }
    return sum;
  };
}
