/** Reading images at computed places: sampling grids, regions of interest, displaced windows. */
import { product } from "../../../protocol/base/integers.ts";
import type { TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  requireThat,
  textAttribute,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { roundHalfEven } from "../../../protocol/base/math.ts";
import { numeric, stridesOf } from "../tensor.ts";
import { coordinatesOf } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, ceil, floor, max, min } = Math;

export const SAMPLING_OPS = {
  grid_sample: {
    docs: "x [N,C,...] read at the places of the grid [N,...,axes], which run from -1 to 1, last axis first.",
    inputs: [2, 2],
    attributes: {
      /** linear, nearest or cubic. */
      mode: textAttribute("linear"),
      /** What lies outside: zeros, border or reflection. */
      padding: textAttribute("zeros"),
      align_corners: numberAttribute(0),
    },
    infer: inferGrid,
    evaluator: element(gridElement),
    quantized: "none",
  },
  affine_grid: {
    docs: "The sampling grid [N,...,axes] of affine maps theta [N,axes,axes+1] over an image of `sizes` [N,C,...].",
    inputs: [1, 1],
    attributes: { sizes: numbersAttribute(), align_corners: numberAttribute(0) },
    infer: (call) => {
      const sizes = call.attributes.numbers("sizes");
      requireThat(
        sizes.length === 4 || sizes.length === 5,
        "sizes are those of an image or volume",
      );
      const [batch = 1, , ...spatial] = sizes;
      const { dtype } = inputType(call, 0);
      return [{ dtype, shape: [batch, ...spatial, spatial.length] }];
    },
    evaluator: element(affineElement),
    quantized: "none",
  },
  roi_align: {
    docs: "The mean or largest of samples of x [N,C,H,W] in the cells of every box (x1,y1,x2,y2) of its batch index.",
    inputs: [3, 3],
    attributes: {
      height: numberAttribute(1),
      width: numberAttribute(1),
      scale: numberAttribute(1),
      /** Samples along each side of a cell; 0: as many as it has elements. */
      ratio: numberAttribute(0),
      mode: textAttribute("avg"),
      /** half_pixel or output_half_pixel. */
      coordinates: textAttribute("half_pixel"),
    },
    infer: (call) => {
      const { dtype, shape } = inputType(call, 0);
      const [boxes = 0] = inputType(call, 1).shape;
      const cells = [call.attributes.number("height"), call.attributes.number("width")];
      return [{ dtype, shape: [boxes, shape[1] ?? 1, ...cells] }];
    },
    evaluator: element(roiElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function inferGrid(call: InferenceCall): readonly TensorType[] {
  const [x, grid] = [inputType(call, 0), inputType(call, 1)];
  const axes = x.shape.length - 2;
  const fits = grid.shape.length === x.shape.length && grid.shape.at(-1) === axes;
  requireThat(axes >= 1 && fits, `the grid must have ${axes} coordinates a place`);
  return [{ dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)] }];
}

/** Taps along one axis: places (which may lie outside) and weights. */
type Tap = readonly [place: number, weight: number];

function gridElement(call: EvaluationCall): ElementRule {
  const [x, grid] = [inputTensor(call, 0), numeric(inputTensor(call, 1))];
  const values = numeric(x);
  const spatial = x.type.shape.slice(2);
  const strides = stridesOf(spatial);
  const places = product(outputType(call).shape.slice(2));
  const channels = x.type.shape[1] ?? 1;
  const { attributes } = call;
  const [mode, padding] = [attributes.text("mode"), attributes.text("padding")];
  const aligned = attributes.number("align_corners") !== 0;
  const inside = (place: number, size: number): number => {
    if (place >= 0 && place < size) return place;
    if (padding === "border") return min(max(place, 0), size - 1);
    return padding === "reflection" ? reflected(place, size, aligned) : -1;
  };
  return (index) => {
    const plane = floor(index / places);
    const from = (floor(plane / channels) * places + (index % places)) * spatial.length;
    const sum = (axis: number, offset: number): number => {
      if (axis === spatial.length) return values[plane * product(spatial) + offset] ?? 0;
      const size = spatial[axis] ?? 1;
      const given = grid[from + spatial.length - 1 - axis] ?? 0;
      const place = aligned ? ((given + 1) / 2) * (size - 1) : ((given + 1) * size - 1) / 2;
      let total = 0;
      for (const [tap, weight] of gridTaps(mode, bounded(place, size))) {
        const at = inside(tap, size);
        if (at >= 0) total += weight * sum(axis + 1, offset + at * (strides[axis] ?? 1));
      }
      return total;
    };
    return sum(0, 0);
  };
  function bounded(place: number, size: number): number {
    if (mode === "cubic" || padding === "zeros") return place;
    return padding === "border" ? min(max(place, 0), size - 1) : reflected(place, size, aligned);
  }
}

function gridTaps(mode: string, place: number): readonly Tap[] {
  if (mode === "nearest") return [[roundHalfEven(place), 1]];
  const first = floor(place);
  const rest = place - first;
  if (mode === "linear") {
    return [
      [first, 1 - rest],
      [first + 1, rest],
    ];
  }
  return [-1, 0, 1, 2].map((tap): Tap => [first + tap, cubicWeight(abs(tap - rest))]);
}

function cubicWeight(far: number): number {
  const a = -0.75;
  if (far <= 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
  return far < 2 ? ((a * far - 5 * a) * far + 8 * a) * far - 4 * a : 0;
}

/** A place folded back at the middles of the outer elements (aligned) or at their outer edges. */
function reflected(place: number, size: number, aligned: boolean): number {
  const [low, high] = aligned ? [0, size - 1] : [-0.5, size - 0.5];
  const span = high - low;
  if (span === 0) return 0;
  const beyond = abs(place - low);
  const rest = beyond - floor(beyond / span) * span;
  const folded = floor(beyond / span) % 2 === 0 ? low + rest : high - rest;
  return min(max(folded, 0), size - 1);
}

function affineElement(call: EvaluationCall): ElementRule {
  const theta = numeric(inputTensor(call, 0));
  const { shape } = outputType(call);
  const axes = shape.at(-1) ?? 2;
  const aligned = call.attributes.number("align_corners") !== 0;
  const at: number[] = [];
  return (index) => {
    coordinatesOf(shape, index, at);
    const row = ((at[0] ?? 0) * axes + (at[axes + 1] ?? 0)) * (axes + 1);
    let sum = theta[row + axes] ?? 0;
    for (let axis = 0; axis < axes; axis++) {
      const [size, place] = [shape[axes - axis] ?? 1, at[axes - axis] ?? 0];
      const step = aligned ? (2 * place) / max(size - 1, 1) : (2 * place + 1) / size;
      sum += (theta[row + axis] ?? 0) * (step - 1);
    }
    return sum;
  };
}

function roiElement(call: EvaluationCall): ElementRule {
  const [x, boxes, batches] = [0, 1, 2].map((at) => numeric(inputTensor(call, at)));
  const [, channels = 1, height = 1, width = 1] = inputTensor(call, 0).type.shape;
  const { attributes } = call;
  const [rows, columns] = [attributes.number("height"), attributes.number("width")];
  const [scale, ratio] = [attributes.number("scale"), attributes.number("ratio")];
  const half = attributes.text("coordinates") === "half_pixel";
  const largest = attributes.text("mode") === "max";
  const read = readerOf(x ?? [], height, width);
  return (index) => {
    const [column, row] = [index % columns, floor(index / columns) % rows];
    const channel = floor(index / (rows * columns)) % channels;
    const box = floor(index / (rows * columns * channels));
    const edge = (at: number) => (boxes?.[box * 4 + at] ?? 0) * scale - (half ? 0.5 : 0);
    const [left, top] = [edge(0), edge(1)];
    const least = half ? -Infinity : 1;
    const [wide, high] = [max(edge(2) - left, least), max(edge(3) - top, least)];
    const [cellHigh, cellWide] = [high / rows, wide / columns];
    const [down, along] = ratio > 0 ? [ratio, ratio] : [ceil(cellHigh), ceil(cellWide)];
    const plane = ((batches?.[box] ?? 0) * channels + channel) * height * width;
    let [total, best] = [0, -Infinity];
    for (let sample = 0; sample < down * along; sample++) {
      const y = top + (row + (floor(sample / along) + 0.5) / down) * cellHigh;
      const across = left + (column + ((sample % along) + 0.5) / along) * cellWide;
      const parts = read(plane, y, across);
      total += parts.reduce((sum, part) => sum + part, 0);
      best = max(best, ...parts);
    }
    return largest ? best : total / max(1, down * along);
  };
}

/** The four weighted neighbours of a place; zeros where it lies more than one element outside. */
function readerOf(x: ArrayLike<number>, height: number, width: number) {
  return (plane: number, y: number, column: number): readonly number[] => {
    if (y < -1 || y > height || column < -1 || column > width) return [0, 0, 0, 0];
    const [down, along] = [max(y, 0), max(column, 0)];
    const [top, left] = [min(floor(down), height - 1), min(floor(along), width - 1)];
    const [bottom, right] = [min(top + 1, height - 1), min(left + 1, width - 1)];
    const [below, beside] = [
      top === height - 1 ? 0 : down - top,
      left === width - 1 ? 0 : along - left,
    ];
    const at = (r: number, c: number): number => x[plane + r * width + c] ?? 0;
    return [
      at(top, left) * (1 - below) * (1 - beside),
      at(top, right) * (1 - below) * beside,
      at(bottom, left) * below * (1 - beside),
      at(bottom, right) * below * beside,
    ];
  };
}
