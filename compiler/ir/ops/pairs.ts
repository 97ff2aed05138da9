/** Operators on broadcast pairs of elements, and the choice between two by a third. */
import * as math from "../../../protocol/base/math.ts";
import { productFactor, productOf, sumFactors, sumOf } from "../fixed-16.ts";
import type { Sign } from "../fixed-16.ts";
import type { TensorType } from "../graph.ts";
import {
  clampTo,
  encodingOf,
  productMultiplier,
  activationOf,
  requantize,
  storedBounds,
  sumMultiplier,
} from "../int8.ts";
import { inputTensor, inputType, outputType, reject, requireThat, stored } from "../operator.ts";
import type {
  EvaluationCall,
  InferenceCall,
  Operator,
  QuantizedRule,
  StoredRule,
} from "../operator.ts";
import { broadcastIndex, broadcastShape, isInteger, numeric, storedFrom } from "../tensor.ts";
import type { Stored } from "../tensor.ts";
import { comparable } from "../walk.ts";
import { CLAMP_ATTRIBUTES } from "./convolution.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, floor, fround, trunc } = Math;

type PairRule = (a: number, b: number) => number;
type ExactRule = (a: bigint, b: bigint) => bigint;

export const PAIR_OPS = {
  add: clamped(
    "a + b, clamped. int8: (a - za) * fa + (b - zb) * fb with factors of 16 bits, shifted.",
    { quantized: "rescaled_sum", rules: [(a, b) => a + b, (a, b) => a + b] },
    (call) => storedSum(call, 1),
  ),
  sub: clamped(
    "a - b, clamped. int8: as add.",
    { quantized: "rescaled_sum", rules: [(a, b) => a - b, (a, b) => a - b] },
    (call) => storedSum(call, -1),
  ),
  mul: clamped(
    "a * b, clamped. int8: b - zb times a factor, shifted to 16 bits, times a - za, shifted.",
    { quantized: "rescaled_product", rules: [(a, b) => a * b, (a, b) => a * b] },
    storedProduct,
  ),
  div: arithmetic("a / b; whole numbers are divided towards zero.", [
    (a, b) => a / b,
    (a, b) => (b === 0n ? 0n : a / b),
  ]),
  pow: arithmetic("a to the power b.", [math.pow, wholePower]),
  min: arithmetic("The smaller of a and b.", [Math.min, (a, b) => (a < b ? a : b)]),
  max: arithmetic("The larger of a and b.", [Math.max, (a, b) => (a > b ? a : b)]),
  mod: arithmetic("The remainder of a / b with the sign of b.", [
    (a, b) => a - b * floor(a / b),
    (a, b) => (b === 0n ? 0n : ((a % b) + b) % b),
  ]),
  fmod: arithmetic("The remainder of a / b with the sign of a.", [
    (a, b) => a % b,
    (a, b) => (b === 0n ? 0n : a % b),
  ]),
  prelu: arithmetic("a where positive, slope b times a elsewhere.", [
    (a, b) => (a < 0 ? a * b : a),
    (a, b) => (a < 0n ? a * b : a),
  ]),
  equal: comparison("Whether a = b.", (a, b) => a === b),
  less: comparison("Whether a < b.", (a, b) => a < b),
  less_or_equal: comparison("Whether a <= b.", (a, b) => a <= b),
  greater: comparison("Whether a > b.", (a, b) => a > b),
  greater_or_equal: comparison("Whether a >= b.", (a, b) => a >= b),
  and: comparison("Whether a and b.", (a, b) => a !== 0 && b !== 0),
  or: comparison("Whether a or b.", (a, b) => a !== 0 || b !== 0),
  xor: comparison("Whether exactly one of a and b.", (a, b) => (a !== 0) !== (b !== 0)),
  where: {
    docs: "b where the condition a holds, c elsewhere; all three broadcast.",
    inputs: [3, 3],
    attributes: {},
    infer: inferWhere,
    evaluator: stored(whereStored),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

/** The rule on numbers, and on 64-bit whole numbers, where it must be exact. */
type Rules = readonly [PairRule, ExactRule];

function wholePower(base: bigint, exponent: bigint): bigint {
  return exponent < 0n ? 0n : base ** exponent;
}

function clamped(
  docs: string,
  { quantized, rules }: { readonly quantized: QuantizedRule; readonly rules: Rules },
  storedRule: (call: EvaluationCall) => PairRule,
): Operator {
  const prepare = (call: EvaluationCall): StoredRule => {
    const [low, high] = [call.attributes.number("clamp_min"), call.attributes.number("clamp_max")];
    const [rule, exact] = rules;
    if (outputType(call).quantization === undefined) {
      const open = low === -Infinity && high === Infinity;
      const bounded: PairRule = (a, b) => Math.min(Math.max(rule(a, b), low), high);
      return arithmeticRule(call, [open ? rule : bounded, exact]);
    }
    const bounds = storedBounds(
      [low, high],
      encodingOf(outputType(call)),
      activationOf(outputType(call)),
    );
    const onStored = storedRule(call);
    return pairElement(call, (a, b) => clampTo(onStored(a, b), bounds));
  };
  const infer = (call: InferenceCall) => inferPair(call);
  const common = { docs, attributes: CLAMP_ATTRIBUTES, quantized, infer };
  return { ...common, inputs: [2, 2], evaluator: stored(prepare) };
}

function arithmetic(docs: string, rules: Rules): Operator {
  const evaluator = stored((call) => arithmeticRule(call, rules));
  const infer = (call: InferenceCall) => inferPair(call);
  return { docs, inputs: [2, 2], attributes: {}, infer, evaluator, quantized: "none" };
}

function comparison(docs: string, holds: (a: Stored, b: Stored) => boolean): Operator {
  const prepare = (call: EvaluationCall): StoredRule => {
    const [left, right] = [comparable(inputTensor(call, 0)), comparable(inputTensor(call, 1))];
    const [indexOfA, indexOfB] = operandIndices(call);
    return (index) => Number(holds(left[indexOfA(index)] ?? 0, right[indexOfB(index)] ?? 0));
  };
  const infer = (call: InferenceCall): readonly TensorType[] =>
    inferPair(call).map((type) => ({ ...type, dtype: "bool" }));
  const common = { docs, attributes: {}, evaluator: stored(prepare), infer };
  return { ...common, inputs: [2, 2], quantized: "none" };
}

function inferPair(call: InferenceCall): readonly TensorType[] {
  const [a, b] = [inputType(call, 0), inputType(call, 1)];
  requireThat(a.dtype === b.dtype, `the operands are ${a.dtype} and ${b.dtype}`);
  const shape = broadcastShape(a.shape, b.shape);
  if (shape === undefined) return reject(`[${a.shape}] and [${b.shape}] do not broadcast`);
  return [{ dtype: a.dtype, shape }];
}

function operandIndices(call: EvaluationCall) {
  const { shape } = outputType(call);
  const [a, b] = [inputTensor(call, 0), inputTensor(call, 1)];
  return [broadcastIndex(a.type.shape, shape), broadcastIndex(b.type.shape, shape)] as const;
}

/** Whole numbers wrap at their width: what a double cannot hold goes through the exact rule. */
function arithmeticRule(call: EvaluationCall, [rule, exact]: Rules): StoredRule {
  const { dtype } = outputType(call);
  const [a, b] = [inputTensor(call, 0), inputTensor(call, 1)];
  const [indexOfA, indexOfB] = operandIndices(call);
  if (dtype === "i64" || dtype === "u64") {
    const [left, right] = [a.data as BigInt64Array, b.data as BigInt64Array];
    return (index) => exact(left[indexOfA(index)] ?? 0n, right[indexOfB(index)] ?? 0n);
  }
  const store = storedFrom(dtype);
  if (!isInteger(dtype)) return pairElement(call, (one, other) => store(rule(one, other)));
  return pairElement(call, (one, other) => {
    const result = trunc(rule(one, other));
    if (abs(result) <= Number.MAX_SAFE_INTEGER || !Number.isFinite(result)) return store(result);
    return store(Number(BigInt.asIntN(32, exact(BigInt(one), BigInt(other)))));
  });
}

function pairElement(call: EvaluationCall, rule: (a: number, b: number) => Stored): StoredRule {
  const [left, right] = [numeric(inputTensor(call, 0)), numeric(inputTensor(call, 1))];
  const [indexOfA, indexOfB] = operandIndices(call);
  return (index) => rule(left[indexOfA(index)] ?? 0, right[indexOfB(index)] ?? 0);
}

/** int8: see fixed-16. int16: fround(fround((a - za) * ma) ± fround((b - zb) * mb)), half to even, plus the zero point. */
function storedSum(call: EvaluationCall, sign: Sign): PairRule {
  const [a, b] = [encodingOf(inputTensor(call, 0).type), encodingOf(inputTensor(call, 1).type)];
  const output = encodingOf(outputType(call));
  if (activationOf(outputType(call)) === "i8") {
    const factors = sumFactors([a, b], output, [1, sign]);
    return (left, right) =>
      sumOf(factors, left - a.zeroPoint, right - b.zeroPoint) + output.zeroPoint;
  }
  const [scaleA, scaleB] = [sumMultiplier(a, output), sumMultiplier(b, output)];
  return (left, right) => {
    const scaledA = fround((left - a.zeroPoint) * scaleA);
    const scaledB = fround((right - b.zeroPoint) * scaleB);
    return math.roundHalfEven(fround(scaledA + sign * scaledB)) + output.zeroPoint;
  };
}

/** int8: see fixed-16. int16: one float32 multiplier, half to even. */
function storedProduct(call: EvaluationCall): PairRule {
  const [a, b] = [encodingOf(inputTensor(call, 0).type), encodingOf(inputTensor(call, 1).type)];
  const output = encodingOf(outputType(call));
  if (activationOf(outputType(call)) === "i8") {
    const factor = productFactor(a, b, output);
    return (left, right) =>
      productOf(factor, left - a.zeroPoint, right - b.zeroPoint) + output.zeroPoint;
  }
  const multiplier = productMultiplier(a, b, output);
  return (left, right) =>
    requantize((left - a.zeroPoint) * (right - b.zeroPoint), multiplier, output);
}

function inferWhere(call: InferenceCall): readonly TensorType[] {
  const [condition, a, b] = [inputType(call, 0), inputType(call, 1), inputType(call, 2)];
  requireThat(condition.dtype === "bool", "the condition must be bool");
  requireThat(a.dtype === b.dtype, `the branches are ${a.dtype} and ${b.dtype}`);
  const branches = broadcastShape(a.shape, b.shape);
  const shape = branches && broadcastShape(branches, condition.shape);
  if (shape === undefined) return reject("the operands do not broadcast");
  return [{ dtype: a.dtype, shape }];
}

function whereStored(call: EvaluationCall): StoredRule {
  const { shape } = outputType(call);
  const read = (position: number): StoredRule => {
    const { type, data } = inputTensor(call, position);
    const indexOf = broadcastIndex(type.shape, shape);
    return (index) => data[indexOf(index)] ?? 0;
  };
  const [condition, yes, no] = [read(0), read(1), read(2)];
  return (index) => (condition(index) === 0 ? no(index) : yes(index));
}
