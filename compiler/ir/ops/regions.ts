/** Operators that cut a region out of a tensor or lay a border around it. */
import type { Attribute, TensorType } from "../graph.ts";
import { activationOf, encodingOf, quantizeValue } from "../int8.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  requireThat,
  stored,
  textAttribute,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { storedFrom, stridesOf } from "../tensor.ts";
import { axesWithin, coordinatesOf, stridedIndex } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

export const REGION_OPS = {
  slice: {
    docs: "Elements starts, starts + steps, … before ends along the axes (all when empty); ends beyond an axis are drawn in.",
    inputs: [1, 1],
    attributes: {
      starts: numbersAttribute(),
      ends: numbersAttribute(),
      steps: numbersAttribute([]),
      axes: numbersAttribute([]),
    },
    normal: normalSlice,
    infer: inferSlice,
    evaluator: stored(sliceStored),
    quantized: "movement",
  },
  pad: {
    docs: "x with `before` and `after` more elements per axis (or both in `pads` for some axes): value, the edge, a reflection or a repetition.",
    inputs: [1, 2],
    attributes: {
      before: numbersAttribute([]),
      after: numbersAttribute([]),
      pads: numbersAttribute([]),
      axes: numbersAttribute([]),
      mode: textAttribute("constant"),
      value: numberAttribute(0),
    },
    normal: normalPad,
    infer: inferPad,
    evaluator: stored(padStored),
    quantized: "movement",
  },
  center_crop_pad: {
    docs: "The middle of x cut, or zeros laid around it, to the sizes along the axes (the first ones when empty).",
    inputs: [1, 1],
    attributes: { sizes: numbersAttribute(), axes: numbersAttribute([]) },
    infer: inferCrop,
    evaluator: stored(cropStored),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

/** One triple an axis of x, starts and ends inside it; a backward slice may end before element 0. */
function normalSlice(call: InferenceCall): Record<string, Attribute> {
  const { shape } = inputType(call, 0);
  const read = (name: string) => call.attributes.numbers(name);
  const [from, to, by] = [read("starts"), read("ends"), read("steps")];
  const given = read("axes").length === 0 ? [...from.keys()] : read("axes");
  const axes = axesWithin(given, shape.length);
  const even = to.length === from.length && axes.length === from.length;
  requireThat(even && (by.length === 0 || by.length === from.length), "one triple per axis");
  const [starts, ends, steps] = [shape.map(() => 0), [...shape], shape.map(() => 1)];
  for (const [index, axis] of axes.entries()) {
    const step = by[index] ?? 1;
    requireThat(step !== 0, "steps must not be zero");
    const cut = { size: shape[axis] ?? 0, start: from[index] ?? 0, end: to[index] ?? 0 };
    [starts[axis], ends[axis]] = clippedCut(cut, step);
    steps[axis] = step;
  }
  return { starts, ends, steps };
}

interface Cut {
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

function clippedCut({ size, start, end }: Cut, step: number): readonly [number, number] {
  const counted = (value: number): number => (value < 0 ? value + size : value);
  const limit = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
  if (step > 0) {
    const first = limit(counted(start), 0, size);
    return [first, Math.max(first, limit(counted(end), 0, size))];
  }
  const first = limit(counted(start), 0, Math.max(size - 1, 0));
  // Before element 0 is -1 - size: counted from the end it stays outside.
  const last = limit(counted(end), -1, size - 1);
  return [first, last < 0 ? -1 - size : Math.min(first, last)];
}

function inferSlice(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const read = (name: string) => call.attributes.numbers(name);
  const [starts, ends, steps] = [read("starts"), read("ends"), read("steps")];
  const counts = [starts.length, ends.length, steps.length];
  const even = counts.every((count) => count === shape.length);
  requireThat(even, "one triple per axis");
  const sizes = shape.map((_, axis) => {
    const [start = 0, end = 0, step = 1] = [starts[axis], ends[axis], steps[axis]];
    return Math.max(0, Math.ceil((Math.max(end, -1) - start) / step));
  });
  return [{ dtype, shape: sizes }];
}

function sliceStored(call: EvaluationCall): StoredRule {
  const x = inputTensor(call, 0).data;
  const strides = stridesOf(inputTensor(call, 0).type.shape);
  const [starts, steps] = [call.attributes.numbers("starts"), call.attributes.numbers("steps")];
  const first = strides.reduce((sum, stride, axis) => sum + stride * (starts[axis] ?? 0), 0);
  const strided = strides.map((stride, axis) => stride * (steps[axis] ?? 1));
  const indexOf = stridedIndex(outputType(call).shape, strided, first);
  return (index) => x[indexOf(index)] ?? 0;
}

function normalPad(call: InferenceCall): Record<string, Attribute> {
  const { attributes } = call;
  const rank = inputType(call, 0).shape.length;
  const rules = { mode: attributes.text("mode"), value: attributes.number("value") };
  const pads = attributes.numbers("pads");
  const pairs = { before: attributes.numbers("before"), after: attributes.numbers("after") };
  if (pads.length === 0 && pairs.before.length > 0) return { ...pairs, ...rules };
  const given = attributes.numbers("axes");
  const all = given.length === 0 && pads.length > 0;
  const axes = axesWithin(all ? Array.from({ length: rank }, (_, axis) => axis) : given, rank);
  requireThat(pads.length === 2 * axes.length, "pads must be two counts an axis");
  const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  for (const [index, axis] of axes.entries()) {
    before[axis] = pads[index] ?? 0;
    after[axis] = pads[index + axes.length] ?? 0;
  }
  return { before, after, ...rules };
}

function inferPad(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const [before, after] = [call.attributes.numbers("before"), call.attributes.numbers("after")];
  requireThat(before.length === shape.length && after.length === shape.length, "a pair per axis");
  const mode = call.attributes.text("mode");
  requireThat(["constant", "edge", "reflect", "wrap"].includes(mode), `unknown mode ${mode}`);
  const sizes = shape.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0));
  const whole = sizes.every((size) => Number.isInteger(size) && size >= 0);
  requireThat(whole, "padding removes more than there is");
  return [{ dtype, shape: sizes }];
}

function padStored(call: EvaluationCall): StoredRule {
  const { type } = inputTensor(call, 0);
  const x = inputTensor(call, 0).data;
  const strides = stridesOf(type.shape);
  const before = call.attributes.numbers("before");
  const mode = call.attributes.text("mode");
  const value = call.attributes.number("value");
  const encoded = type.dtype === "i8" && type.quantization !== undefined;
  const usual = encoded
    ? quantizeValue(value, encodingOf(type), activationOf(type))
    : storedFrom(type.dtype)(value);
  const named = call.inputs[1] === undefined ? undefined : call.inputs[1].data[0];
  const fill = named ?? usual;
  const out = outputType(call).shape;
  return (index) => {
    let [rest, offset] = [index, 0];
    for (let axis = out.length - 1; axis >= 0; axis--) {
      const size = type.shape[axis] ?? 1;
      const at = sourceOf((rest % (out[axis] ?? 1)) - (before[axis] ?? 0), size, mode);
      if (at < 0) return fill;
      offset += at * (strides[axis] ?? 0);
      rest = floor(rest / (out[axis] ?? 1));
    }
    return x[offset] ?? 0;
  };
}

/** The position inside that a padded one takes its element from, or -1 for the fill value. */
function sourceOf(at: number, size: number, mode: string): number {
  if (at >= 0 && at < size) return at;
  if (mode === "constant") return -1;
  if (mode === "edge") return at < 0 ? 0 : size - 1;
  if (mode === "wrap") return ((at % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((at % period) + period) % period;
  return folded < size ? folded : period - folded;
}

function inferCrop(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const sizes = call.attributes.numbers("sizes");
  const named = call.attributes.numbers("axes");
  const axes = axesWithin(named.length === 0 ? [...sizes.keys()] : named, shape.length);
  requireThat(axes.length === sizes.length, "one size per axis");
  const out = [...shape];
  for (const [at, axis] of axes.entries()) out[axis] = sizes[at] ?? 0;
  return [{ dtype, shape: out }];
}

/** An odd rest lies at the end, of what is cut as of what is laid around. */
function cropStored(call: EvaluationCall): StoredRule {
  const { type, data } = inputTensor(call, 0);
  const out = outputType(call).shape;
  const strides = stridesOf(type.shape);
  const starts = type.shape.map((size, axis) => {
    const wanted = out[axis] ?? 0;
    return wanted <= size ? floor((size - wanted) / 2) : -floor((wanted - size) / 2);
  });
  const zero = storedFrom(type.dtype)(0);
  const at: number[] = [];
  return (index) => {
    coordinatesOf(out, index, at);
    let offset = 0;
    for (let axis = 0; axis < out.length; axis++) {
      const source = (at[axis] ?? 0) + (starts[axis] ?? 0);
      if (source < 0 || source >= (type.shape[axis] ?? 0)) return zero;
      offset += source * (strides[axis] ?? 0);
    }
    return data[offset] ?? 0;
  };
}
