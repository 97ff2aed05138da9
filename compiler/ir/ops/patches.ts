/** Windows whose taps move, columns put back as images, and determinants. */
import { product } from "../../../protocol/base/integers.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  requireThat,
  whole,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";
import { coordinatesOf } from "../walk.ts";
import { convGeometry } from "./convolution.ts";
import { WINDOW_ATTRIBUTES, windowAxes, withWindow } from "./window.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, floor } = Math;

export const PATCH_OPS = {
  deform_conv: {
    docs: "conv of images whose taps are displaced by offsets [N,2*taps*groups,H,W] and weighted by a mask; inputs x, w, offsets, bias, mask.",
    inputs: [3, 5],
    attributes: {
      ...WINDOW_ATTRIBUTES,
      group: numberAttribute(1),
      offset_groups: numberAttribute(1),
    },
    normal: (call) => {
      const [sizes, kernel] = [
        inputType(call, 0).shape.slice(2),
        inputType(call, 1).shape.slice(2),
      ];
      const groups = {
        group: call.attributes.number("group"),
        offset_groups: call.attributes.number("offset_groups"),
      };
      return withWindow(call.attributes, { sizes, kernel }, groups);
    },
    infer: (call) => {
      const { batch, outChannels, outHeight, outWidth } = convGeometry(call);
      return [
        { dtype: inputType(call, 0).dtype, shape: [batch, outChannels, outHeight, outWidth] },
      ];
    },
    evaluator: element(deformElement),
    quantized: "none",
  },
  col2im: {
    docs: "Columns [N,channels*block,places] added up where their windows lay in an image of `sizes`.",
    inputs: [1, 1],
    attributes: { ...WINDOW_ATTRIBUTES, sizes: numbersAttribute(), block: numbersAttribute() },
    infer: inferCol2im,
    evaluator: whole(evaluateCol2im),
    quantized: "none",
  },
  determinant: {
    docs: "The determinant of every matrix of x.",
    inputs: [1, 1],
    attributes: {},
    infer: (call) => {
      const { dtype, shape } = inputType(call, 0);
      requireThat(shape.length >= 2 && shape.at(-1) === shape.at(-2), "x must be square matrices");
      return [{ dtype, shape: shape.slice(0, -2) }];
    },
    evaluator: element((call) => {
      const x = numeric(inputTensor(call, 0));
      const size = inputTensor(call, 0).type.shape.at(-1) ?? 0;
      const matrix = (at: number) =>
        Float64Array.from(x.subarray(at * size * size, (at + 1) * size * size));
      return (index) => determinant(matrix(index), size);
    }),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function deformElement(call: EvaluationCall): ElementRule {
  const read = (at: number) =>
    call.inputs[at] === undefined ? undefined : numeric(inputTensor(call, at));
  const [x = [], w = [], offsets = [], bias, mask] = [read(0), read(1), read(2), read(3), read(4)];
  const g = convGeometry(call);
  const places = g.outHeight * g.outWidth;
  const taps = g.kernelHeight * g.kernelWidth;
  const perGroup = g.inChannels / g.groups;
  const outPerGroup = g.outChannels / g.groups;
  const offsetGroups = call.attributes.number("offset_groups");
  const perOffset = g.inChannels / offsetGroups;
  const sample = sampler(x, g.inHeight, g.inWidth);
  return (index) => {
    const [place, channel] = [index % places, floor(index / places) % g.outChannels];
    const batch = floor(index / (places * g.outChannels));
    const top = floor(place / g.outWidth) * g.strideY - g.padTop;
    const left = (place % g.outWidth) * g.strideX - g.padLeft;
    let sum = bias?.[channel] ?? 0;
    for (let at = 0; at < perGroup * taps; at++) {
      const [c, tap] = [floor(at / taps), at % taps];
      const source = floor(channel / outPerGroup) * perGroup + c;
      const moved = (batch * offsetGroups + floor(source / perOffset)) * taps + tap;
      const down = offsets[2 * moved * places + place] ?? 0;
      const along = offsets[(2 * moved + 1) * places + place] ?? 0;
      const y = top + floor(tap / g.kernelWidth) * g.dilationY + down;
      const column = left + (tap % g.kernelWidth) * g.dilationX + along;
      const plane = (batch * g.inChannels + source) * g.inHeight * g.inWidth;
      const weight =
        (w[channel * perGroup * taps + at] ?? 0) * (mask?.[moved * places + place] ?? 1);
      sum += weight * sample(plane, y, column);
    }
    return sum;
  };
}

/** Linear interpolation in a plane with zeros around it. */
function sampler(x: ArrayLike<number>, height: number, width: number) {
  const at = (plane: number, y: number, column: number): number =>
    y >= 0 && y < height && column >= 0 && column < width
      ? (x[plane + y * width + column] ?? 0)
      : 0;
  return (plane: number, y: number, column: number): number => {
    const [top, left] = [floor(y), floor(column)];
    const [down, along] = [y - top, column - left];
    const upper = at(plane, top, left) * (1 - along) + at(plane, top, left + 1) * along;
    const lower = at(plane, top + 1, left) * (1 - along) + at(plane, top + 1, left + 1) * along;
    return upper * (1 - down) + lower * down;
  };
}

function inferCol2im(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const [sizes, kernel] = [call.attributes.numbers("sizes"), call.attributes.numbers("block")];
  const places = product(windowAxes(call.attributes, { sizes, kernel }).map((axis) => axis.count));
  const channels = (shape[1] ?? 0) / product(kernel);
  const fits = shape.length === 3 && Number.isInteger(channels) && shape[2] === places;
  requireThat(fits, `[${shape}] does not hold ${places} columns of [${kernel}]`);
  return [{ dtype, shape: [shape[0] ?? 1, channels, ...sizes] }];
}

function evaluateCol2im(call: EvaluationCall): readonly Tensor[] {
  const x = numeric(inputTensor(call, 0));
  const type = outputType(call);
  const [sizes, kernel] = [call.attributes.numbers("sizes"), call.attributes.numbers("block")];
  const axes = windowAxes(call.attributes, { sizes, kernel });
  const counts = axes.map((axis) => axis.count);
  const [places, taps, plane] = [product(counts), product(kernel), product(sizes)];
  const result = new Float64Array(product(type.shape));
  const [place, tap]: [number[], number[]] = [[], []];
  for (let index = 0; index < x.length; index++) {
    coordinatesOf(counts, index % places, place);
    coordinatesOf(kernel, floor(index / places) % taps, tap);
    let at = 0;
    const inside = axes.every((axis, dim) => {
      const source =
        (place[dim] ?? 0) * axis.stride - axis.before + (tap[dim] ?? 0) * axis.dilation;
      at = at * axis.size + source;
      return source >= 0 && source < axis.size;
    });
    const to = floor(index / (places * taps)) * plane + at;
    if (inside) result[to] = (result[to] ?? 0) + (x[index] ?? 0);
  }
  return [tensorFrom(type, (index) => result[index] ?? 0)];
}

/** Gaussian elimination with the largest pivot of each column; changes the matrix. */
function determinant(m: Float64Array, size: number): number {
  const at = (row: number, column: number): number => m[row * size + column] ?? 0;
  let result = 1;
  for (let step = 0; step < size; step++) {
    let pivot = step;
    for (let row = step + 1; row < size; row++) {
      if (abs(at(row, step)) > abs(at(pivot, step))) pivot = row;
    }
    if (at(pivot, step) === 0) return 0;
    if (pivot !== step) {
      result = -result;
      const held = m.slice(step * size, (step + 1) * size);
      m.copyWithin(step * size, pivot * size, (pivot + 1) * size);
      m.set(held, pivot * size);
    }
    result *= at(step, step);
    for (let row = step + 1; row < size; row++) {
      const factor = at(row, step) / at(step, step);
      for (let column = step; column < size; column++) {
        m[row * size + column] = at(row, column) - factor * at(step, column);
      }
    }
  }
  return result;
}
