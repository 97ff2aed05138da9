/** Operators on single elements: functions of one tensor, and broadcast pairs. */
import * as math from "../../../protocol/base/math.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  binary,
  clamp,
  compileExpression,
  constant,
  parseExpression,
  unary,
  X,
} from "../expression.ts";
import type { Expression, UnaryName } from "../expression.ts";
import {
  clampTo,
  encodingOf,
  productMultiplier,
  requantize,
  storedBounds,
  sumMultiplier,
} from "../int8.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  reject,
  requireThat,
  textAttribute,
} from "../operator.ts";
import type {
  AttributeReader,
  AttributeRule,
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
  QuantizedRule,
} from "../operator.ts";
import { broadcastIndex, broadcastShape, isFloat, numeric } from "../tensor.ts";
import { CLAMP_ATTRIBUTES } from "./convolution.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround } = Math;

type Formula = (attributes: AttributeReader) => Expression;

/** A function of one element; `formula` is its meaning, also for fusion and for code generation. */
export interface UnaryOperator extends Operator {
  readonly formula: Formula;
}

const { min, max, add, sub, mul, div } = {
  min: (a: Expression, b: Expression) => binary("min", a, b),
  max: (a: Expression, b: Expression) => binary("max", a, b),
  add: (a: Expression, b: Expression) => binary("add", a, b),
  sub: (a: Expression, b: Expression) => binary("sub", a, b),
  mul: (a: Expression, b: Expression) => binary("mul", a, b),
  div: (a: Expression, b: Expression) => binary("div", a, b),
};

export const UNARY_OPS = {
  relu: direct("max(x, 0).", () => max(X, constant(0))),
  clip: shaped(
    "x limited to [min, max].",
    { min: numberAttribute(-Infinity), max: numberAttribute(Infinity) },
    (attributes) => clamp(X, attributes.number("min"), attributes.number("max")),
  ),
  sigmoid: direct("1 / (1 + e^-x).", () => unary("sigmoid", X)),
  hard_sigmoid: shaped(
    "clamp(alpha * x + beta, 0, 1).",
    { alpha: numberAttribute(0.2), beta: numberAttribute(0.5) },
    (a) => clamp(add(mul(X, constant(a.number("alpha"))), constant(a.number("beta"))), 0, 1),
  ),
  hard_swish: direct("x * clamp(x + 3, 0, 6) / 6.", () =>
    div(mul(X, clamp(add(X, constant(3)), 0, 6)), constant(6)),
  ),
  leaky_relu: shaped(
    "x where positive, alpha * x elsewhere.",
    { alpha: numberAttribute(0.01) },
    (a) => add(max(X, constant(0)), mul(min(X, constant(0)), constant(a.number("alpha")))),
  ),
  elu: shaped(
    "x where positive, alpha * (e^x - 1) elsewhere.",
    { alpha: numberAttribute(1) },
    (a) => add(max(X, constant(0)), mul(constant(a.number("alpha")), shiftedExponential())),
  ),
  softplus: direct("log(1 + e^x).", () =>
    add(
      max(X, constant(0)),
      unary("log", add(constant(1), unary("exp", unary("neg", unary("abs", X))))),
    ),
  ),
  softsign: direct("x / (1 + |x|).", () => div(X, add(constant(1), unary("abs", X)))),
  gelu: direct("x / 2 * (1 + erf(x / sqrt 2)).", () =>
    mul(mul(constant(0.5), X), add(constant(1), unary("erf", mul(X, constant(Math.SQRT1_2))))),
  ),
  reciprocal: direct("1 / x.", () => div(constant(1), X)),
  tanh: named("tanh"),
  exp: named("exp"),
  log: named("log"),
  sqrt: named("sqrt"),
  erf: named("erf"),
  sin: named("sin"),
  cos: named("cos"),
  neg: named("neg"),
  abs: named("abs"),
  floor: named("floor"),
  ceil: named("ceil"),
  round: named("round"),
  sign: named("sign"),
  pointwise: shaped(
    "The function of x that the text `expr` spells; what a chain of elementwise nodes is fused to.",
    { expr: textAttribute() },
    (attributes) => parseExpression(attributes.text("expr")),
  ),
} as const satisfies Record<string, UnaryOperator>;

function shiftedExponential(): Expression {
  return sub(unary("exp", min(X, constant(0))), constant(1));
}

function named(name: UnaryName): UnaryOperator {
  return direct(`${name} of every element.`, () => unary(name, X));
}

function direct(docs: string, formula: Formula): UnaryOperator {
  return shaped(docs, {}, formula);
}

function shaped(
  docs: string,
  attributes: Record<string, AttributeRule>,
  formula: Formula,
): UnaryOperator {
  const prepare = (call: EvaluationCall): ElementRule => {
    const x = numeric(inputTensor(call, 0));
    const rule = compileExpression(formula(call.attributes));
    return (index) => rule(x[index] ?? 0);
  };
  const infer = (call: InferenceCall): readonly TensorType[] => {
    formula(call.attributes);
    return [plain(inputType(call, 0))];
  };
  const common = { docs, attributes, formula, infer, evaluator: element(prepare) };
  return { ...common, inputs: [1, 1], quantized: "table" };
}

function plain(type: TensorType): TensorType {
  return { dtype: type.dtype, shape: type.shape };
}

type PairRule = (a: number, b: number) => number;

export const PAIR_OPS = {
  add: clamped("a + b, clamped.", "rescaled_sum", (a, b) => a + b),
  sub: clamped("a - b, clamped.", "rescaled_sum", (a, b) => a - b),
  mul: clamped("a * b, clamped.", "rescaled_product", (a, b) => a * b),
  div: arithmetic("a / b; whole numbers are divided towards zero.", (a, b) => a / b),
  pow: arithmetic("a to the power b.", math.pow),
  min: arithmetic("The smaller of a and b.", (a, b) => Math.min(a, b)),
  max: arithmetic("The larger of a and b.", (a, b) => Math.max(a, b)),
  mod: arithmetic("The remainder of a / b with the sign of b.", (a, b) => a - b * floor(a / b)),
  prelu: arithmetic("a where positive, slope b times a elsewhere.", (a, b) => (a < 0 ? a * b : a)),
  equal: comparison("Whether a = b.", (a, b) => Number(a === b)),
  less: comparison("Whether a < b.", (a, b) => Number(a < b)),
  less_or_equal: comparison("Whether a <= b.", (a, b) => Number(a <= b)),
  greater: comparison("Whether a > b.", (a, b) => Number(a > b)),
  greater_or_equal: comparison("Whether a >= b.", (a, b) => Number(a >= b)),
  and: comparison("Whether a and b.", (a, b) => Number(a !== 0 && b !== 0)),
  or: comparison("Whether a or b.", (a, b) => Number(a !== 0 || b !== 0)),
  xor: comparison("Whether exactly one of a and b.", (a, b) => Number((a !== 0) !== (b !== 0))),
  where: {
    docs: "b where the condition a holds, c elsewhere; all three broadcast.",
    inputs: [3, 3],
    attributes: {},
    infer: inferWhere,
    evaluator: element(whereElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function clamped(docs: string, quantized: QuantizedRule, rule: PairRule): Operator {
  const prepare = (call: EvaluationCall): ElementRule => {
    const [low, high] = [call.attributes.number("clamp_min"), call.attributes.number("clamp_max")];
    if (outputType(call).quantization === undefined) {
      const bounded: PairRule = (a, b) => Math.min(Math.max(rule(a, b), low), high);
      return pairElement(call, low === -Infinity && high === Infinity ? rule : bounded);
    }
    const bounds = storedBounds(low, high, encodingOf(outputType(call)));
    const stored = quantized === "rescaled_product" ? int8Product(call) : int8Sum(call, rule);
    return pairElement(call, (a, b) => clampTo(stored(a, b), bounds));
  };
  const common = { docs, attributes: CLAMP_ATTRIBUTES, quantized, evaluator: element(prepare) };
  return { ...common, inputs: [2, 2], infer: (call) => inferPair(call) };
}

/** fround(fround((a - za) * ma) ± fround((b - zb) * mb)), half to even, plus the zero point. */
function int8Sum(call: EvaluationCall, rule: PairRule): PairRule {
  const [a, b] = [encodingOf(inputTensor(call, 0).type), encodingOf(inputTensor(call, 1).type)];
  const output = encodingOf(outputType(call));
  const [scaleA, scaleB] = [sumMultiplier(a, output), sumMultiplier(b, output)];
  return (left, right) => {
    const scaledA = fround((left - a.zeroPoint) * scaleA);
    const scaledB = fround((right - b.zeroPoint) * scaleB);
    return math.roundHalfEven(fround(rule(scaledA, scaledB))) + output.zeroPoint;
  };
}

function int8Product(call: EvaluationCall): PairRule {
  const [a, b] = [encodingOf(inputTensor(call, 0).type), encodingOf(inputTensor(call, 1).type)];
  const output = encodingOf(outputType(call));
  const multiplier = productMultiplier(a, b, output);
  return (left, right) =>
    requantize((left - a.zeroPoint) * (right - b.zeroPoint), multiplier, output);
}

function arithmetic(docs: string, rule: PairRule): Operator {
  const prepare = (call: EvaluationCall): ElementRule => pairElement(call, rule);
  const common = { docs, attributes: {}, evaluator: element(prepare) };
  return { ...common, inputs: [2, 2], infer: (call) => inferPair(call), quantized: "none" };
}

function comparison(docs: string, rule: PairRule): Operator {
  const prepare = (call: EvaluationCall): ElementRule => pairElement(call, rule);
  const infer = (call: InferenceCall): readonly TensorType[] =>
    inferPair(call).map((type) => ({ ...type, dtype: "bool" }));
  const common = { docs, attributes: {}, evaluator: element(prepare), infer };
  return { ...common, inputs: [2, 2], quantized: "none" };
}

function inferPair(call: InferenceCall): readonly TensorType[] {
  const [a, b] = [inputType(call, 0), inputType(call, 1)];
  requireThat(a.dtype === b.dtype, `the operands are ${a.dtype} and ${b.dtype}`);
  const shape = broadcastShape(a.shape, b.shape);
  if (shape === undefined) return reject(`[${a.shape}] and [${b.shape}] do not broadcast`);
  return [{ dtype: a.dtype, shape }];
}

function pairElement(call: EvaluationCall, rule: PairRule): ElementRule {
  const [a, b, output] = [inputTensor(call, 0), inputTensor(call, 1), outputType(call)];
  const [left, right] = [numeric(a), numeric(b)];
  const indexOfA = broadcastIndex(a.type.shape, output.shape);
  const indexOfB = broadcastIndex(b.type.shape, output.shape);
  if (isFloat(output.dtype) || output.dtype === "bool") {
    return (index) => rule(left[indexOfA(index)] ?? 0, right[indexOfB(index)] ?? 0);
  }
  return (index) => Math.trunc(rule(left[indexOfA(index)] ?? 0, right[indexOfB(index)] ?? 0));
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

function whereElement(call: EvaluationCall): ElementRule {
  const { shape } = outputType(call);
  const read = (position: number): ElementRule => {
    const operand: Tensor = inputTensor(call, position);
    const values = numeric(operand);
    const indexOf = broadcastIndex(operand.type.shape, shape);
    return (index) => values[indexOf(index)] ?? 0;
  };
  const [condition, yes, no] = [read(0), read(1), read(2)];
  return (index) => (condition(index) === 0 ? no(index) : yes(index));
}
