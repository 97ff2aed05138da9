/** Operators on the lanes of one axis: running sums, choices of the largest, reversals. */
import type { Tensor, TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  requireThat,
  stored,
  whole,
} from "../operator.ts";
import type {
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
  StoredRule,
} from "../operator.ts";
import { elementCount, numeric, stridesOf, tensorFrom, tensorStored } from "../tensor.ts";
import type { Stored } from "../tensor.ts";
import { axisWithin, comparable, lanesAlong, likeInput, plainType, stridedIndex } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

const RUNNING_ATTRIBUTES = {
  axis: numberAttribute(),
  /** 1: an element does not count itself. */
  exclusive: numberAttribute(0),
  /** 1: from the end of the axis to its start. */
  reverse: numberAttribute(0),
};

export const AXIS_OPS = {
  cumsum: running("The sum of all elements up to each one along the axis.", {
    start: 0,
    step: (total, value) => total + value,
  }),
  cumprod: running("The product of all elements up to each one along the axis.", {
    start: 1,
    step: (total, value) => total * value,
  }),
  hardmax: {
    docs: "1 at the first largest element of each lane along the axis, 0 elsewhere.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(-1) },
    infer: inferAlong,
    evaluator: whole(evaluateHardmax),
    quantized: "none",
  },
  argmax: choice("largest", (a, b) => a > b),
  argmin: choice("smallest", (a, b) => a < b),
  topk: {
    docs: "The k largest (or smallest) elements along the axis, sorted, and their indices; of equals the first.",
    inputs: [1, 1],
    attributes: { k: numberAttribute(), axis: numberAttribute(-1), largest: numberAttribute(1) },
    infer: inferTopK,
    evaluator: whole(evaluateTopK),
    quantized: "none",
  },
  reverse_sequence: {
    docs: "x with the first `lengths` (second input) elements of the time axis reversed, per batch.",
    inputs: [2, 2],
    attributes: { batch_axis: numberAttribute(1), time_axis: numberAttribute(0) },
    infer: inferReverse,
    evaluator: stored(reverseStored),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

interface RunningRule {
  readonly start: number;
  readonly step: (total: number, value: number) => number;
}

function inferAlong(call: InferenceCall): readonly TensorType[] {
  const type = inputType(call, 0);
  axisWithin(call.attributes.number("axis"), type.shape.length);
  return [plainType(type)];
}

function running(docs: string, rule: RunningRule): Operator {
  const run = (call: EvaluationCall): readonly Tensor[] => {
    const type = outputType(call);
    const x = numeric(inputTensor(call, 0));
    const lanes = lanesAlong(
      type.shape,
      axisWithin(call.attributes.number("axis"), type.shape.length),
    );
    const exclusive = call.attributes.number("exclusive") !== 0;
    const backward = call.attributes.number("reverse") !== 0;
    const narrow = type.dtype === "f32" ? fround : (value: number) => value;
    const result = new Float64Array(x.length);
    for (let lane = 0; lane < lanes.count; lane++) {
      let total = rule.start;
      for (let count = 0; count < lanes.size; count++) {
        const along = backward ? lanes.size - 1 - count : count;
        const at = lanes.start(lane) + along * lanes.inner;
        const next = narrow(rule.step(total, x[at] ?? 0));
        result[at] = exclusive ? total : next;
        total = next;
      }
    }
    return [tensorFrom(type, (index) => result[index] ?? 0)];
  };
  const common = { docs, attributes: RUNNING_ATTRIBUTES, infer: inferAlong };
  return { ...common, inputs: [1, 1], evaluator: whole(run), quantized: "none" };
}

function evaluateHardmax(call: EvaluationCall): readonly Tensor[] {
  const type = outputType(call);
  const x = numeric(inputTensor(call, 0));
  const lanes = lanesAlong(
    type.shape,
    axisWithin(call.attributes.number("axis"), type.shape.length),
  );
  const chosen = new Uint8Array(x.length);
  for (let lane = 0; lane < lanes.count && lanes.size > 0; lane++) {
    let best = lanes.start(lane);
    for (let along = 1; along < lanes.size; along++) {
      const at = lanes.start(lane) + along * lanes.inner;
      if ((x[at] ?? 0) > (x[best] ?? 0)) best = at;
    }
    chosen[best] = 1;
  }
  return [tensorFrom(type, (index) => chosen[index] ?? 0)];
}

/** Whether a goes before b. */
type Better = (a: Stored, b: Stored) => boolean;

function choice(which: string, better: Better): Operator {
  return {
    docs: `The index of the ${which} element along the axis; the first of equals, or the last on request.`,
    inputs: [1, 1],
    attributes: {
      axis: numberAttribute(0),
      keepdims: numberAttribute(1),
      select_last: numberAttribute(0),
    },
    infer: inferChoice,
    evaluator: element((call) => {
      return chosenIndex(call, { better, last: call.attributes.number("select_last") !== 0 });
    }),
    quantized: "none",
  };
}

export function inferChoice(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  requireThat(shape[axis] !== 0, "there is nothing to choose from");
  const keep = call.attributes.number("keepdims") !== 0;
  const ones = shape.map((size, other) => (other === axis ? 1 : size));
  return [{ dtype: "i64", shape: keep ? ones : ones.filter((_, other) => other !== axis) }];
}

interface Choice {
  readonly better: Better;
  /** Of equals the last. */
  readonly last: boolean;
}

export function chosenIndex(call: EvaluationCall, { better, last }: Choice): ElementRule {
  const { shape } = inputTensor(call, 0).type;
  const x = comparable(inputTensor(call, 0));
  const lanes = lanesAlong(shape, axisWithin(call.attributes.number("axis"), shape.length));
  return (lane) => {
    const start = lanes.start(lane);
    let best = 0;
    for (let along = 1; along < lanes.size; along++) {
      const [value, held] = [
        x[start + along * lanes.inner] ?? 0,
        x[start + best * lanes.inner] ?? 0,
      ];
      if (better(value, held) || (last && value === held)) best = along;
    }
    return best;
  };
}

function inferTopK(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const k = call.attributes.number("k");
  const size = shape[axis] ?? 0;
  requireThat(Number.isInteger(k) && k >= 0 && k <= size, `k is ${k}, the axis has ${size}`);
  const taken = shape.map((each, other) => (other === axis ? k : each));
  return [
    { dtype, shape: taken },
    { dtype: "i64", shape: taken },
  ];
}

function evaluateTopK(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = comparable(inputTensor(call, 0));
  const { data } = inputTensor(call, 0);
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const [from, to] = [lanesAlong(shape, axis), lanesAlong(outputType(call).shape, axis)];
  const sign = call.attributes.number("largest") !== 0 ? 1 : -1;
  const sources = new Float64Array(elementCount(outputType(call)));
  for (let lane = 0; lane < from.count; lane++) {
    const value = (along: number): Stored => x[from.start(lane) + along * from.inner] ?? 0;
    const order = Array.from({ length: from.size }, (_, along) => along);
    order.sort((a, b) => sign * compare(value(b), value(a)) || a - b);
    for (let rank = 0; rank < to.size; rank++) {
      sources[to.start(lane) + rank * to.inner] = order[rank] ?? 0;
    }
  }
  const laneOf = (index: number): number =>
    Math.floor(index / (to.inner * to.size)) * to.inner + (index % to.inner);
  const [values = outputType(call), indices = outputType(call)] = call.outputTypes;
  return [
    tensorStored(
      values,
      (at) => data[from.start(laneOf(at)) + (sources[at] ?? 0) * from.inner] ?? 0,
    ),
    tensorFrom(indices, (at) => sources[at] ?? 0),
  ];
}

/** Not-a-number counts as the largest. */
function compare(a: Stored, b: Stored): number {
  if (a === b) return 0;
  if (a !== a) return b !== b ? 0 : 1;
  return b !== b || a < b ? -1 : 1;
}

function inferReverse(call: InferenceCall): readonly TensorType[] {
  const [x, lengths] = [inputType(call, 0), inputType(call, 1)];
  const batch = axisWithin(call.attributes.number("batch_axis"), x.shape.length);
  axisWithin(call.attributes.number("time_axis"), x.shape.length);
  requireThat(lengths.shape[0] === x.shape[batch], "one length per element of the batch axis");
  return likeInput()(call);
}

function reverseStored(call: EvaluationCall): StoredRule {
  const { shape } = inputTensor(call, 0).type;
  const x = inputTensor(call, 0).data;
  const lengths = numeric(inputTensor(call, 1));
  const rank = shape.length;
  const batchAxis = axisWithin(call.attributes.number("batch_axis"), rank);
  const timeAxis = axisWithin(call.attributes.number("time_axis"), rank);
  const only = (axis: number) =>
    stridedIndex(
      shape,
      shape.map((_, other) => Number(other === axis)),
    );
  const [batchOf, timeOf] = [only(batchAxis), only(timeAxis)];
  const stride = stridesOf(shape)[timeAxis] ?? 1;
  return (index) => {
    const [time, length] = [timeOf(index), lengths[batchOf(index)] ?? 0];
    const source = time < length ? length - 1 - time : time;
    return x[index + (source - time) * stride] ?? 0;
  };
}
