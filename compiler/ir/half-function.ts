/**
 * Functions of one fp16 element, as a chip computes them: step by step, each step rounded once to fp16. The
 * evaluator runs the steps and code generation prints them, so that both agree in every bit.
 * A function that is one of the chip's elementary ones is that single step, however it is spelled.
 */
import { unreachable } from "../../protocol/base/assert.ts";
import { encodeHalf, roundToHalf } from "../../protocol/base/half.ts";
import { CodedError } from "../../protocol/base/result.ts";
import { ELEMENTARY, VECTOR_REGISTERS } from "../../protocol/isa/index.ts";
import { compileExpression } from "./expression.ts";
import type { BinaryName, Expression, UnaryName } from "./expression.ts";

export type ElementaryStep = keyof typeof ELEMENTARY;
type Arithmetic = "add" | "subtract" | "multiply" | "minimum" | "maximum" | "divide";

/** Operands are indices of earlier steps; the value of the last step is the function's. */
export type HalfStep =
  | { readonly kind: "x" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "elementary"; readonly name: ElementaryStep; readonly a: number }
  | { readonly kind: "floor"; readonly a: number }
  | {
      readonly kind: "arithmetic";
      readonly name: Arithmetic;
      readonly a: number;
      readonly b: number;
    };

const { fround } = Math;

const ARITHMETIC: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  divide: (a, b) => a / b,
};

const BINARY: Readonly<Partial<Record<BinaryName, Arithmetic>>> = {
  ...{ add: "add", sub: "subtract", mul: "multiply", min: "minimum", max: "maximum" },
  div: "divide",
};

const UNARY: Readonly<Partial<Record<UnaryName, ElementaryStep>>> = {
  ...{ sqrt: "sqrt_f16", exp: "exp_f16", log: "log_f16", tanh: "tanh_f16" },
  ...{ sigmoid: "sigmoid_f16", erf: "erf_f16", sin: "sin_f16", cos: "cos_f16" },
};

/** Throws CodedError NO_HALF_FORM for a function that the steps cannot express. */
export function halfSteps(expression: Expression): readonly HalfStep[] {
  const whole = recognised(expression);
  const steps: HalfStep[] = [{ kind: "x" }];
  if (whole !== undefined) return [...steps, { kind: "elementary", name: whole, a: 0 }];
  emit(expression, steps);
  // Every step has a register of its own.
  if (steps.length > VECTOR_REGISTERS) throw noForm(`a function of ${steps.length} steps`);
  return steps;
}

function emit(expression: Expression, steps: HalfStep[]): number {
  const push = (step: HalfStep): number => steps.push(step) - 1;
  switch (expression.kind) {
    case "x":
      return 0;
    case "constant":
      return push({ kind: "constant", value: roundToHalf(expression.value) });
    case "unary":
      return emitUnary(expression.name, emit(expression.argument, steps), push);
    case "binary": {
      const name = BINARY[expression.name];
      if (name === undefined) throw noForm(expression.name);
      const a = emit(expression.left, steps);
      return push({ kind: "arithmetic", name, a, b: emit(expression.right, steps) });
    }
    default:
      return unreachable(expression);
  }
}

function emitUnary(name: UnaryName, a: number, push: (step: HalfStep) => number): number {
  const elementary = UNARY[name];
  if (elementary !== undefined) return push({ kind: "elementary", name: elementary, a });
  if (name === "floor") return push({ kind: "floor", a });
  const negated = (): number => {
    const minusOne = push({ kind: "constant", value: -1 });
    return push({ kind: "arithmetic", name: "multiply", a, b: minusOne });
  };
  if (name === "neg") return negated();
  if (name === "abs") return push({ kind: "arithmetic", name: "maximum", a: negated(), b: a });
  throw noForm(name);
}

function noForm(name: string): CodedError<"NO_HALF_FORM"> {
  return new CodedError("NO_HALF_FORM", `${name} has no fp16 form`, { name });
}

/** Points at which two functions that agree are the same for our purposes. */
const PROBES = Array.from({ length: 41 }, (_, index) => (index - 20) / 2.5 + 0.01);
const PROBE_TOLERANCE = 1e-5;
const SPELLED: readonly ElementaryStep[] = ["silu_f16", "gelu_f16", "sigmoid_f16"];

/** The elementary function that the expression spells out. */
function recognised(expression: Expression): ElementaryStep | undefined {
  const rule = compileExpression(expression);
  return SPELLED.find((name) => {
    const of = ELEMENTARY[name];
    return PROBES.every((x) => Math.abs(rule(x) - of(x)) <= PROBE_TOLERANCE);
  });
}

/** The function on numbers that are fp16 values. */
export function compileHalf(expression: Expression): (x: number) => number {
  const steps = halfSteps(expression);
  const values = new Float64Array(steps.length);
  return (x) => {
    steps.forEach((step, index) => {
      values[index] = runStep(step, values, x);
    });
    return values[steps.length - 1]!;
  };
}

function runStep(step: HalfStep, values: Float64Array, x: number): number {
  switch (step.kind) {
    case "x":
      return x;
    case "constant":
      return step.value;
    case "elementary":
      return roundToHalf(ELEMENTARY[step.name](values[step.a]!));
    case "floor":
      return Math.floor(values[step.a]!);
    case "arithmetic":
      return roundToHalf(fround(ARITHMETIC[step.name](values[step.a]!, values[step.b]!)));
    default:
      return unreachable(step);
  }
}

/** The fp16 bits of the nearest value that is no negative zero. */
export function halfBits(value: number): number {
  return encodeHalf(value) & (value === 0 ? 0x7fff : 0xffff);
}
