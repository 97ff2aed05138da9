/** Scaled dot-product attention with masks, grouped heads, soft caps and key-value caches. */
import * as math from "../../../protocol/base/math.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  requireThat,
  textAttribute,
  whole,
} from "../operator.ts";
import type { AttributeReader, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { broadcastIndex, numeric, tensorFrom } from "../tensor.ts";
import { softmaxRow } from "./softmax.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, sqrt } = Math;

export const ATTENTION_OPS = {
  attention: {
    docs: "softmax(scale q k' + mask) v per head; q, k, v are [batch,heads,length,size], or [batch,length,heads*size] with head counts. Also gives the keys and values with the past ones before them, and the scores at the asked stage.",
    inputs: [3, 7],
    attributes: {
      /** 1: a query sees no key after its own position. */
      causal: numberAttribute(0),
      q_heads: numberAttribute(0),
      kv_heads: numberAttribute(0),
      /** 0: 1 / sqrt(size of a head). */
      scale: numberAttribute(0),
      /** Scores become cap * tanh(score / cap); 0: no cap. */
      softcap: numberAttribute(0),
      /** product, masked, capped or softmax: the stage of the fourth output. */
      scores: textAttribute("product"),
    },
    infer: inferAttention,
    evaluator: whole(evaluateAttention),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

/** An operand [batch, heads, length, size], whatever its layout. */
interface Heads {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  readonly size: number;
  /** The row-major place of element 0 of a row, in the operand as given. */
  readonly row: (batch: number, head: number, position: number) => number;
}

function headsOf(shape: readonly number[], heads: number): Heads {
  if (shape.length === 4) {
    const [batch = 0, own = 0, length = 0, size = 0] = shape;
    const row = (b: number, h: number, p: number) => ((b * own + h) * length + p) * size;
    return { batch, heads: own, length, size, row };
  }
  requireThat(shape.length === 3, "q, k and v have 3 or 4 dimensions");
  const [batch = 0, length = 0, width = 0] = shape;
  requireThat(heads > 0 && width % heads === 0, `${heads} heads do not share ${width} features`);
  const size = width / heads;
  const row = (b: number, h: number, p: number) => (b * length + p) * width + h * size;
  return { batch, heads, length, size, row };
}

interface Sizes {
  readonly q: Heads;
  readonly k: Heads;
  readonly v: Heads;
  readonly past: number;
  readonly total: number;
}

function sizesOf(
  shapes: readonly (readonly number[] | undefined)[],
  attributes: AttributeReader,
): Sizes {
  const [kvHeads, qHeads] = [attributes.number("kv_heads"), attributes.number("q_heads")];
  const q = headsOf(shapes[0] ?? [], qHeads);
  const [k, v] = [headsOf(shapes[1] ?? [], kvHeads), headsOf(shapes[2] ?? [], kvHeads)];
  requireThat(q.size === k.size, `queries have ${q.size} features a head, keys ${k.size}`);
  requireThat(k.length === v.length && k.heads === v.heads, "keys and values differ");
  requireThat(q.heads % k.heads === 0, `${q.heads} query heads do not share ${k.heads} key heads`);
  const past = shapes[4]?.[2] ?? 0;
  return { q, k, v, past, total: past + k.length };
}

function inferAttention(call: InferenceCall): readonly TensorType[] {
  const shapes = call.inputs.map((input) => input?.shape);
  const { q, k, v, total } = sizesOf(shapes, call.attributes);
  const [{ dtype, shape }, valueType] = [inputType(call, 0), inputType(call, 2).dtype];
  const flat = shape.length === 3;
  return [
    {
      dtype,
      shape: flat ? [q.batch, q.length, q.heads * v.size] : [q.batch, q.heads, q.length, v.size],
    },
    { dtype: inputType(call, 1).dtype, shape: [k.batch, k.heads, total, k.size] },
    { dtype: valueType, shape: [v.batch, v.heads, total, v.size] },
    { dtype, shape: [q.batch, q.heads, q.length, total] },
  ];
}

/** Past and present rows as one: [batch, heads, past + length, size]. */
function joined(past: Tensor | undefined, present: Tensor, heads: Heads): Float64Array {
  const before = past === undefined ? undefined : numeric(past);
  const pastLength = past?.type.shape[2] ?? 0;
  const now = numeric(present);
  const { batch, length, size } = heads;
  const total = pastLength + length;
  const result = new Float64Array(batch * heads.heads * total * size);
  for (let block = 0; block < batch * heads.heads; block++) {
    const [b, h] = [floor(block / heads.heads), block % heads.heads];
    for (let position = 0; position < total; position++) {
      const to = (block * total + position) * size;
      const from =
        position < pastLength
          ? (block * pastLength + position) * size
          : heads.row(b, h, position - pastLength);
      const source = position < pastLength ? (before ?? now) : now;
      for (let at = 0; at < size; at++) result[to + at] = source[from + at] ?? 0;
    }
  }
  return result;
}

interface Attending {
  readonly sizes: Sizes;
  readonly q: ArrayLike<number>;
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly bias: Bias;
  readonly scale: number;
  readonly cap: number;
  readonly stage: string;
}

/** A score's place: its row is that of [batch, heads, queries]. */
interface Row {
  readonly batch: number;
  readonly head: number;
  readonly query: number;
}

/** What is added to the score of a query and a key: 0, a mask's value or -Infinity. */
type Bias = (row: Row, key: number) => number;

function evaluateAttention(call: EvaluationCall): readonly Tensor[] {
  const shapes = call.inputs.map((input) => input?.type.shape);
  const sizes = sizesOf(shapes, call.attributes);
  const { q, k, v } = sizes;
  const given = call.attributes.number("scale");
  const attending: Attending = {
    sizes,
    q: numeric(inputTensor(call, 0)),
    k: joined(call.inputs[4], inputTensor(call, 1), k),
    v: joined(call.inputs[5], inputTensor(call, 2), v),
    bias: biasOf(call, sizes),
    scale: given === 0 ? 1 / sqrt(q.size) : given,
    cap: call.attributes.number("softcap"),
    stage: call.attributes.text("scores"),
  };
  const { outputs, scores } = attend(attending);
  const results = [outputs, attending.k, attending.v, scores];
  const flat = shapes[0]?.length === 3;
  return call.outputTypes.map((type, position) => {
    const values = results[position] ?? outputs;
    if (position > 0 || !flat) return tensorFrom(type, (index) => values[index] ?? 0);
    const width = q.heads * v.size;
    return tensorFrom(type, (index) => {
      const [b, p] = [floor(index / (q.length * width)), floor(index / width) % q.length];
      const h = floor((index % width) / v.size);
      return values[((b * q.heads + h) * q.length + p) * v.size + (index % v.size)] ?? 0;
    });
  });
}

function biasOf(call: EvaluationCall, sizes: Sizes): Bias {
  const { q, past, total } = sizes;
  const causal = call.attributes.number("causal") !== 0;
  const filled = call.inputs[6] === undefined ? undefined : numeric(call.inputs[6]);
  const mask = maskOf(call.inputs[3], sizes);
  return (row, key) => {
    const { batch, query } = row;
    const length = filled?.[batch] ?? total;
    // With counted keys the last query stands at the last of them.
    const position = query + (filled === undefined ? past : length - q.length);
    if (key >= length || (causal && key > position)) return -Infinity;
    return mask(row, key);
  };
}

/** A mask that is shorter than the keys hides those beyond it. */
function maskOf(mask: Tensor | undefined, sizes: Sizes): Bias {
  if (mask === undefined) return () => 0;
  const values = numeric(mask);
  const { shape, dtype } = mask.type;
  const width = shape.at(-1) ?? 0;
  const { q, total } = sizes;
  const covered = width === 1 ? total : width;
  const indexOf = broadcastIndex(shape, [q.batch, q.heads, q.length, covered]);
  return ({ batch, head, query }, key) => {
    if (key >= covered) return -Infinity;
    const value =
      values[indexOf(((batch * q.heads + head) * q.length + query) * covered + key)] ?? 0;
    return dtype !== "bool" ? value : value === 0 ? -Infinity : 0;
  };
}

function attend(attending: Attending): { outputs: Float64Array; scores: Float64Array } {
  const { sizes, stage } = attending;
  const { q, k, v, total } = sizes;
  const outputs = new Float64Array(q.batch * q.heads * q.length * v.size);
  const scores = new Float64Array(q.batch * q.heads * q.length * total);
  const row = new Float64Array(total);
  for (let at = 0; at < q.batch * q.heads * q.length; at++) {
    const head = floor(at / q.length) % q.heads;
    const batch = floor(at / (q.length * q.heads));
    const shared = batch * k.heads + floor((head * k.heads) / q.heads);
    const record = (name: string): void => {
      if (stage === name) scores.set(row, at * total);
    };
    scoreRow(attending, row, { batch, head, query: at % q.length, shared, record });
    for (let key = 0; key < total; key++) {
      const weight = row[key] ?? 0;
      if (weight === 0) continue;
      const from = (shared * total + key) * v.size;
      for (let each = 0; each < v.size; each++) {
        outputs[at * v.size + each] =
          (outputs[at * v.size + each] ?? 0) + weight * (attending.v[from + each] ?? 0);
      }
    }
  }
  return { outputs, scores };
}

interface Place extends Row {
  /** Batch and key head as one number. */
  readonly shared: number;
  readonly record: (stage: string) => void;
}

/** The attention weights of one query over all keys; all zero where every key is hidden. */
function scoreRow(attending: Attending, row: Float64Array, place: Place): void {
  const { sizes, q, k, scale, cap, bias } = attending;
  const { size } = sizes.k;
  const from = sizes.q.row(place.batch, place.head, place.query);
  for (let key = 0; key < row.length; key++) {
    const to = (place.shared * row.length + key) * size;
    let sum = 0;
    for (let at = 0; at < size; at++) sum += (q[from + at] ?? 0) * (k[to + at] ?? 0);
    row[key] = sum * scale;
  }
  place.record("product");
  if (cap !== 0) for (const [key, score] of row.entries()) row[key] = cap * math.tanh(score / cap);
  place.record("capped");
  let hidden = true;
  for (const [key, score] of row.entries()) {
    const added = bias(place, key);
    row[key] = added === -Infinity ? added : score + added;
    hidden &&= added === -Infinity;
  }
  place.record("masked");
  if (hidden) row.fill(0);
  else softmaxRow(row);
  place.record("softmax");
}
