/** Operators on texts: joining, splitting, matching, cleaning and counting n-grams. */
import { product } from "../../../protocol/base/integers.ts";
import type { Tensor, TensorType, ValueType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  reject,
  requireThat,
  stored,
  textAttribute,
  textsAttribute,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { broadcastIndex, broadcastShape, tensorFrom, textList, textTensor } from "../tensor.ts";

export const TEXT_OPS = {
  string_concat: {
    docs: "Every text of a followed by that of b; both broadcast.",
    inputs: [2, 2],
    attributes: {},
    infer: inferConcat,
    evaluator: stored(concatStored),
    quantized: "none",
  },
  string_split: {
    docs: "Every text cut at the delimiter (at runs of blanks when empty) at most `most` times, padded with empty texts; also the counts.",
    inputs: [1, 1],
    attributes: { delimiter: textAttribute(""), most: numberAttribute(Infinity) },
    infer: inferSplit,
    evaluator: whole(evaluateSplit),
    quantized: "none",
  },
  regex_full_match: {
    docs: "Whether the pattern matches the whole of each text.",
    inputs: [1, 1],
    attributes: { pattern: textAttribute() },
    infer: (call) => [{ dtype: "bool", shape: textShape(call) }],
    evaluator: stored(matchStored),
    quantized: "none",
  },
  string_normalize: {
    docs: "The texts of x [count] or [1,count] without the stop words, in lower or upper case; one empty text when none is left.",
    inputs: [1, 1],
    attributes: {
      /** LOWER, UPPER or NONE. */
      case_change: textAttribute("NONE"),
      case_sensitive: numberAttribute(0),
      stopwords: textsAttribute([]),
    },
    infer: (call) => [
      { kind: "tensor", dtype: "string", dims: [...textShape(call).slice(0, -1), undefined] },
    ],
    evaluator: whole(evaluateNormalize),
    quantized: "none",
  },
  ngram_counts: {
    docs: "How often each n-gram of a pool (second input, cut at `starts` by length) stands in each row of x, skips allowed; as counts, presence or weighted (third input).",
    inputs: [2, 3],
    attributes: {
      /** TF, IDF or TFIDF. */
      mode: textAttribute("TF"),
      shortest: numberAttribute(),
      longest: numberAttribute(),
      skips: numberAttribute(0),
      /** Where the n-grams of each length begin in the pool. */
      starts: numbersAttribute(),
      /** The output column of each n-gram. */
      columns: numbersAttribute(),
    },
    infer: inferNgrams,
    evaluator: whole(evaluateNgrams),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function textShape(call: InferenceCall): readonly number[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(dtype === "string", `x holds ${dtype}, not texts`);
  return shape;
}

function inferConcat(call: InferenceCall): readonly TensorType[] {
  const [a, b] = [textShape(call), inputType(call, 1)];
  requireThat(b.dtype === "string", "both operands must be texts");
  const shape = broadcastShape(a, b.shape);
  if (shape === undefined) return reject(`[${a}] and [${b.shape}] do not broadcast`);
  return [{ dtype: "string", shape }];
}

function concatStored(call: EvaluationCall): StoredRule {
  const [a, b, { shape }] = [inputTensor(call, 0), inputTensor(call, 1), outputType(call)];
  const [left, right] = [textList(a), textList(b)];
  const indexOfA = broadcastIndex(a.type.shape, shape);
  const indexOfB = broadcastIndex(b.type.shape, shape);
  return (index) => (left[indexOfA(index)] ?? "") + (right[indexOfB(index)] ?? "");
}

function inferSplit(call: InferenceCall): readonly ValueType[] {
  const shape = textShape(call);
  const parts: ValueType = { kind: "tensor", dtype: "string", dims: [...shape, undefined] };
  return [parts, { dtype: "i64", shape }];
}

function evaluateSplit(call: EvaluationCall): readonly Tensor[] {
  const x = inputTensor(call, 0);
  const [delimiter, most] = [call.attributes.text("delimiter"), call.attributes.number("most")];
  const rows = textList(x).map((text) => partsOf(text, delimiter, most));
  const longest = rows.reduce((width, row) => Math.max(width, row.length), 0);
  const padded = rows.flatMap((row) => Array.from({ length: longest }, (_, at) => row[at] ?? ""));
  const counts: TensorType = { dtype: "i64", shape: x.type.shape };
  return [
    textTensor([...x.type.shape, longest], padded),
    tensorFrom(counts, (index) => rows[index]?.length ?? 0),
  ];
}

function partsOf(text: string, delimiter: string, most: number): string[] {
  if (text === "") return [];
  const blanks = delimiter === "";
  const parts = blanks ? text.split(/\s+/).filter((part) => part !== "") : text.split(delimiter);
  if (parts.length <= most + 1) return parts;
  if (!blanks) return [...parts.slice(0, most), parts.slice(most).join(delimiter)];
  // The rest keeps its blanks, so it is cut from the text itself.
  let rest = text.trimStart();
  for (let cut = 0; cut < most; cut++) rest = rest.slice(rest.search(/\s/)).trimStart();
  return [...parts.slice(0, most), rest];
}

function matchStored(call: EvaluationCall): StoredRule {
  const x = textList(inputTensor(call, 0));
  const pattern = fullPattern(call.attributes.text("pattern"));
  return (index) => Number(pattern.test(x[index] ?? ""));
}

function fullPattern(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, "u");
  } catch {
    return reject(`the pattern ${source} is not understood`);
  }
}

function evaluateNormalize(call: EvaluationCall): readonly Tensor[] {
  const x = inputTensor(call, 0);
  const { attributes } = call;
  const sensitive = attributes.number("case_sensitive") !== 0;
  const folded = (text: string): string => (sensitive ? text : text.toLowerCase());
  const stopped = new Set(attributes.texts("stopwords").map(folded));
  const kept = textList(x).filter((text) => !stopped.has(folded(text)));
  const change = attributes.text("case_change");
  const cased = kept.map((text) =>
    change === "LOWER" ? text.toLowerCase() : change === "UPPER" ? text.toUpperCase() : text,
  );
  const texts = cased.length === 0 ? [""] : cased;
  return [textTensor([...x.type.shape.slice(0, -1), texts.length], texts)];
}

function inferNgrams(call: InferenceCall): readonly TensorType[] {
  const { shape } = inputType(call, 0);
  requireThat(shape.length === 1 || shape.length === 2, "x must have one or two dimensions");
  const columns = call.attributes.numbers("columns");
  const width = columns.reduce((most, column) => Math.max(most, column + 1), 0);
  return [{ dtype: "f32", shape: [...shape.slice(0, -1), width] }];
}

interface Ngram {
  readonly items: readonly string[];
  /** Its number in the pool, which names its column and weight. */
  readonly number: number;
}

function ngramsOf(call: EvaluationCall): readonly Ngram[] {
  const pool = Array.from(inputTensor(call, 1).data, String);
  const starts = call.attributes.numbers("starts");
  const grams: Ngram[] = [];
  for (const [at, start] of starts.entries()) {
    const size = at + 1;
    for (let from = start; from + size <= (starts[at + 1] ?? pool.length); from += size) {
      grams.push({ items: pool.slice(from, from + size), number: grams.length });
    }
  }
  const [shortest, longest] = [
    call.attributes.number("shortest"),
    call.attributes.number("longest"),
  ];
  return grams.filter(({ items }) => items.length >= shortest && items.length <= longest);
}

function evaluateNgrams(call: EvaluationCall): readonly Tensor[] {
  const type = outputType(call);
  const x = Array.from(inputTensor(call, 0).data, String);
  const { attributes } = call;
  const columns = attributes.numbers("columns");
  const weights = call.inputs[2] === undefined ? undefined : call.inputs[2].data;
  const [mode, skips] = [attributes.text("mode"), attributes.number("skips")];
  const width = type.shape.at(-1) ?? 0;
  const rows = product(type.shape.slice(0, -1));
  const length = rows === 0 ? 0 : x.length / rows;
  const result = new Float64Array(rows * width);
  const grams = ngramsOf(call);
  for (let row = 0; row < rows; row++) {
    const items = x.slice(row * length, (row + 1) * length);
    for (const gram of grams) {
      const count = occurrences(items, gram.items, skips);
      const weight = Number(weights?.[gram.number] ?? 1);
      const value =
        mode === "TF" ? count : mode === "IDF" ? Number(count > 0) * weight : count * weight;
      const at = row * width + (columns[gram.number] ?? 0);
      result[at] = (result[at] ?? 0) + value;
    }
  }
  return [tensorFrom(type, (index) => result[index] ?? 0)];
}

/** Places where the n-gram stands with 0 to `skips` items between its own, the same everywhere. */
function occurrences(items: readonly string[], gram: readonly string[], skips: number): number {
  let count = 0;
  const strides = gram.length === 1 ? 1 : skips + 1;
  for (let stride = 1; stride <= strides; stride++) {
    for (let start = 0; start + (gram.length - 1) * stride < items.length; start++) {
      if (gram.every((item, at) => items[start + at * stride] === item)) count += 1;
    }
  }
  return count;
}
