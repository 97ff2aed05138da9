/** Functions of one element, and of pairs of elements that broadcast. */
import type { Attribute } from "../../../ir/index.ts";
import { requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import type { Scope } from "../scope.ts";
import type { Value } from "../value.ts";
import { emitActivated, emitElementwise, isStored } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { emitTabled, isTabled } from "./stored-functions.ts";
import { emitStoredPair, isStoredPair } from "./stored-pairs.ts";

/** An ir row with its attributes. */
interface Row {
  readonly row: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** The row that computes a function of one element, from the operator's options. */
const FUNCTIONS: Readonly<Record<string, (op: Operator) => Row>> = {
  RELU: () => ({ row: "relu" }),
  RELU6: () => clip(0, 6),
  RELU_N1_TO_1: () => clip(-1, 1),
  RELU_0_TO_1: () => clip(0, 1),
  LOGISTIC: () => ({ row: "sigmoid" }),
  TANH: () => ({ row: "tanh" }),
  HARD_SWISH: () => ({ row: "hard_swish" }),
  ELU: () => ({ row: "elu" }),
  LEAKY_RELU: (op) => {
    return { row: "leaky_relu", attributes: { alpha: op.options("LeakyRelu").alpha } };
  },
  GELU: (op) => (op.options("Gelu").approximate ? spelled(TANH_GELU) : { row: "gelu" }),
  EXP: () => ({ row: "exp" }),
  LOG: () => ({ row: "log" }),
  SQRT: () => ({ row: "sqrt" }),
  RSQRT: () => spelled("1 / sqrt(x)"),
  SQUARE: () => spelled("x * x"),
  SIN: () => ({ row: "sin" }),
  COS: () => ({ row: "cos" }),
  ABS: () => ({ row: "abs" }),
  NEG: () => ({ row: "neg" }),
  CEIL: () => ({ row: "ceil" }),
  FLOOR: () => ({ row: "floor" }),
  ROUND: () => ({ row: "round" }),
  SIGN: () => ({ row: "sign" }),
};

const TANH_GELU = "0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))";

function clip(min: number, max: number): Row {
  return { row: "clip", attributes: { min, max } };
}

function spelled(expr: string): Row {
  return { row: "pointwise", attributes: { expr } };
}

/** Pairs without a fused activation. */
const PAIRS: Readonly<Record<string, string>> = {
  MAXIMUM: "max",
  MINIMUM: "min",
  POW: "pow",
  FLOOR_MOD: "mod",
  PRELU: "prelu",
  EQUAL: "equal",
  LESS: "less",
  LESS_EQUAL: "less_or_equal",
  GREATER: "greater",
  GREATER_EQUAL: "greater_or_equal",
  BITWISE_XOR: "bitwise_xor",
  RIGHT_SHIFT: "shift_right",
  LOGICAL_AND: "and",
  LOGICAL_OR: "or",
};

/** Pairs with one, and where their rows clamp by themselves. */
const ARITHMETIC: Readonly<Record<string, { row: string; table: "Add" | "Sub" | "Mul" | "Div" }>> =
  {
    ADD: { row: "add", table: "Add" },
    SUB: { row: "sub", table: "Sub" },
    MUL: { row: "mul", table: "Mul" },
    DIV: { row: "div", table: "Div" },
  };

const FLOAT: Readonly<Record<string, Handler>> = {
  ...mapped(FUNCTIONS, (rowOf) => (op, scope) => [importFunction(op, scope, rowOf(op))]),
  ...mapped(PAIRS, (row) => (op, scope) => [emitElementwise(op, scope, pair(op, row))]),
  ...mapped(ARITHMETIC, ({ row, table }) => (op, scope) => {
    const { activation } = op.options(table);
    return [emitActivated(op, scope, { ...pair(op, row), activation, clamps: row !== "div" })];
  }),
  NOT_EQUAL: (op, scope) => {
    const equal = emitElementwise(op, scope, { ...pair(op, "equal"), inner: "equal" });
    return [inverted(op, scope, equal)];
  },
  LOGICAL_NOT: (op, scope) => [inverted(op, scope, requiredInput(op, 0))],
  SQUARED_DIFFERENCE: (op, scope) => {
    const difference = emitElementwise(op, scope, { ...pair(op, "sub"), inner: "difference" });
    return [emitElementwise(op, scope, { op: "mul", inputs: [difference, difference] })];
  },
  FLOOR_DIV: (op, scope) => {
    const quotient = emitElementwise(op, scope, { ...pair(op, "div"), inner: "quotient" });
    return [emitElementwise(op, scope, { op: "floor", inputs: [quotient] })];
  },
  ATAN2: (op, scope) => [importAtan2(op, scope)],
  ADD_N: (op, scope) => [importSum(op, scope)],
};

/** Stored numbers have rules of their own. */
export const ELEMENTWISE: Readonly<Record<string, Handler>> = Object.fromEntries(
  Object.entries(FLOAT).map(([code, handler]): [string, Handler] => [
    code,
    (op, scope) => {
      if (!isStored(requiredInput(op, 0))) return handler(op, scope);
      if (isTabled(code)) return [emitTabled(op, scope)];
      if (isStoredPair(code)) return [emitStoredPair(op, scope)];
      const inputs = op.inputs.map(
        (value, position) => value && real(op, scope, { value, position }),
      );
      return handler({ ...op, inputs }, scope);
    },
  ]),
);

/** Comparisons look at the real numbers. */
function real(
  op: Operator,
  scope: Scope,
  { value, position }: { readonly value: Value; readonly position: number },
): Value {
  const { quantization } = value.type;
  if (quantization?.scales.length !== 1 || !isStored(value)) return value;
  const attributes = { scales: quantization.scales, zero_points: quantization.zeroPoints };
  const inner = `real.${position}`;
  return emitElementwise(op, scope, { op: "dequantize", inputs: [value], attributes, inner });
}

function mapped<Entry>(
  entries: Readonly<Record<string, Entry>>,
  handlerOf: (entry: Entry) => Handler,
): Record<string, Handler> {
  return Object.fromEntries(
    Object.entries(entries).map(([code, entry]) => [code, handlerOf(entry)]),
  );
}

function importFunction(op: Operator, scope: Scope, { row, attributes = {} }: Row): Value {
  return emitElementwise(op, scope, { op: row, inputs: [requiredInput(op, 0)], attributes });
}

function pair(op: Operator, row: string) {
  return { op: row, inputs: [requiredInput(op, 0), requiredInput(op, 1)] };
}

function inverted(op: Operator, scope: Scope, value: Value): Value {
  const yes = scope.numbers(op, "bool", [1]);
  return emitElementwise(op, scope, { op: "xor", inputs: [value, yes] });
}

function importSum(op: Operator, scope: Scope): Value {
  let sum = requiredInput(op, 0);
  for (let position = 1; position < op.inputs.length; position++) {
    const inputs = [sum, requiredInput(op, position)];
    const last = position === op.inputs.length - 1;
    const inner = last ? {} : { inner: `sum.${position}` };
    sum = emitElementwise(op, scope, { op: "add", inputs, ...inner });
  }
  return sum;
}

/** The angle of (x, y): atan(y / x), turned by pi to the side of y where x is negative. */
function importAtan2(op: Operator, scope: Scope): Value {
  const [y, x] = [requiredInput(op, 0), requiredInput(op, 1)];
  const zero = scope.numbers(op, "f32", [0]);
  const number = (value: number): Value => scope.numbers(op, "f32", [value]);
  const step = (row: string, inputs: readonly Value[], inner: string): Value =>
    emitElementwise(op, scope, { op: row, inputs, inner });
  const angle = step("atan", [step("div", [y, x], "slope")], "angle");
  const below = step("less", [y, zero], "below");
  const turn = step("where", [below, number(-Math.PI), number(Math.PI)], "turn");
  const behind = step("less", [x, zero], "behind");
  const turned = step("where", [behind, step("add", [angle, turn], "turned"), angle], "either");
  // Without any extent there is no slope: the angle of (0, 0) is 0.
  const nowhere = step(
    "and",
    [step("equal", [x, zero], "x0"), step("equal", [y, zero], "y0")],
    "nowhere",
  );
  return emitElementwise(op, scope, { op: "where", inputs: [nowhere, zero, turned] });
}
