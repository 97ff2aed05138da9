/** Functions of one element whose meaning is an expression: fusion and code generation read it too. */
import type { DType, TensorType } from "../graph.ts";
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
  element,
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  textAttribute,
} from "../operator.ts";
import type {
  AttributeReader,
  AttributeRule,
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
} from "../operator.ts";
import { isInteger, numeric } from "../tensor.ts";
import { plainType } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

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
  softplus: direct("log(1 + e^x).", softplus),
  softsign: direct("x / (1 + |x|).", () => div(X, add(constant(1), unary("abs", X)))),
  gelu: direct("x / 2 * (1 + erf(x / sqrt 2)).", () =>
    mul(mul(constant(0.5), X), add(constant(1), unary("erf", mul(X, constant(Math.SQRT1_2))))),
  ),
  gelu_tanh: direct("x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))).", () =>
    mul(
      mul(constant(0.5), X),
      add(
        constant(1),
        unary(
          "tanh",
          mul(constant(0.7978845608028654), add(X, mul(constant(0.044715), mul(X, mul(X, X))))),
        ),
      ),
    ),
  ),
  swish: shaped("x / (1 + e^(-alpha x)).", { alpha: numberAttribute(1) }, swish),
  mish: direct("x * tanh(log(1 + e^x)).", () => mul(X, unary("tanh", softplus()))),
  selu: shaped(
    "gamma * x where positive, gamma * alpha * (e^x - 1) elsewhere.",
    { alpha: numberAttribute(1.6732632423543772), gamma: numberAttribute(1.0507009873554805) },
    (a) =>
      mul(
        constant(a.number("gamma")),
        add(max(X, constant(0)), mul(constant(a.number("alpha")), shiftedExponential())),
      ),
  ),
  celu: shaped(
    "x where positive, alpha * (e^(x / alpha) - 1) elsewhere.",
    { alpha: numberAttribute(1) },
    (a) => {
      const alpha = constant(a.number("alpha"));
      const power = unary("exp", div(min(X, constant(0)), alpha));
      return add(max(X, constant(0)), mul(alpha, sub(power, constant(1))));
    },
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

function softplus(): Expression {
  const rest = unary("log", add(constant(1), unary("exp", unary("neg", unary("abs", X)))));
  return add(max(X, constant(0)), rest);
}

function swish(attributes: AttributeReader): Expression {
  return mul(X, unary("sigmoid", mul(constant(attributes.number("alpha")), X)));
}

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
    const rule = compileExpression(formula(call.attributes), rounding(outputType(call).dtype));
    return (index) => rule(x[index] ?? 0);
  };
  const infer = (call: InferenceCall): readonly TensorType[] => {
    formula(call.attributes);
    return [plainType(inputType(call, 0))];
  };
  const common = { docs, attributes, formula, infer, evaluator: element(prepare) };
  return { ...common, inputs: [1, 1], quantized: "table" };
}

/** Every step is one float32 operation, but for types that hold more than a float32 does. */
function rounding(dtype: DType): (value: number) => number {
  return dtype === "f64" || isInteger(dtype) ? (value) => value : fround;
}
