/** Fourier transforms and what comes before and after them: windows and mel weights. */
import * as math from "../../../protocol/base/math.ts";
import type { DType, Tensor, TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  reject,
  requireThat,
  textAttribute,
  whole,
} from "../operator.ts";
import type {
  AttributeReader,
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";
import { axisWithin, lanesAlong } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, max } = Math;

const TO = { to: textAttribute("f32") };

export const SIGNAL_OPS = {
  dft: {
    docs: "The Fourier transform along the axis of x, whose last axis holds one real or two complex parts; cut or padded to `length`. Inverse, or the first half alone (read back by an inverse), on request.",
    inputs: [1, 1],
    attributes: {
      /** 0: as long as the axis. */
      length: numberAttribute(0),
      axis: numberAttribute(-2),
      inverse: numberAttribute(0),
      onesided: numberAttribute(0),
    },
    infer: inferDft,
    evaluator: whole(evaluateDft),
    quantized: "none",
  },
  stft: {
    docs: "Fourier transforms of frames of x [batch,length,parts], each times the window (second input), `step` apart: [batch,frames,bins,2].",
    inputs: [1, 2],
    attributes: {
      step: numberAttribute(),
      /** 0: as long as the window. */
      length: numberAttribute(0),
      onesided: numberAttribute(1),
    },
    infer: inferStft,
    evaluator: whole(evaluateStft),
    quantized: "none",
  },
  window: {
    docs: "A Hann, Hamming or Blackman window of `size` elements; a periodic one lacks its last.",
    inputs: [0, 0],
    attributes: {
      shape: textAttribute("hann"),
      size: numberAttribute(),
      periodic: numberAttribute(1),
      ...TO,
    },
    infer: (call) => {
      const size = call.attributes.number("size");
      requireThat(Number.isInteger(size) && size >= 0, "size must be a whole number");
      return [{ dtype: call.attributes.text("to") as DType, shape: [size] }];
    },
    evaluator: element((call) => windowRule(call.attributes)),
    quantized: "none",
  },
  mel_weights: {
    docs: "Triangles of `bins` mel bands over the frequencies of a spectrum: [length / 2 + 1, bins].",
    inputs: [0, 0],
    attributes: {
      bins: numberAttribute(),
      length: numberAttribute(),
      rate: numberAttribute(),
      lowest: numberAttribute(),
      highest: numberAttribute(),
      ...TO,
    },
    infer: (call) => {
      const rows = floor(call.attributes.number("length") / 2) + 1;
      const dtype = call.attributes.text("to") as DType;
      return [{ dtype, shape: [rows, call.attributes.number("bins")] }];
    },
    evaluator: element(melElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

interface Transform {
  readonly axis: number;
  /** How many elements take part, and how many come out. */
  readonly length: number;
  readonly bins: number;
  readonly inverse: boolean;
  readonly onesided: boolean;
}

function transformOf(attributes: AttributeReader, shape: readonly number[]): Transform {
  const axis = axisWithin(attributes.number("axis"), shape.length);
  requireThat(axis < shape.length - 1, "the last axis holds the parts of a number");
  const inverse = attributes.number("inverse") !== 0;
  const onesided = attributes.number("onesided") !== 0;
  const size = shape[axis] ?? 1;
  const given = attributes.number("length");
  const length = given !== 0 ? given : inverse && onesided ? 2 * (size - 1) : size;
  const bins = onesided && !inverse ? floor(length / 2) + 1 : length;
  return { axis, length, bins, inverse, onesided };
}

function inferDft(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const { axis, bins, inverse, onesided } = transformOf(call.attributes, shape);
  const parts = inverse && onesided ? 1 : 2;
  const sizes = shape.map((size, other) => (other === axis ? bins : size));
  return [{ dtype, shape: [...sizes.slice(0, -1), parts] }];
}

/** Cosines and sines of all multiples of the circle's `length`-th part. */
function circle(length: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  const angle = (at: number): number => (2 * Math.PI * at) / length;
  return {
    cos: Float64Array.from({ length }, (_, at) => math.cos(angle(at))),
    sin: Float64Array.from({ length }, (_, at) => math.sin(angle(at))),
  };
}

interface Signal {
  readonly re: (at: number) => number;
  readonly im: (at: number) => number;
  readonly length: number;
}

/** One bin by its sum: the definition, not the fast transform. */
function binOf(signal: Signal, turn: ReturnType<typeof circle>, bin: number): [number, number] {
  const { length } = signal;
  let [re, im] = [0, 0];
  for (let at = 0; at < length; at++) {
    const step = (at * bin) % length;
    const [c, s] = [turn.cos[step] ?? 0, turn.sin[step] ?? 0];
    const [a, b] = [signal.re(at), signal.im(at)];
    re += a * c + b * s;
    im += b * c - a * s;
  }
  return [re, im];
}

function evaluateDft(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const transform = transformOf(call.attributes, shape);
  const { axis, length, bins, inverse } = transform;
  const type = outputType(call);
  const [from, to] = [lanesAlong(shape, axis), lanesAlong(type.shape, axis)];
  const [partsIn, partsOut] = [shape.at(-1) ?? 1, type.shape.at(-1) ?? 1];
  const turn = circle(length);
  const result = new Float64Array(to.count * to.size);
  for (let lane = 0; lane < from.count / partsIn; lane++) {
    const start = from.start(lane * partsIn);
    const part = (at: number, which: number): number =>
      at < from.size && which < partsIn ? (x[start + at * from.inner + which] ?? 0) : 0;
    const signal = signalOf(part, transform);
    for (let bin = 0; bin < bins; bin++) {
      const [re, im] = binOf(signal, turn, bin);
      const place = to.start(lane * partsOut) + bin * to.inner;
      result[place] = inverse ? re / length : re;
      if (partsOut === 2) result[place + 1] = inverse ? -im / length : im;
    }
  }
  return [tensorFrom(type, (index) => result[index] ?? 0)];
}

/** The inverse is the transform of the conjugate, conjugated; a one-sided spectrum mirrors its half. */
function signalOf(part: (at: number, which: number) => number, transform: Transform): Signal {
  const { length, inverse, onesided } = transform;
  if (!inverse) return { length, re: (at) => part(at, 0), im: (at) => part(at, 1) };
  if (!onesided) return { length, re: (at) => part(at, 0), im: (at) => -part(at, 1) };
  const half = floor(length / 2);
  return {
    length,
    re: (at) => part(at <= half ? at : length - at, 0),
    im: (at) => (at <= half ? -part(at, 1) : part(length - at, 1)),
  };
}

function framesOf(attributes: AttributeReader, x: readonly number[], window: number | undefined) {
  const given = attributes.number("length");
  const length = given !== 0 ? given : (window ?? reject("neither window nor length is given"));
  const step = attributes.number("step");
  requireThat(step >= 1 && x.length >= 2, "x must be a batch of signals, step positive");
  const frames = floor(((x[1] ?? 0) - length) / step) + 1;
  requireThat(frames >= 1, "the signal is shorter than one frame");
  const bins = attributes.number("onesided") !== 0 ? floor(length / 2) + 1 : length;
  return { length, step, frames, bins };
}

function inferStft(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const { frames, bins } = framesOf(call.attributes, shape, call.inputs[1]?.shape[0]);
  return [{ dtype, shape: [shape[0] ?? 1, frames, bins, 2] }];
}

function evaluateStft(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const window = call.inputs[1] === undefined ? undefined : numeric(call.inputs[1]);
  const { length, step, frames, bins } = framesOf(call.attributes, shape, window?.length);
  const [batch = 1, samples = 1, parts = 1] = shape;
  const turn = circle(length);
  const result = new Float64Array(batch * frames * bins * 2);
  for (let frame = 0; frame < batch * frames; frame++) {
    const start = floor(frame / frames) * samples + (frame % frames) * step;
    const part = (at: number, which: number): number =>
      which < parts ? (x[(start + at) * parts + which] ?? 0) * (window?.[at] ?? 1) : 0;
    const signal = { length, re: (at: number) => part(at, 0), im: (at: number) => part(at, 1) };
    for (let bin = 0; bin < bins; bin++) {
      result.set(binOf(signal, turn, bin), (frame * bins + bin) * 2);
    }
  }
  return [tensorFrom(outputType(call), (index) => result[index] ?? 0)];
}

/** Sums of cosines: a0 - a1 cos(t) + a2 cos(2t). */
const WINDOW_TERMS: Readonly<Record<string, readonly [number, number, number]>> = {
  hann: [0.5, 0.5, 0],
  hamming: [25 / 46, 21 / 46, 0],
  blackman: [0.42, 0.5, 0.08],
};

function windowRule(attributes: AttributeReader): ElementRule {
  const shape = attributes.text("shape");
  const [a0, a1, a2] = WINDOW_TERMS[shape] ?? reject(`there is no window ${shape}`);
  const size = attributes.number("size");
  const period = attributes.number("periodic") !== 0 ? size : size - 1;
  return (index) => {
    const angle = (2 * Math.PI * index) / max(period, 1);
    return a0 - a1 * math.cos(angle) + a2 * math.cos(2 * angle);
  };
}

function melElement(call: EvaluationCall): ElementRule {
  const read = (name: string): number => call.attributes.number(name);
  const [bins, length, rate] = [read("bins"), read("length"), read("rate")];
  const melOf = (hertz: number): number => (2595 * math.log(1 + hertz / 700)) / Math.LN10;
  const hertzOf = (mel: number): number => 700 * (math.pow(10, mel / 2595) - 1);
  const lowest = melOf(read("lowest"));
  const step = (melOf(read("highest")) - lowest) / (bins + 2);
  const edges = Array.from({ length: bins + 2 }, (_, at) =>
    floor(((length + 1) * hertzOf(lowest + at * step)) / rate),
  );
  return (index) => {
    const [frequency, bin] = [floor(index / bins), index % bins];
    const [low = 0, peak = 0, high = 0] = edges.slice(bin, bin + 3);
    if (frequency === peak && low === peak) return 1;
    if (frequency < low || frequency > high) return 0;
    if (frequency <= peak) return (frequency - low) / (peak - low);
    return frequency < high ? (high - frequency) / (high - peak) : 0;
  };
}
