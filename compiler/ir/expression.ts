/**
 * Functions of one element x: the meaning of every unary operator and of `pointwise` nodes. One
 * small grammar, evaluated step by step in float32:
 *   sum := term (("+" | "-") term)*        term := factor (("*" | "/") factor)*
 *   factor := number | "x" | "-" factor | "(" sum ")" | name "(" sum ("," sum)* ")"
 */
import { unreachable } from "../../protocol/base/assert.ts";
import * as math from "../../protocol/base/math.ts";
import { CodedError } from "../../protocol/base/result.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

export type Expression =
  | { readonly kind: "x" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "unary"; readonly name: UnaryName; readonly argument: Expression }
  | {
      readonly kind: "binary";
      readonly name: BinaryName;
      readonly left: Expression;
      readonly right: Expression;
    };

const UNARY = {
  neg: (a: number) => -a,
  abs: (a: number) => Math.abs(a),
  sqrt: (a: number) => Math.sqrt(a),
  exp: math.exp,
  log: math.log,
  tanh: math.tanh,
  sigmoid: math.sigmoid,
  erf: math.erf,
  sin: math.sin,
  cos: math.cos,
  floor: (a: number) => Math.floor(a),
  ceil: (a: number) => Math.ceil(a),
  round: math.roundHalfEven,
  sign: (a: number) => (a > 0 ? 1 : a < 0 ? -1 : a),
} as const satisfies Record<string, (a: number) => number>;

const BINARY = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  min: (a: number, b: number) => Math.min(a, b),
  max: (a: number, b: number) => Math.max(a, b),
  pow: math.pow,
} as const satisfies Record<string, (a: number, b: number) => number>;

export type UnaryName = keyof typeof UNARY;
export type BinaryName = keyof typeof BINARY;

const INFIX: Readonly<Partial<Record<BinaryName, string>>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
};

export const X: Expression = { kind: "x" };

export function constant(value: number): Expression {
  return { kind: "constant", value: fround(value) };
}

export function unary(name: UnaryName, argument: Expression): Expression {
  return { kind: "unary", name, argument };
}

export function binary(name: BinaryName, left: Expression, right: Expression): Expression {
  return { kind: "binary", name, left, right };
}

/** max(low, min(high, e)) in the order in which the chip clamps: low wins when they cross. */
export function clamp(argument: Expression, low: number, high: number): Expression {
  const below = high === Infinity ? argument : binary("min", argument, constant(high));
  return low === -Infinity ? below : binary("max", below, constant(low));
}

/** The expression as a function; x and every step are rounded, to float32 unless told otherwise. */
export function compileExpression(
  expression: Expression,
  round: (value: number) => number = fround,
): (x: number) => number {
  switch (expression.kind) {
    case "x":
      return round;
    case "constant":
      return () => expression.value;
    case "unary": {
      const argument = compileExpression(expression.argument, round);
      const rule = UNARY[expression.name];
      return (x) => round(rule(argument(x)));
    }
    case "binary": {
      const left = compileExpression(expression.left, round);
      const right = compileExpression(expression.right, round);
      const rule = BINARY[expression.name];
      return (x) => round(rule(left(x), right(x)));
    }
    default:
      return unreachable(expression);
  }
}

/** `expression` with every x replaced: outer(inner(x)). */
export function substitute(expression: Expression, inner: Expression): Expression {
  switch (expression.kind) {
    case "x":
      return inner;
    case "constant":
      return expression;
    case "unary":
      return unary(expression.name, substitute(expression.argument, inner));
    case "binary": {
      const left = substitute(expression.left, inner);
      return binary(expression.name, left, substitute(expression.right, inner));
    }
    default:
      return unreachable(expression);
  }
}

/** How many operations an expression has. */
export function operationCount(expression: Expression): number {
  switch (expression.kind) {
    case "x":
    case "constant":
      return 0;
    case "unary":
      return 1 + operationCount(expression.argument);
    case "binary":
      return 1 + operationCount(expression.left) + operationCount(expression.right);
    default:
      return unreachable(expression);
  }
}

export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case "x":
      return "x";
    case "constant":
      return printNumber(expression.value);
    case "unary":
      return `${expression.name}(${printExpression(expression.argument)})`;
    case "binary": {
      const [left, right] = [printExpression(expression.left), printExpression(expression.right)];
      const infix = INFIX[expression.name];
      return infix === undefined
        ? `${expression.name}(${left},${right})`
        : `(${left}${infix}${right})`;
    }
    default:
      return unreachable(expression);
  }
}

/** A negative number is written in parentheses, so that "x--1" never appears. */
function printNumber(value: number): string {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return text.startsWith("-") ? `(${text})` : text;
}

/** Throws CodedError BAD_EXPRESSION with the position of the first character that does not fit. */
export function parseExpression(text: string): Expression {
  const cursor = { text, position: 0, depth: 0 };
  const expression = parseSum(cursor);
  if (cursor.position < text.length) refuse(cursor, "end");
  return expression;
}

interface Cursor {
  readonly text: string;
  position: number;
  depth: number;
}

const DEPTH_MAX = 200;

function refuse(cursor: Cursor, expected: string): never {
  const message = `expected ${expected} at ${cursor.position} of "${cursor.text.slice(0, 200)}"`;
  throw new CodedError("BAD_EXPRESSION", message);
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  const spaces = /\s*/y;
  spaces.lastIndex = cursor.position;
  spaces.exec(cursor.text);
  pattern.lastIndex = spaces.lastIndex;
  const match = pattern.exec(cursor.text);
  if (match === null) return undefined;
  cursor.position = pattern.lastIndex;
  return match[0];
}

function parseSum(cursor: Cursor): Expression {
  if (++cursor.depth > DEPTH_MAX) refuse(cursor, "less nesting");
  let left = parseTerm(cursor);
  for (let sign = take(cursor, /[+-]/y); sign !== undefined; sign = take(cursor, /[+-]/y)) {
    left = binary(sign === "+" ? "add" : "sub", left, parseTerm(cursor));
  }
  cursor.depth--;
  return left;
}

function parseTerm(cursor: Cursor): Expression {
  let left = parseFactor(cursor);
  for (let sign = take(cursor, /[*/]/y); sign !== undefined; sign = take(cursor, /[*/]/y)) {
    left = binary(sign === "*" ? "mul" : "div", left, parseFactor(cursor));
  }
  return left;
}

function parseFactor(cursor: Cursor): Expression {
  const number = take(cursor, /-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|-?Infinity|NaN/y);
  if (number !== undefined) return constant(Number(number));
  if (take(cursor, /\(/y) !== undefined) {
    const inner = parseSum(cursor);
    if (take(cursor, /\)/y) === undefined) refuse(cursor, ")");
    return inner;
  }
  if (take(cursor, /-/y) !== undefined) {
    if (++cursor.depth > DEPTH_MAX) refuse(cursor, "less nesting");
    const negated = unary("neg", parseFactor(cursor));
    cursor.depth--;
    return negated;
  }
  const name = take(cursor, /[a-z][a-z0-9]*/y);
  if (name === "x") return X;
  if (name === undefined) refuse(cursor, "a number, x, ( or a function");
  return parseCall(cursor, name);
}

function parseCall(cursor: Cursor, name: string): Expression {
  if (take(cursor, /\(/y) === undefined) refuse(cursor, "(");
  const parameters = [parseSum(cursor)];
  while (take(cursor, /,/y) !== undefined) parameters.push(parseSum(cursor));
  if (take(cursor, /\)/y) === undefined) refuse(cursor, ")");
  const [first, second, third] = parameters;
  if (first !== undefined && parameters.length === 1 && Object.hasOwn(UNARY, name)) {
    return unary(name as UnaryName, first);
  }
  if (first && second && parameters.length === 2 && Object.hasOwn(BINARY, name)) {
    return binary(name as BinaryName, first, second);
  }
  if (first && second && third && parameters.length === 3 && name === "clamp") {
    return binary("max", binary("min", first, third), second);
  }
  return refuse(cursor, `a known function instead of ${name}/${parameters.length}`);
}
