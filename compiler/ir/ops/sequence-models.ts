/** Parts of language models beside attention: rotary embedding, linear attention, causal convolution. */
import * as math from "../../../protocol/base/math.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  requireThat,
  textAttribute,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";
import { plainType } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, sqrt } = Math;

export const SEQUENCE_MODEL_OPS = {
  rotary_embedding: {
    docs: "x [batch,heads,length,size] or [batch,length,heads*size] with pairs of features turned by the angles of their position: cos and sin tables by position ids, or per batch and position.",
    inputs: [3, 4],
    attributes: {
      heads: numberAttribute(0),
      /** 1: pairs are neighbours; 0: the halves of the turned features. */
      interleaved: numberAttribute(0),
      /** How many features of a head are turned; 0: all. */
      turned: numberAttribute(0),
    },
    infer: (call) => [plainType(inputType(call, 0))],
    evaluator: whole(evaluateRotary),
    quantized: "none",
  },
  linear_attention: {
    docs: "Attention as a state [batch,heads,key,value] that each step decays by e^decay and updates by beta (v - k state) k; q reads it. Gives the outputs and the last state.",
    inputs: [3, 6],
    attributes: {
      q_heads: numberAttribute(),
      kv_heads: numberAttribute(),
      /** linear, gated, delta or gated_delta: whether decay and correction take part. */
      rule: textAttribute("gated_delta"),
      /** 0: 1 / sqrt(size of a head). */
      scale: numberAttribute(0),
    },
    infer: inferLinear,
    evaluator: whole(evaluateLinear),
    quantized: "none",
  },
  causal_conv: {
    docs: "Depthwise convolution of x [batch,channels,length] with w [channels,1,taps] over the past state and itself, plus bias, then silu on request; also the last taps - 1 inputs.",
    inputs: [2, 4],
    attributes: { activation: textAttribute("none") },
    infer: inferCausal,
    evaluator: whole(evaluateCausal),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function evaluateRotary(call: EvaluationCall): readonly Tensor[] {
  const type = outputType(call);
  const x = numeric(inputTensor(call, 0));
  const [cos, sin] = [numeric(inputTensor(call, 1)), numeric(inputTensor(call, 2))];
  const ids = call.inputs[3] === undefined ? undefined : numeric(call.inputs[3]);
  const flat = type.shape.length === 3;
  const heads = flat ? call.attributes.number("heads") : (type.shape[1] ?? 1);
  const length = type.shape[flat ? 1 : 2] ?? 1;
  const size = (type.shape.at(-1) ?? 1) / (flat ? heads : 1);
  requireThat(Number.isInteger(size), "the features do not divide among the heads");
  const turned = call.attributes.number("turned") || size;
  const half = turned / 2;
  const interleaved = call.attributes.number("interleaved") !== 0;
  return [
    tensorFrom(type, (index) => {
      const at = index % size;
      if (at >= turned) return x[index] ?? 0;
      const step = flat ? floor(index / (heads * size)) : floor(index / size);
      const position = step % length;
      const batch = floor(index / (heads * length * size));
      const row = ids?.[batch * length + position] ?? batch * length + position;
      const second = interleaved ? at % 2 === 1 : at >= half;
      const pair = interleaved ? floor(at / 2) : at % half;
      const [c, s] = [cos[row * half + pair] ?? 0, sin[row * half + pair] ?? 0];
      const other = x[index + (second ? -1 : 1) * (interleaved ? 1 : half)] ?? 0;
      return second ? (x[index] ?? 0) * c + other * s : (x[index] ?? 0) * c - other * s;
    }),
  ];
}

interface LinearSizes {
  readonly batch: number;
  readonly length: number;
  readonly qHeads: number;
  readonly kvHeads: number;
  readonly keySize: number;
  readonly valueSize: number;
}

type Shapes = readonly (readonly number[] | undefined)[];

function linearSizes(call: Pick<InferenceCall, "attributes">, shapes: Shapes): LinearSizes {
  const [qHeads, kvHeads] = [call.attributes.number("q_heads"), call.attributes.number("kv_heads")];
  const [batch = 0, length = 0, width = 0] = shapes[0] ?? [];
  const [keySize, valueSize] = [width / qHeads, (shapes[2]?.[2] ?? 0) / kvHeads];
  const divides = Number.isInteger(keySize) && Number.isInteger(valueSize);
  requireThat(divides && qHeads % kvHeads === 0, "the features do not divide among the heads");
  return { batch, length, qHeads, kvHeads, keySize, valueSize };
}

function inferLinear(call: InferenceCall): readonly TensorType[] {
  const shapes = call.inputs.map((input) => input?.shape);
  const { batch, length, qHeads, kvHeads, keySize, valueSize } = linearSizes(call, shapes);
  const { dtype } = inputType(call, 0);
  const state = call.inputs[3]?.dtype ?? dtype;
  return [
    { dtype, shape: [batch, length, qHeads * valueSize] },
    { dtype: state, shape: [batch, kvHeads, keySize, valueSize] },
  ];
}

function evaluateLinear(call: EvaluationCall): readonly Tensor[] {
  const shapes = call.inputs.map((input) => input?.type.shape);
  const sizes = linearSizes(call, shapes);
  const { batch, length, qHeads, kvHeads, keySize, valueSize } = sizes;
  const past = call.inputs[3] === undefined ? undefined : numeric(call.inputs[3]);
  const block = keySize * valueSize;
  const state = Float64Array.from(
    { length: batch * kvHeads * block },
    (_, index) => past?.[index] ?? 0,
  );
  const outputs = new Float64Array(batch * length * qHeads * valueSize);
  const given = call.attributes.number("scale");
  const scale = given === 0 ? 1 / sqrt(keySize) : given;
  const q = numeric(inputTensor(call, 0));
  const update = stateUpdate(call, sizes);
  for (let step = 0; step < batch * length; step++) {
    const item = floor(step / length);
    for (let head = 0; head < kvHeads; head++) {
      update(state.subarray((item * kvHeads + head) * block), step, head);
    }
    for (let at = 0; at < qHeads * valueSize; at++) {
      const [head, value] = [floor(at / valueSize), at % valueSize];
      const from = (item * kvHeads + floor((head * kvHeads) / qHeads)) * block + value;
      let sum = 0;
      for (let key = 0; key < keySize; key++) {
        sum +=
          (q[(step * qHeads + head) * keySize + key] ?? 0) * (state[from + key * valueSize] ?? 0);
      }
      outputs[step * qHeads * valueSize + at] = scale * sum;
    }
  }
  const results = [outputs, state];
  return call.outputTypes.map((type, position) =>
    tensorFrom(type, (index) => results[position]?.[index] ?? 0),
  );
}

/** One step of one head on its state [key, value], in place. */
function stateUpdate(call: EvaluationCall, sizes: LinearSizes) {
  const { kvHeads, keySize, valueSize } = sizes;
  const rule = call.attributes.text("rule");
  const [k, v] = [numeric(inputTensor(call, 1)), numeric(inputTensor(call, 2))];
  const read = (position: number, used: boolean) =>
    used && call.inputs[position] !== undefined ? numeric(inputTensor(call, position)) : undefined;
  const decay = read(4, rule.startsWith("gated"));
  const beta = read(5, rule.endsWith("delta"));
  const perHead = call.inputs[4]?.type.shape[2] === kvHeads && keySize > 1;
  const betas = call.inputs[5]?.type.shape[2] ?? 1;
  const retrieved = new Float64Array(valueSize);
  return (state: Float64Array, step: number, head: number): void => {
    const row = step * kvHeads + head;
    for (let at = 0; at < keySize * valueSize && decay !== undefined; at++) {
      const key = floor(at / valueSize);
      const power = decay[perHead ? row : row * keySize + key] ?? 0;
      state[at] = (state[at] ?? 0) * math.exp(power);
    }
    retrieved.fill(0);
    for (let at = 0; at < keySize * valueSize && beta !== undefined; at++) {
      const [key, value] = [floor(at / valueSize), at % valueSize];
      retrieved[value] = (retrieved[value] ?? 0) + (state[at] ?? 0) * (k[row * keySize + key] ?? 0);
    }
    const strength = beta?.[betas === 1 ? step : row] ?? 1;
    for (let at = 0; at < keySize * valueSize; at++) {
      const [key, value] = [floor(at / valueSize), at % valueSize];
      const written = strength * ((v[row * valueSize + value] ?? 0) - (retrieved[value] ?? 0));
      state[at] = (state[at] ?? 0) + (k[row * keySize + key] ?? 0) * written;
    }
  };
}

function inferCausal(call: InferenceCall): readonly TensorType[] {
  const [x, w] = [inputType(call, 0), inputType(call, 1)];
  const [batch = 0, channels = 0] = x.shape;
  requireThat(x.shape.length === 3 && w.shape.length === 3, "x and w have 3 dimensions");
  requireThat(w.shape[0] === channels && w.shape[1] === 1, "one filter per channel");
  return [plainType(x), { dtype: x.dtype, shape: [batch, channels, (w.shape[2] ?? 1) - 1] }];
}

function evaluateCausal(call: EvaluationCall): readonly Tensor[] {
  const [x, w] = [numeric(inputTensor(call, 0)), numeric(inputTensor(call, 1))];
  const read = (position: number) =>
    call.inputs[position] === undefined ? undefined : numeric(inputTensor(call, position));
  const [bias, past] = [read(2), read(3)];
  const [, channels = 1, length = 1] = inputTensor(call, 0).type.shape;
  const taps = inputTensor(call, 1).type.shape[2] ?? 1;
  const silu = call.attributes.text("activation") !== "none";
  /** The input at a position that may lie in the past, by row of batch and channel. */
  const at = (row: number, position: number): number =>
    position >= 0
      ? (x[row * length + position] ?? 0)
      : (past?.[row * (taps - 1) + position + taps - 1] ?? 0);
  const rules = [
    (index: number): number => {
      const [row, position] = [floor(index / length), index % length];
      let sum = bias?.[row % channels] ?? 0;
      for (let tap = 0; tap < taps; tap++) {
        sum += (w[(row % channels) * taps + tap] ?? 0) * at(row, position - taps + 1 + tap);
      }
      return silu ? sum * math.sigmoid(sum) : sum;
    },
    (index: number): number =>
      at(floor(index / (taps - 1)), length - taps + 1 + (index % (taps - 1))),
  ];
  return call.outputTypes.map((type, position) => tensorFrom(type, rules[position] ?? (() => 0)));
}
