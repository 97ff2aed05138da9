/** What the ops table says about one operator, and the small helpers its rows are written with. */
import { CodedError } from "../../protocol/base/result.ts";
import type { Attribute, Tensor, TensorType } from "./graph.ts";

/**
 * How an operator runs on int8 values:
 * - accumulate: int32 sum of (x - zx) * w plus bias, F32_RNE by a multiplier per output channel;
 * - rescaled_sum: both operands scaled to the output's encoding in float32, added, rounded once;
 * - rescaled_product: int32 product, F32_RNE by one multiplier;
 * - mean: int32 sum over a window of fixed size, F32_RNE;
 * - softmax: a table of 20-bit exponentials, exact int32 sum, float32 division;
 * - movement: elements are copied or compared; input and output share one encoding;
 * - table: any function of one element becomes a `lut` node of 256 entries;
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
  | "none";

export interface Operator {
  /** One sentence for the reference manual. */
  readonly docs: string;
  /** Fewest and most inputs; an absent optional input is the name "". */
  readonly inputs: readonly [fewest: number, most: number];
  readonly attributes: Readonly<Record<string, AttributeRule>>;
  /** The output types; calls `reject` with the reason when the inputs do not fit. */
  readonly infer: (call: InferenceCall) => readonly TensorType[];
  readonly evaluator: Evaluator;
  readonly quantized: QuantizedRule;
}

/** An attribute without a fallback is required. */
export interface AttributeRule {
  readonly type: "number" | "numbers" | "text";
  readonly fallback?: Attribute;
}

/** Attribute values with the table's defaults filled in. */
export interface AttributeReader {
  number(name: string): number;
  numbers(name: string): readonly number[];
  text(name: string): string;
}

export interface InferenceCall {
  readonly inputs: readonly (TensorType | undefined)[];
  readonly attributes: AttributeReader;
}

export interface EvaluationCall {
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: AttributeReader;
  readonly outputTypes: readonly TensorType[];
}

/**
 * The naive reference. `element` computes any one element of the single output by its row-major
 * index, so that a few elements of a large result can be judged cheaply; `whole` computes all.
 */
export type Evaluator =
  | { readonly kind: "element"; readonly prepare: (call: EvaluationCall) => ElementRule }
  | { readonly kind: "whole"; readonly run: (call: EvaluationCall) => readonly Tensor[] };

export type ElementRule = (index: number) => number;

export function element(prepare: (call: EvaluationCall) => ElementRule): Evaluator {
  return { kind: "element", prepare };
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
  };
}
