/** What the ops table says about one operator, and the small helpers its rows are written with. */
import { CodedError } from "../../protocol/base/result.ts";
import type { Attribute, Graph, OpenType, Tensor, TensorType, Value, ValueType } from "./graph.ts";
import type { Stored } from "./tensor.ts";
import { isTensor, opened } from "./value.ts";

/**
 * How an operator runs on int8 values:
 * - accumulate: int32 sum of (x - zx) * w plus bias, F32_RNE by a multiplier per output channel;
 * - rescaled_sum: both operands scaled to the output's encoding in float32, added, rounded once;
 * - rescaled_product: int32 product, F32_RNE by one multiplier;
 * - mean: int32 sum over a window of fixed size, F32_RNE;
 * - softmax: a table of 20-bit exponentials, exact int32 sum, float32 division;
 * - movement: elements are copied or compared; input and output share one encoding;
 * - table: any function of one element becomes a `lut` node of 256 entries;
 * - fixed: the arithmetic of models quantised elsewhere, told by the row and its `rule`;
 * - normalization: float32 steps on stored integers (lane_norm);
 * - none: float only.
 */
export type QuantizedRule =
  | "accumulate"
  | "rescaled_sum"
  | "rescaled_product"
  | "mean"
  | "softmax"
  | "movement"
  | "table"
  | "fixed"
  | "normalization"
  | "none";

export interface Operator {
  /** One sentence for the reference manual. */
  readonly docs: string;
  /** Fewest and most inputs; an absent optional input is the name "". */
  readonly inputs: readonly [fewest: number, most: number];
  readonly attributes: Readonly<Record<string, AttributeRule>>;
  /**
   * The output types; calls `reject` with the reason when the inputs do not fit. An open type says
   * that the output's shape depends on the data. Trailing outputs that a node does not name may be
   * listed all the same.
   */
  readonly infer: (call: InferenceCall) => readonly ValueType[];
  readonly evaluator: Evaluator;
  readonly quantized: QuantizedRule;
  /**
   * The attributes in normal form: axes counted from the start, sizes spelled out. Applied as soon
   * as the input types are known, so that `infer`, `evaluator` and every pass read only the normal
   * form; front ends and late attributes may use any form that this understands. It must be its own
   * fixed point. Attributes that it does not mention are dropped.
   */
  readonly normal?: (call: InferenceCall) => Readonly<Record<string, Attribute>>;
  /**
   * What is known of the outputs while an input is open (read through `openType`) or an attribute
   * late. Without it `infer` is tried on examples; operators on sequences need it.
   */
  readonly inferOpen?: (call: InferenceCall) => readonly ValueType[];
  /** The result follows from the types of the inputs: their elements are not read. */
  readonly readsTypesOnly?: true;
  /** The regions that its nodes have. */
  readonly regions?: readonly string[];
}

/** An attribute without a fallback is required. */
export interface AttributeRule {
  readonly type: "number" | "numbers" | "text" | "texts";
  readonly fallback?: Attribute;
}

/** Attribute values with the table's defaults filled in. */
export interface AttributeReader {
  number(name: string): number;
  numbers(name: string): readonly number[];
  text(name: string): string;
  texts(name: string): readonly string[];
}

export interface InferenceCall {
  /** Undefined where an input is absent, or open (in `inferOpen` alone). */
  readonly inputs: readonly (TensorType | undefined)[];
  /** The same inputs with what is known of the open ones. */
  readonly openInputs: readonly (ValueType | undefined)[];
  readonly attributes: AttributeReader;
  /** How many outputs the node names. */
  readonly outputCount: number;
  readonly regions: ReadonlyMap<string, Graph>;
}

export interface EvaluationCall {
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: AttributeReader;
  /** Empty where an output's shape depends on the data: the tensors returned say it. */
  readonly outputTypes: readonly TensorType[];
}

export interface ValueCall {
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: AttributeReader;
  readonly outputCount: number;
  readonly regions: ReadonlyMap<string, Graph>;
  /** Runs a region on as many values as it has inputs. */
  readonly runRegion: (name: string, inputs: readonly Value[]) => readonly Value[];
}

/**
 * The naive reference. `element` computes any one element of the single output by its row-major
 * index, so that a few elements of a large result can be judged cheaply (`prepareAll` may form all
 * of them together, to the same bits); `stored` does so for operators that copy elements of any
 * type as they are stored; `whole` computes all outputs;
 * `values` reads and writes sequences and optionals too, and runs regions.
 */
export type Evaluator =
  | {
      readonly kind: "element";
      readonly prepare: (call: EvaluationCall) => ElementRule;
      readonly prepareAll: (call: EvaluationCall) => ElementRule;
    }
  | { readonly kind: "stored"; readonly prepare: (call: EvaluationCall) => StoredRule }
  | { readonly kind: "whole"; readonly run: (call: EvaluationCall) => readonly Tensor[] }
  | { readonly kind: "values"; readonly run: (call: ValueCall) => readonly Value[] };

export type ElementRule = (index: number) => number;
export type StoredRule = (index: number) => Stored;

export function element(
  prepare: (call: EvaluationCall) => ElementRule,
  prepareAll = prepare,
): Evaluator {
  return { kind: "element", prepare, prepareAll };
}

export function stored(prepare: (call: EvaluationCall) => StoredRule): Evaluator {
  return { kind: "stored", prepare };
}

export function values(run: (call: ValueCall) => readonly Value[]): Evaluator {
  return { kind: "values", run };
}

export function whole(run: (call: EvaluationCall) => readonly Tensor[]): Evaluator {
  return { kind: "whole", run };
}

export function numberAttribute(fallback?: number): AttributeRule {
  return fallback === undefined ? { type: "number" } : { type: "number", fallback };
}

export function numbersAttribute(fallback?: readonly number[]): AttributeRule {
  return fallback === undefined ? { type: "numbers" } : { type: "numbers", fallback };
}

export function textAttribute(fallback?: string): AttributeRule {
  return fallback === undefined ? { type: "text" } : { type: "text", fallback };
}

export function textsAttribute(fallback?: readonly string[]): AttributeRule {
  return fallback === undefined ? { type: "texts" } : { type: "texts", fallback };
}

/** Refuses a node: its inputs or attributes do not fit the operator. */
export function reject(reason: string): never {
  throw new CodedError("BAD_NODE", reason);
}

export function requireThat(condition: boolean, reason: string): asserts condition {
  if (!condition) reject(reason);
}

/** The type of a required input. */
export function inputType(call: InferenceCall, index: number): TensorType {
  return call.inputs[index] ?? reject(`input ${index} is missing`);
}

/** What is known of a required input. */
export function openType(call: InferenceCall, index: number): OpenType {
  return opened(call.openInputs[index] ?? reject(`input ${index} is missing`));
}

/** A required input that must be a tensor. */
export function tensorValue(call: ValueCall, index: number): Tensor {
  const value = call.inputs[index];
  return isTensor(value) ? value : reject(`input ${index} is no tensor`);
}

/** A required input at evaluation; its absence was refused by the verifier. */
export function inputTensor(call: EvaluationCall, index: number): Tensor {
  return call.inputs[index] ?? reject(`input ${index} is missing`);
}

export function outputType(call: EvaluationCall): TensorType {
  return call.outputTypes[0] ?? reject("no output");
}

/** The attributes of one node read through the rules of its operator. */
export function attributeReader(
  rules: Readonly<Record<string, AttributeRule>>,
  values: ReadonlyMap<string, Attribute>,
): AttributeReader {
  const read = (name: string, type: AttributeRule["type"]): Attribute => {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule?.type !== type) throw new Error(`bug: operator has no ${type} attribute ${name}`);
    return values.get(name) ?? rule.fallback ?? reject(`attribute ${name} is missing`);
  };
  return {
    number: (name) => read(name, "number") as number,
    numbers: (name) => read(name, "numbers") as readonly number[],
    text: (name) => read(name, "text") as string,
    texts: (name) => read(name, "texts") as readonly string[],
  };
}

/** Whether a value has the form that a rule asks for; an empty list is a list of either kind. */
export function fitsRule(rule: AttributeRule, value: Attribute): boolean {
  switch (rule.type) {
    case "number":
      return typeof value === "number";
    case "text":
      return typeof value === "string";
    case "numbers":
    case "texts": {
      const item = rule.type === "numbers" ? "number" : "string";
      return Array.isArray(value) && value.every((each) => typeof each === item);
    }
  }
}

/** The call with its attributes in the operator's normal form. */
export function normalForm(operator: Operator, call: InferenceCall): InferenceCall {
  const normal = operator.normal?.(call);
  if (normal === undefined) return call;
  const values = new Map(Object.entries(normal));
  return { ...call, attributes: attributeReader(operator.attributes, values) };
}
