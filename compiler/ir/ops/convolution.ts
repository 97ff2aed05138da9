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
import {
  lifted,
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
import type { Reach, WindowAxis } from "./window.ts";

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
    evaluator: element((call) => convolutionElement(call, convolution(call))),
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
    evaluator: element((call) => convolutionElement(call, transposition(call))),
    quantized: "accumulate",
  },
} as const satisfies Record<string, Operator>;

interface Operands {
  readonly inputs: readonly (TensorType | Tensor | undefined)[];
  readonly attributes: AttributeReader;
}

/** A convolution over any spatial axes, and how it finds its weights and elements. */
export interface Convolution {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly axes: readonly WindowAxis[];
  readonly reach: (axis: WindowAxis) => readonly Reach[];
  /** Weights of one filter plane. */
  readonly taps: number;
  /** The first weight of an output channel, and the way to its next input channel's. */
  readonly firstWeight: (channel: number) => number;
  readonly weightStep: number;
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

/** Stored operands and what their zeros are stored as, per tensor or per output channel. */
export interface Factors {
  readonly x: ArrayLike<number>;
  readonly w: ArrayLike<number>;
  readonly zeroX: number;
  readonly zeroW: (channel: number) => number;
}

/** What each place of the output meets: positions in an input plane and in a filter plane. */
interface Meetings {
  readonly places: number;
  /** Room for so many meetings a place; `counts` says how many there are. */
  readonly room: number;
  readonly counts: Int32Array;
  readonly sources: Int32Array;
  readonly taps: Int32Array;
}

function meetingsOf(whole: Convolution): Meetings {
  const axes = lifted(whole.axes);
  const [z, y, x] = axes;
  const [deep = [], high = [], wide = []] = axes.map(whole.reach);
  const [places, room] = [z.count * y.count * x.count, whole.taps];
  const counts = new Int32Array(places);
  const [sources, taps] = [new Int32Array(places * room), new Int32Array(places * room)];
  for (let place = 0; place < places; place++) {
    const inward = deep[floor(place / (x.count * y.count))];
    const [down, across] = [high[floor(place / x.count) % y.count], wide[place % x.count]];
    if (!inward || !down || !across) continue;
    const lines = inward.taps.length * down.taps.length;
    let at = place * room;
    for (let each = 0; each < lines * across.taps.length; each++, at++) {
      const column = each % across.taps.length;
      const line = floor(each / across.taps.length);
      const [dz, dy] = [floor(line / down.taps.length), line % down.taps.length];
      const row = inward.sources[dz]! * y.size + down.sources[dy]!;
      sources[at] = row * x.size + across.sources[column]!;
      const tap = inward.taps[dz]! * y.kernel + down.taps[dy]!;
      taps[at] = tap * x.kernel + across.taps[column]!;
    }
    counts[place] = at - place * room;
  }
  return { places, room, counts, sources, taps };
}

/** The sum without bias of the output element at a row-major index; float64, exact for integers. */
export function windowSums(whole: Convolution, factors: Factors): (index: number) => number {
  const { x, w, zeroX, zeroW } = factors;
  const { places, room, counts, sources, taps } = meetingsOf(whole);
  const perGroup = whole.inChannels / whole.groups;
  const outPerGroup = whole.outChannels / whole.groups;
  const volume = product(whole.axes.map((axis) => axis.size));
  const { weightStep } = whole;
  return (index) => {
    const place = index % places;
    const channel = floor(index / places) % whole.outChannels;
    const batch = floor(index / (places * whole.outChannels));
    let from = (batch * whole.inChannels + floor(channel / outPerGroup) * perGroup) * volume;
    let weights = whole.firstWeight(channel);
    const shift = zeroW(channel);
    const [first, last] = [place * room, place * room + counts[place]!];
    let sum = 0;
    for (let c = 0; c < perGroup; c++, from += volume, weights += weightStep) {
      for (let at = first; at < last; at++) {
        sum += (x[from + sources[at]!]! - zeroX) * (w[weights + taps[at]!]! - shift);
      }
    }
    return sum;
  };
}

function convolutionElement(call: EvaluationCall, whole: Convolution): ElementRule {
  const x = inputTensor(call, 0);
  const output = outputType(call);
  const bias = call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]);
  const [low, high] = [call.attributes.number("clamp_min"), call.attributes.number("clamp_max")];
  const quantized = output.quantization !== undefined;
  const sums = windowSums(whole, {
    x: numeric(x),
    w: numeric(inputTensor(call, 1)),
    zeroX: quantized ? encodingOf(x.type).zeroPoint : 0,
    zeroW: () => 0,
  });
  const plane = product(whole.axes.map((axis) => axis.count));
  const ordered = orderedSums(call, whole, bias);
  const finish = quantized
    ? finishStored(call, storedBounds([low, high], encodingOf(output), activationOf(output)))
    : (total: number): number =>
        min(max(output.dtype === "f64" ? total : fround(total), low), high);
  return (index) => {
    const channel = floor(index / plane) % whole.outChannels;
    if (ordered !== undefined) return finish(ordered(index), channel);
    return finish(sums(index) + (bias?.[channel] ?? 0), channel);
  };
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
