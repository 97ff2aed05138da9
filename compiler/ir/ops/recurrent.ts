/** Recurrent layers over a sequence [steps, batch, features]: lstm, gru and rnn. */
import * as math from "../../../protocol/base/math.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  reject,
  requireThat,
  textAttribute,
  whole,
} from "../operator.ts";
import type { AttributeReader, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";
import { stridedIndex } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround, max, min } = Math;

const ATTRIBUTES = {
  /** forward, reverse or bidirectional. */
  direction: textAttribute("forward"),
  /** Names of activations, comma-separated, as many as gates a direction; "" for the usual ones. */
  activations: textAttribute(""),
  activation_alpha: numbersAttribute([]),
  activation_beta: numbersAttribute([]),
  /** Gate inputs are limited to [-clip, clip]. */
  clip: numberAttribute(Infinity),
  /** 1: batch comes first in x, states and y. */
  layout: numberAttribute(0),
};

const COMMON =
  "x [steps,batch,features], w [directions,gates*hidden,features], r [..,gates*hidden,hidden], bias [..,2*gates*hidden], lengths [batch], initial states; gives all states, then the last";

export const RECURRENT_OPS = {
  lstm: recurrent(`Long short-term memory, gates i o f c: ${COMMON} and the last cell.`, {
    gates: 4,
    states: 2,
    cell: lstmCell,
    usual: ["sigmoid", "tanh", "tanh"],
    extra: { input_forget: numberAttribute(0) },
  }),
  gru: recurrent(`Gated recurrent unit, gates z r h: ${COMMON}.`, {
    gates: 3,
    states: 1,
    cell: gruCell,
    usual: ["sigmoid", "tanh"],
    extra: { linear_before_reset: numberAttribute(0) },
  }),
  rnn: recurrent(`Recurrent layer h = f(W x + R h + bias): ${COMMON}.`, {
    gates: 1,
    states: 1,
    cell: rnnCell,
    usual: ["tanh"],
    extra: {},
  }),
} as const satisfies Record<string, Operator>;

interface Kind {
  readonly gates: number;
  readonly states: 1 | 2;
  readonly cell: (layer: Layer) => Cell;
  readonly usual: readonly string[];
  readonly extra: Operator["attributes"];
}

type Activation = (x: number) => number;

/** One direction of a recurrent layer, its operands as flat arrays. */
interface Layer {
  readonly hidden: number;
  /** Gate inputs without the recurrent part: gates * hidden numbers for the present step. */
  readonly gates: Float64Array;
  /** R h for all gates, without bias. */
  readonly recurrent: Float64Array;
  readonly recurrentBias: Float64Array;
  readonly peepholes: ArrayLike<number> | undefined;
  readonly activations: readonly Activation[];
  readonly clip: (x: number) => number;
  readonly flag: (name: string) => boolean;
  /** R rows of one gate times a vector. */
  readonly timesR: (gate: number, vector: Float64Array, into: Float64Array) => void;
}

/** Advances h (and c) in place by one step. */
type Cell = (h: Float64Array, c: Float64Array) => void;

function recurrent(docs: string, kind: Kind): Operator {
  const attributes = { ...ATTRIBUTES, ...kind.extra };
  const infer = (call: InferenceCall) => inferRecurrent(call, kind);
  const evaluator = whole((call) => evaluateRecurrent(call, kind));
  return { docs, inputs: [3, 8], attributes, infer, evaluator, quantized: "none" };
}

interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly features: number;
  readonly hidden: number;
  readonly directions: number;
}

interface Typed {
  readonly inputs: readonly (TensorType | undefined)[];
  readonly attributes: AttributeReader;
}

function sizesOf(call: Typed, kind: Kind): Sizes {
  const [x = [], w = [], r = []] = call.inputs.map((input) => input?.shape ?? []);
  requireThat(x.length === 3 && w.length === 3 && r.length === 3, "x, w and r have 3 dimensions");
  const batchFirst = call.attributes.number("layout") !== 0;
  const [first = 0, second = 0, features = 0] = x;
  const [directions = 0, rows = 0, columns = 0] = w;
  const hidden = r[2] ?? 0;
  const wanted = call.attributes.text("direction") === "bidirectional" ? 2 : 1;
  requireThat(directions === wanted, `w holds ${directions} directions, not ${wanted}`);
  requireThat(columns === features, `w takes ${columns} features, x has ${features}`);
  requireThat(rows === kind.gates * hidden, `w has ${rows} rows, not ${kind.gates} x ${hidden}`);
  requireThat(r[0] === directions && r[1] === rows, "r does not fit w");
  const [steps, batch] = batchFirst ? [second, first] : [first, second];
  return { steps, batch, features, hidden, directions };
}

function inferRecurrent(call: InferenceCall, kind: Kind): readonly TensorType[] {
  const { steps, batch, hidden, directions } = sizesOf(call, kind);
  const { dtype } = inputType(call, 0);
  const batchFirst = call.attributes.number("layout") !== 0;
  const all = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const states = Array.from({ length: kind.states }, () => ({ dtype, shape: last }));
  return [{ dtype, shape: all }, ...states];
}

function evaluateRecurrent(call: EvaluationCall, kind: Kind): readonly Tensor[] {
  const types = call.inputs.map((input) => input?.type);
  const sizes = sizesOf({ inputs: types, attributes: call.attributes }, kind);
  const { steps, batch, hidden, directions } = sizes;
  const all = new Float64Array(steps * directions * batch * hidden);
  const last = [
    new Float64Array(directions * batch * hidden),
    new Float64Array(directions * batch * hidden),
  ];
  for (let direction = 0; direction < directions; direction++) {
    for (let item = 0; item < batch; item++) {
      runSequence(call, { kind, sizes, direction, item, all, last });
    }
  }
  return call.outputTypes.map((type, position) => {
    const values = position === 0 ? all : (last[position - 1] ?? all);
    const indexOf = layoutIndex(call, type, position === 0);
    return tensorFrom(type, (index) => values[indexOf(index)] ?? 0);
  });
}

/** From the output's layout to [steps, directions, batch, hidden] or [directions, batch, hidden]. */
function layoutIndex(call: EvaluationCall, type: TensorType, sequence: boolean) {
  if (call.attributes.number("layout") === 0) return (index: number) => index;
  const [batch = 1, second = 1, third = 1, fourth = 1] = type.shape;
  if (!sequence) return stridedIndex(type.shape, [third, batch * third, 1]);
  const [directions, hidden] = [third, fourth];
  return stridedIndex(
    [batch, second, directions, hidden],
    [hidden, directions * batch * hidden, batch * hidden, 1],
  );
}

interface Sequence {
  readonly kind: Kind;
  readonly sizes: Sizes;
  readonly direction: number;
  readonly item: number;
  readonly all: Float64Array;
  readonly last: readonly Float64Array[];
}

function runSequence(call: EvaluationCall, run: Sequence): void {
  const { sizes, direction, item } = run;
  const { steps, batch, features, hidden, directions } = sizes;
  const batchFirst = call.attributes.number("layout") !== 0;
  const backward = call.attributes.text("direction") === "reverse" || direction === 1;
  const lengths = call.inputs[4] === undefined ? undefined : numeric(call.inputs[4]);
  const length = min(steps, lengths?.[item] ?? steps);
  const x = numeric(inputTensor(call, 0));
  const layer = layerOf(call, run);
  const cell = run.kind.cell(layer);
  const state = (position: number): Float64Array => {
    const given = call.inputs[position];
    const at = batchFirst ? item * directions + direction : direction * batch + item;
    const from = given === undefined ? undefined : numeric(given);
    return Float64Array.from({ length: hidden }, (_, unit) => from?.[at * hidden + unit] ?? 0);
  };
  const [h, c] = [state(5), state(6)];
  const feed = inputGates(call, run, layer.gates);
  for (let count = 0; count < length; count++) {
    const step = backward ? length - 1 - count : count;
    const row = batchFirst ? item * steps + step : step * batch + item;
    feed(x, row * features);
    cell(h, c);
    run.all.set(h, ((step * directions + direction) * batch + item) * hidden);
  }
  run.last[0]?.set(h, (direction * batch + item) * hidden);
  run.last[1]?.set(c, (direction * batch + item) * hidden);
}

/** W x + Wb for all gates of the direction. */
function inputGates(call: EvaluationCall, run: Sequence, gates: Float64Array) {
  const { features } = run.sizes;
  const w = numeric(inputTensor(call, 1));
  const bias = call.inputs[3] === undefined ? undefined : numeric(call.inputs[3]);
  const rows = gates.length;
  const first = run.direction * rows;
  return (x: ArrayLike<number>, from: number): void => {
    for (let row = 0; row < rows; row++) {
      let sum = bias?.[2 * first + row] ?? 0;
      const weights = (first + row) * features;
      for (let k = 0; k < features; k++) sum += (x[from + k] ?? 0) * (w[weights + k] ?? 0);
      gates[row] = sum;
    }
  };
}

function layerOf(call: EvaluationCall, run: Sequence): Layer {
  const { kind, direction } = run;
  const { hidden } = run.sizes;
  const rows = kind.gates * hidden;
  const r = numeric(inputTensor(call, 2));
  const bias = call.inputs[3] === undefined ? undefined : numeric(call.inputs[3]);
  const peepholes = call.inputs[7] === undefined ? undefined : numeric(call.inputs[7]);
  const clip = call.attributes.number("clip");
  return {
    hidden,
    gates: new Float64Array(rows),
    recurrent: new Float64Array(rows),
    recurrentBias: Float64Array.from(
      { length: rows },
      (_, row) => bias?.[(2 * direction + 1) * rows + row] ?? 0,
    ),
    peepholes: peepholes?.subarray(direction * 3 * hidden, (direction + 1) * 3 * hidden),
    activations: activationsOf(call, kind, direction),
    clip: (x) => max(-clip, min(clip, x)),
    flag: (name) => call.attributes.number(name) !== 0,
    timesR: (gate, vector, into) => {
      for (let unit = 0; unit < hidden; unit++) {
        const from = (direction * rows + gate * hidden + unit) * hidden;
        let sum = 0;
        for (let k = 0; k < hidden; k++) sum += (r[from + k] ?? 0) * (vector[k] ?? 0);
        into[gate * hidden + unit] = sum;
      }
    },
  };
}

function activationsOf(call: EvaluationCall, kind: Kind, direction: number): Activation[] {
  const text = call.attributes.text("activations");
  const names = text === "" ? [...kind.usual, ...kind.usual] : text.split(",");
  const alphas = [...call.attributes.numbers("activation_alpha")];
  const betas = [...call.attributes.numbers("activation_beta")];
  const built = names.map((name) => activation(name.toLowerCase(), alphas, betas));
  return built.slice(direction * kind.usual.length, (direction + 1) * kind.usual.length);
}

/** Takes its parameters from the front of the lists, as the format prescribes. */
function activation(name: string, alphas: number[], betas: number[]): Activation {
  const alpha = (usual: number): number => alphas.shift() ?? usual;
  const beta = (usual: number): number => betas.shift() ?? usual;
  switch (name) {
    case "sigmoid":
      return math.sigmoid;
    case "tanh":
      return math.tanh;
    case "relu":
      return (x) => max(0, x);
    case "affine": {
      const [a, b] = [alpha(1), beta(0)];
      return (x) => a * x + b;
    }
    case "leakyrelu": {
      const a = alpha(0.01);
      return (x) => (x < 0 ? a * x : x);
    }
    case "thresholdedrelu": {
      const a = alpha(1);
      return (x) => (x >= a ? x : 0);
    }
    case "scaledtanh": {
      const [a, b] = [alpha(1), beta(1)];
      return (x) => a * math.tanh(b * x);
    }
    case "hardsigmoid": {
      const [a, b] = [alpha(0.2), beta(0.5)];
      return (x) => min(max(a * x + b, 0), 1);
    }
    case "elu": {
      const a = alpha(1);
      return (x) => (x < 0 ? a * math.expm1(x) : x);
    }
    case "softsign":
      return (x) => x / (1 + Math.abs(x));
    case "softplus":
      return (x) => max(x, 0) + math.log(1 + math.exp(-Math.abs(x)));
    default:
      return reject(`there is no activation ${name}`);
  }
}

function lstmCell(layer: Layer): Cell {
  const { hidden, gates, recurrent, recurrentBias, peepholes, clip } = layer;
  const [f = math.sigmoid, g = math.tanh, h = math.tanh] = layer.activations;
  const coupled = layer.flag("input_forget");
  const gate = (which: number, unit: number): number => {
    const row = which * hidden + unit;
    return (gates[row] ?? 0) + (recurrent[row] ?? 0) + (recurrentBias[row] ?? 0);
  };
  const peep = (which: number, unit: number) => peepholes?.[which * hidden + unit] ?? 0;
  return (state, cells) => {
    for (let which = 0; which < 4; which++) layer.timesR(which, state, recurrent);
    for (let unit = 0; unit < hidden; unit++) {
      const before = cells[unit] ?? 0;
      const input = f(clip(gate(0, unit) + peep(0, unit) * before));
      const forget = coupled ? 1 - input : f(clip(gate(2, unit) + peep(2, unit) * before));
      const cell = fround(forget * before + input * g(clip(gate(3, unit))));
      const output = f(clip(gate(1, unit) + peep(1, unit) * cell));
      cells[unit] = cell;
      state[unit] = fround(output * h(cell));
    }
  };
}

function gruCell(layer: Layer): Cell {
  const { hidden, gates, recurrent, recurrentBias, clip } = layer;
  const [f = math.sigmoid, g = math.tanh] = layer.activations;
  const beforeReset = layer.flag("linear_before_reset");
  const update = new Float64Array(hidden);
  const reset = new Float64Array(hidden);
  const muted = new Float64Array(hidden);
  const gate = (row: number): number =>
    (gates[row] ?? 0) + (recurrent[row] ?? 0) + (recurrentBias[row] ?? 0);
  return (state) => {
    for (let which = 0; which < 2; which++) layer.timesR(which, state, recurrent);
    for (let unit = 0; unit < hidden; unit++) {
      update[unit] = f(clip(gate(unit)));
      reset[unit] = f(clip(gate(hidden + unit)));
      muted[unit] = (reset[unit] ?? 0) * (state[unit] ?? 0);
    }
    layer.timesR(2, beforeReset ? state : muted, recurrent);
    for (let unit = 0; unit < hidden; unit++) {
      const row = 2 * hidden + unit;
      const own = (recurrent[row] ?? 0) + (recurrentBias[row] ?? 0);
      const recalled = beforeReset ? (reset[unit] ?? 0) * own : own;
      const fresh = g(clip((gates[row] ?? 0) + recalled));
      const keep = update[unit] ?? 0;
      state[unit] = fround((1 - keep) * fresh + keep * (state[unit] ?? 0));
    }
  };
}

function rnnCell(layer: Layer): Cell {
  const { hidden, gates, recurrent, recurrentBias, clip } = layer;
  const [f = math.tanh] = layer.activations;
  return (state) => {
    layer.timesR(0, state, recurrent);
    for (let unit = 0; unit < hidden; unit++) {
      const sum = (gates[unit] ?? 0) + (recurrent[unit] ?? 0) + (recurrentBias[unit] ?? 0);
      state[unit] = fround(f(clip(sum)));
    }
  };
}
