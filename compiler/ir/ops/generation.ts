/** Tensors made from little: ranges, fills, triangles, and draws from a seeded generator. */
import * as math from "../../../protocol/base/math.ts";
import { seededRandom } from "../../../protocol/base/random.ts";
import type { DType, TensorType, ValueType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  openType,
  outputType,
  requireThat,
  stored,
  textAttribute,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { DTYPE_BYTES, numeric, storedFrom, tensorFrom } from "../tensor.ts";
import { plainType } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { ceil, floor } = Math;

const RANDOM_ATTRIBUTES = {
  /** uniform in [low, high), or normal of that mean and deviation. */
  kind: textAttribute("uniform"),
  low: numberAttribute(0),
  high: numberAttribute(1),
  mean: numberAttribute(0),
  deviation: numberAttribute(1),
  seed: numberAttribute(0),
};

export const GENERATION_OPS = {
  range: {
    docs: "start, start + delta, … before limit: three scalars.",
    inputs: [3, 3],
    attributes: {},
    infer: (call) => [{ kind: "tensor", dtype: inputType(call, 0).dtype, dims: [undefined] }],
    inferOpen: (call) => {
      const first = openType(call, 0);
      return [
        {
          kind: "tensor",
          dtype: first.kind === "tensor" ? first.dtype : undefined,
          dims: [undefined],
        },
      ];
    },
    evaluator: whole(evaluateRange),
    quantized: "none",
  },
  fill: {
    docs: "A tensor of the given shape filled with x's one element.",
    inputs: [1, 1],
    attributes: { shape: numbersAttribute() },
    infer: inferFill,
    evaluator: stored((call) => {
      const [value = 0] = inputTensor(call, 0).data;
      return () => value;
    }),
    quantized: "none",
  },
  eye_like: {
    docs: "Ones on the k-th diagonal of a matrix as large as x, zeros elsewhere.",
    inputs: [1, 1],
    attributes: { k: numberAttribute(0), to: textAttribute("f32") },
    infer: inferEye,
    evaluator: element((call) => {
      const [, columns = 1] = outputType(call).shape;
      const k = call.attributes.number("k");
      return (index) => Number((index % columns) - floor(index / columns) === k);
    }),
    quantized: "none",
  },
  trilu: {
    docs: "The part of every matrix on and above (or below) the k-th diagonal, zeros elsewhere.",
    inputs: [1, 1],
    attributes: { k: numberAttribute(0), upper: numberAttribute(1) },
    infer: (call) => {
      const type = inputType(call, 0);
      requireThat(type.shape.length >= 2, "x must be a matrix or several");
      return [plainType(type)];
    },
    evaluator: stored(triluStored),
    quantized: "none",
  },
  random: {
    docs: "Draws from a generator started with the seed: the same ones every time.",
    inputs: [0, 0],
    attributes: { shape: numbersAttribute(), to: textAttribute("f32"), ...RANDOM_ATTRIBUTES },
    infer: (call) => [{ dtype: typeNamed(call), shape: call.attributes.numbers("shape") }],
    evaluator: whole((call) => [tensorFrom(outputType(call), drawing(call))]),
    quantized: "none",
  },
  random_like: {
    docs: "As many draws as x has elements, from a generator started with the seed.",
    inputs: [1, 1],
    attributes: { to: textAttribute("f32"), ...RANDOM_ATTRIBUTES },
    infer: (call) => [{ dtype: typeNamed(call), shape: inputType(call, 0).shape }],
    evaluator: whole((call) => [tensorFrom(outputType(call), drawing(call))]),
    quantized: "none",
  },
  bernoulli: {
    docs: "1 with the probability that x gives, 0 otherwise; drawn from a generator started with the seed.",
    inputs: [1, 1],
    attributes: { to: textAttribute("f32"), ...RANDOM_ATTRIBUTES },
    infer: (call) => [{ dtype: typeNamed(call), shape: inputType(call, 0).shape }],
    evaluator: whole((call) => {
      const x = numeric(inputTensor(call, 0));
      const draw = drawing(call);
      return [tensorFrom(outputType(call), (index) => Number(draw() < (x[index] ?? 0)))];
    }),
    quantized: "none",
  },
  dropout: {
    docs: "x, but while training (third input) zeros with the probability of the second and the rest scaled up; also what stays.",
    inputs: [3, 3],
    attributes: { seed: numberAttribute(0) },
    infer: (call) => {
      const type = plainType(inputType(call, 0));
      return [type, { dtype: "bool", shape: type.shape }];
    },
    evaluator: whole(evaluateDropout),
    quantized: "none",
  },
  multinomial: {
    docs: "`count` classes per row of x [batch,classes], drawn by the unnormalised log probabilities.",
    inputs: [1, 1],
    attributes: { count: numberAttribute(1), to: textAttribute("i32"), ...RANDOM_ATTRIBUTES },
    infer: (call) => {
      const [batch = 0] = inputType(call, 0).shape;
      return [{ dtype: typeNamed(call), shape: [batch, call.attributes.number("count")] }];
    },
    evaluator: whole((call) => [tensorFrom(outputType(call), choosing(call))]),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function typeNamed(call: InferenceCall): DType {
  const to = call.attributes.text("to");
  requireThat(Object.hasOwn(DTYPE_BYTES, to), `unknown type ${to}`);
  return to as DType;
}

function evaluateRange(call: EvaluationCall) {
  const [start, limit, delta] = [0, 1, 2].map((position) => inputTensor(call, position));
  const { dtype } = inputTensor(call, 0).type;
  const read = (at: typeof start) => (at === undefined ? 0 : (numeric(at)[0] ?? 0));
  const [from, to, by] = [read(start), read(limit), read(delta)];
  requireThat(by !== 0, "delta is zero");
  const count = Math.max(0, ceil((to - from) / by));
  return [tensorFrom({ dtype, shape: [count] }, (index) => from + index * by)];
}

function inferFill(call: InferenceCall): readonly ValueType[] {
  const shape = call.attributes.numbers("shape");
  const fits = shape.every((size) => Number.isInteger(size) && size >= 0);
  requireThat(fits, "shape must be whole numbers");
  return [{ dtype: inputType(call, 0).dtype, shape }];
}

function inferEye(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  requireThat(shape.length === 2, "x must be a matrix");
  return [{ dtype: typeNamed(call), shape }];
}

function triluStored(call: EvaluationCall): StoredRule {
  const { type, data } = inputTensor(call, 0);
  const [rows = 1, columns = 1] = type.shape.slice(-2);
  const [k, upper] = [call.attributes.number("k"), call.attributes.number("upper") !== 0];
  const zero = storedFrom(type.dtype)(0);
  return (index) => {
    const beyond = (index % columns) - (floor(index / columns) % rows) - k;
    return (upper ? beyond >= 0 : beyond <= 0) ? (data[index] ?? 0) : zero;
  };
}

function drawing(call: EvaluationCall): () => number {
  const { attributes } = call;
  const random = seededRandom(attributes.number("seed"));
  if (attributes.text("kind") === "uniform") {
    const [low, high] = [attributes.number("low"), attributes.number("high")];
    return () => low + (high - low) * random.uniform();
  }
  const [mean, deviation] = [attributes.number("mean"), attributes.number("deviation")];
  return () => mean + deviation * random.normal();
}

function evaluateDropout(call: EvaluationCall) {
  const x = numeric(inputTensor(call, 0));
  const trains = numeric(inputTensor(call, 2))[0] !== 0;
  const given = call.inputs[1] === undefined ? 0.5 : (numeric(inputTensor(call, 1))[0] ?? 0.5);
  const ratio = trains ? given : 0;
  const random = seededRandom(call.attributes.number("seed"));
  const stays = Uint8Array.from(x, () => Number(random.uniform() >= ratio));
  const rules = [
    (index: number): number => ((x[index] ?? 0) * (stays[index] ?? 1)) / (1 - ratio),
    (index: number): number => stays[index] ?? 1,
  ];
  return call.outputTypes.map((type, at) => tensorFrom(type, rules[at] ?? (() => 0)));
}

function choosing(call: EvaluationCall): (index: number) => number {
  const { type } = inputTensor(call, 0);
  const x = numeric(inputTensor(call, 0));
  const classes = type.shape[1] ?? 1;
  const count = call.attributes.number("count");
  const draw = drawing(call);
  return (index) => {
    const row = floor(index / count) * classes;
    const powers = Array.from({ length: classes }, (_, at) => math.exp(x[row + at] ?? 0));
    let rest = draw() * powers.reduce((sum, power) => sum + power, 0);
    const chosen = powers.findIndex((power) => (rest -= power) < 0);
    return chosen < 0 ? classes - 1 : chosen;
  };
}
