/** conv and conv_transpose: sums over a window, per group, with an optional bias and clamp. */
import { product } from "../../../protocol/base/integers.ts";
import type { Attribute, Tensor, TensorType } from "../graph.ts";
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
import { floatConvolution } from "../float-sums.ts";
import type { FloatWindows } from "../float-sums.ts";
import { halfConvolution, halfTransposition } from "../half-sums.ts";
import { numeric } from "../tensor.ts";
import type { NumericArray } from "../tensor.ts";
import {
  briefly,
  perAxis,
  sharedPads,
  spelledOut,
  transposedReach,
  WINDOW_ATTRIBUTES,
  windowAxes,
  windowReach,
  withWindow,
} from "./window.ts";
import type { WindowAxis } from "./window.ts";
import { allWindowSums, windowSums } from "./window-sums.ts";
import type { Convolution, Factors } from "./window-sums.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, max, min } = Math;

/** A convolution of images in numbers; sizes in elements. Weights are [out, in/groups, kernel height, width]. */
export interface ConvolutionGeometry extends FloatWindows {
  readonly batch: number;
  readonly padBottom: number;
  readonly padRight: number;
}

export const CLAMP_ATTRIBUTES = {
  clamp_min: numberAttribute(-Infinity),
  clamp_max: numberAttribute(Infinity),
};

const ATTRIBUTES = { ...WINDOW_ATTRIBUTES, group: numberAttribute(1), ...CLAMP_ATTRIBUTES };

export const CONVOLUTION_OPS = {
  conv: {
    docs: "Cross-correlation of x [N,C,...] with w [O,C/group,...] over one to three axes, plus bias [O], clamped.",
    inputs: [2, 3],
    attributes: ATTRIBUTES,
    normal: normalConvolution,
    infer: (call) => inferConvolution(call, convolution(call)),
    evaluator: element(
      (call) => convolutionElement(call, convolution(call)),
      (call) => convolutionElements(call, convolution(call)),
    ),
    quantized: "accumulate",
  },
  conv_transpose: {
    docs: "The transpose of conv: x [N,C,...] spread by w [C,O/group,...], plus bias [O], clamped.",
    inputs: [2, 3],
    attributes: {
      ...ATTRIBUTES,
      output_padding: numbersAttribute([]),
      /** Where given, pads follow from it. */
      output_shape: numbersAttribute([]),
    },
    normal: normalTranspose,
    infer: (call) => inferConvolution(call, transposition(call)),
    evaluator: element(
      (call) => convolutionElement(call, transposition(call)),
      (call) => convolutionElements(call, transposition(call)),
    ),
    quantized: "accumulate",
  },
} as const satisfies Record<string, Operator>;

interface Operands {
  readonly inputs: readonly (TensorType | Tensor | undefined)[];
  readonly attributes: AttributeReader;
}

export function convolution(call: Operands): Convolution {
  const [x, w] = [shapeOf(call.inputs[0], "input"), shapeOf(call.inputs[1], "weights")];
  const [batch = 0, inChannels = 0, ...sizes] = x;
  const [outChannels = 0, perGroup = 0, ...kernel] = w;
  const groups = groupsOf(call.attributes);
  requireThat(perGroup * groups === inChannels, "weights do not fit the input channels");
  requireThat(outChannels % groups === 0, "output channels are not a multiple of group");
  const axes = windowAxes(call.attributes, { sizes, kernel });
  const taps = product(kernel);
  const firstWeight = (channel: number) => channel * perGroup * taps;
  const frame = { batch, inChannels, outChannels, groups, axes, taps };
  return { ...frame, reach: windowReach, firstWeight, weightStep: taps };
}

function transposition(call: Operands): Convolution {
  const [x, w] = [shapeOf(call.inputs[0], "input"), shapeOf(call.inputs[1], "weights")];
  const [batch = 0, inChannels = 0, ...sizes] = x;
  const [wChannels = 0, perGroup = 0, ...kernel] = w;
  const groups = groupsOf(call.attributes);
  requireThat(wChannels === inChannels, "weights do not fit the input channels");
  requireThat(inChannels % groups === 0, "input channels are not a multiple of group");
  const axes = spreadAxes(call.attributes, sizes, kernel);
  const taps = product(kernel);
  const inPerGroup = inChannels / groups;
  const firstWeight = (channel: number) =>
    (floor(channel / perGroup) * inPerGroup * perGroup + (channel % perGroup)) * taps;
  const frame = { batch, inChannels, outChannels: perGroup * groups, groups, axes, taps };
  return { ...frame, reach: transposedReach, firstWeight, weightStep: perGroup * taps };
}

function spreadAxes(
  attributes: AttributeReader,
  sizes: readonly number[],
  kernel: readonly number[],
): readonly WindowAxis[] {
  const rank = sizes.length;
  const { strides, dilations, pads } = spelledOut(attributes, { sizes, kernel });
  const extra = perAxis(attributes, "output_padding", { count: rank, value: 0 });
  requireThat(
    [...strides, ...dilations].every((step) => step >= 1),
    "steps must be positive",
  );
  return sizes.map((size, axis): WindowAxis => {
    const [stride, dilation] = [strides[axis] ?? 1, dilations[axis] ?? 1];
    const taps = kernel[axis] ?? 1;
    const [before = 0, after = 0] = [pads[axis], pads[axis + rank]];
    const full = (size - 1) * stride + dilation * (taps - 1) + 1;
    const count = full + (extra[axis] ?? 0) - before - after;
    requireThat(count > 0, "padding removes the whole output");
    return { size, kernel: taps, stride, dilation, before, after, count };
  });
}

function groupsOf(attributes: AttributeReader): number {
  const groups = attributes.number("group");
  requireThat(Number.isInteger(groups) && groups > 0, "group must be positive");
  return groups;
}

function shapeOf(operand: TensorType | Tensor | undefined, what: string): readonly number[] {
  if (operand === undefined) return reject(`${what} is missing`);
  const shape = "type" in operand ? operand.type.shape : operand.shape;
  const fits = shape.length >= 3 && shape.length <= 5;
  requireThat(fits, `${what} must have 3 to 5 dimensions, not ${shape.length}`);
  return shape;
}

function plainAttributes(call: InferenceCall): Record<string, Attribute> {
  const { attributes } = call;
  const clamp = {
    clamp_min: attributes.number("clamp_min"),
    clamp_max: attributes.number("clamp_max"),
  };
  return { group: attributes.number("group"), ...clamp };
}

function normalConvolution(call: InferenceCall): Record<string, Attribute> {
  const [sizes, kernel] = [inputType(call, 0).shape.slice(2), inputType(call, 1).shape.slice(2)];
  return withWindow(call.attributes, { sizes, kernel }, plainAttributes(call));
}

/** The wanted size decides the pads; same_* means as many places as elements times stride. */
function normalTranspose(call: InferenceCall): Record<string, Attribute> {
  const { attributes } = call;
  const [sizes, kernel] = [inputType(call, 0).shape.slice(2), inputType(call, 1).shape.slice(2)];
  const count = sizes.length;
  const mode = attributes.text("auto_pad");
  const given = attributes.numbers("output_shape").slice(-count);
  const output_padding = perAxis(attributes, "output_padding", { count, value: 0 });
  const rest = { ...plainAttributes(call), ...briefly({ output_padding }) };
  const same = mode === "same_upper" || mode === "same_lower";
  if (given.length === 0 && !same) return withWindow(attributes, { sizes, kernel }, rest);
  const strides = perAxis(attributes, "strides", { count, value: 1 });
  const dilations = perAxis(attributes, "dilations", { count, value: 1 });
  const totals = sizes.map((size, axis) => {
    const [stride, taps] = [strides[axis] ?? 1, kernel[axis] ?? 1];
    const full = (size - 1) * stride + (dilations[axis] ?? 1) * (taps - 1) + 1;
    return full + (output_padding[axis] ?? 0) - (given[axis] ?? size * stride);
  });
  const split = totals.map((total) => max(0, total));
  const grown = totals.map((total, axis) => (output_padding[axis] ?? 0) + max(0, -total));
  const pads = sharedPads(split, same ? mode : "same_upper");
  const lists = briefly({ strides, dilations, pads, output_padding: grown });
  return { ...rest, ...lists };
}

export function convGeometry(call: Operands): ConvolutionGeometry {
  return imageGeometry(convolution(call));
}

export function convTransposeGeometry(call: Operands): ConvolutionGeometry {
  return imageGeometry(transposition(call));
}

function imageGeometry(whole: Convolution): ConvolutionGeometry {
  const { batch, inChannels, outChannels, groups } = whole;
  const [y, x, ...more] = whole.axes;
  if (y === undefined || x === undefined || more.length > 0) {
    return reject(`an image has 2 spatial dimensions, not ${whole.axes.length}`);
  }
  return {
    ...{ batch, inChannels, outChannels, groups },
    ...{ inHeight: y.size, inWidth: x.size, outHeight: y.count, outWidth: x.count },
    ...{ kernelHeight: y.kernel, kernelWidth: x.kernel, strideY: y.stride, strideX: x.stride },
    ...{ dilationY: y.dilation, dilationX: x.dilation, padTop: y.before, padLeft: x.before },
    ...{ padBottom: y.after, padRight: x.after },
  };
}

function inferConvolution(call: InferenceCall, whole: Convolution): readonly TensorType[] {
  const { dtype } = inputType(call, 0);
  const weights = inputType(call, 1).dtype;
  requireThat(weights === weightTypeOf(dtype), "input and weights differ in type");
  const bias = call.inputs[2];
  if (bias !== undefined) {
    requireThat(bias.shape.length === 1, "bias must have one dimension");
    requireThat(bias.shape[0] === whole.outChannels, "bias must have one value a channel");
    requireThat(bias.dtype === biasTypeOf(dtype), "bias has the wrong type");
  }
  return [{ dtype, shape: convolvedShape(whole) }];
}

export function convolvedShape({ batch, outChannels, axes }: Convolution): readonly number[] {
  return [batch, outChannels, ...axes.map((axis) => axis.count)];
}

function convolutionElement(call: EvaluationCall, whole: Convolution): ElementRule {
  const bias = biasOf(call);
  const ordered = orderedSums(call, whole, bias);
  if (ordered !== undefined) return finished(call, whole, ordered);
  const sums = windowSums(whole, factorsOf(call));
  const plane = product(whole.axes.map((axis) => axis.count));
  const channelOf = (index: number): number => floor(index / plane) % whole.outChannels;
  return finished(call, whole, (index) => sums(index) + (bias?.[channelOf(index)] ?? 0));
}

/** The same for all elements: stored numbers, and images whose sums run along rows. The others keep their rule. */
function convolutionElements(call: EvaluationCall, whole: Convolution): ElementRule {
  const isStored = outputType(call).quantization !== undefined;
  const { dtype } = inputTensor(call, 0).type;
  const isDepthwise = whole.groups > 1 && whole.groups === whole.inChannels;
  const isFloat = dtype === "f32" && whole.reach === windowReach && !isDepthwise;
  const isOrdered = whole.axes.length === 2 && (dtype === "f16" || isFloat);
  if (!isStored && !isOrdered) return convolutionElement(call, whole);
  const arithmetic = isStored ? "exact" : "float32";
  const sums = allWindowSums(whole, factorsOf(call), { arithmetic, bias: biasOf(call) });
  return finished(call, whole, (index) => sums[index] ?? 0);
}

function biasOf(call: EvaluationCall): NumericArray | undefined {
  return call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]);
}

function factorsOf(call: EvaluationCall): Factors {
  const [x, w] = [inputTensor(call, 0), inputTensor(call, 1)];
  const isStored = outputType(call).quantization !== undefined;
  const zeroX = isStored ? encodingOf(x.type).zeroPoint : 0;
  return { x: numeric(x), w: numeric(w), zeroX, zeroW: () => 0 };
}

/** Sums with their bias as elements of the output. */
function finished(call: EvaluationCall, whole: Convolution, sums: ElementRule): ElementRule {
  const output = outputType(call);
  const [low, high] = [call.attributes.number("clamp_min"), call.attributes.number("clamp_max")];
  if (output.quantization === undefined) {
    const round = output.dtype === "f64" ? (total: number) => total : fround;
    return (index) => min(max(round(sums(index)), low), high);
  }
  const bounds = storedBounds([low, high], encodingOf(output), activationOf(output));
  const finish = finishStored(call, bounds);
  const plane = product(whole.axes.map((axis) => axis.count));
  return (index) => finish(sums(index), floor(index / plane) % whole.outChannels);
}

/** Images of fp16 and float32: the order of the sum is part of its meaning. */
function orderedSums(
  call: EvaluationCall,
  whole: Convolution,
  bias: ArrayLike<number> | undefined,
): ElementRule | undefined {
  const [x, w] = [inputTensor(call, 0), inputTensor(call, 1)];
  const { dtype, shape } = x.type;
  if (shape.length !== 4 || (dtype !== "f16" && dtype !== "f32")) return undefined;
  const operands = { x: numeric(x), w: numeric(w), bias };
  const from = { inputs: [x, w], attributes: call.attributes };
  const isWindow = whole.reach === windowReach;
  if (dtype === "f32") {
    return isWindow ? floatConvolution(convGeometry(from), operands) : undefined;
  }
  return isWindow
    ? halfConvolution(convGeometry(from), operands)
    : halfTransposition(convTransposeGeometry(from), operands);
}

function finishStored(call: EvaluationCall, bounds: { low: number; high: number }) {
  const output = outputType(call);
  const [x, w] = [inputTensor(call, 0).type, inputTensor(call, 1).type];
  const multipliers = accumulatorMultipliers(x, w, output);
  const encoding = encodingOf(output);
  // int16 activations have int64 sums.
  const isNarrow = x.dtype === "i8";
  return (total: number, channel: number): number => {
    const multiplier = multipliers[multipliers.length === 1 ? 0 : channel] ?? 0;
    const sum = isNarrow ? total | 0 : total;
    return clampTo(requantize(sum, multiplier, encoding), bounds);
  };
}
