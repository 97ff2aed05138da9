/**
 * Elementary functions on vectors of float32, within a few units in the last place of
 * protocol/base/math.ts. Polynomials: Cephes mathematical library, single precision (Moshier).
 */
import { unreachable } from "../../../../protocol/base/assert.ts";
import { f32x4, i32x4, op } from "../../../../protocol/wasm/expression.ts";
import type { Expression as Code } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../../protocol/wasm/function.ts";
import type { BinaryName, Expression, UnaryName } from "../../../ir/expression.ts";

type Vector = Code<"v128">;

/** The code of an expression of x; it may declare locals in `f`. */
export function vectorCode(f: FunctionBuilder, expression: Expression, x: Vector): Vector {
  switch (expression.kind) {
    case "x":
      return x;
    case "constant":
      return f32x4(expression.value);
    case "unary":
      return unaryCode(f, expression.name, vectorCode(f, expression.argument, x));
    case "binary": {
      const left = vectorCode(f, expression.left, x);
      const right = vectorCode(f, expression.right, x);
      if (expression.name !== "pow") return pairCode(expression.name, left, right);
      const { right: exponent } = expression;
      if (exponent.kind === "constant") return constantPower(f, left, exponent.value);
      return exponential(f, mul(logarithm(f, left), right));
    }
    default:
      return unreachable(expression);
  }
}

export function pairCode(name: Exclude<BinaryName, "pow">, a: Vector, b: Vector): Vector {
  switch (name) {
    case "add":
      return op("f32x4.add", a, b);
    case "sub":
      return op("f32x4.sub", a, b);
    case "mul":
      return op("f32x4.mul", a, b);
    case "div":
      return op("f32x4.div", a, b);
    case "min":
      return op("f32x4.min", a, b);
    case "max":
      return op("f32x4.max", a, b);
    default:
      return unreachable(name);
  }
}

function unaryCode(f: FunctionBuilder, name: UnaryName, a: Vector): Vector {
  switch (name) {
    case "neg":
      return op("f32x4.neg", a);
    case "abs":
      return op("f32x4.abs", a);
    case "sqrt":
      return op("f32x4.sqrt", a);
    case "floor":
      return op("f32x4.floor", a);
    case "ceil":
      return op("f32x4.ceil", a);
    case "round":
      return op("f32x4.nearest", a);
    case "sign":
      return signCode(keep(f, a));
    case "exp":
      return exponential(f, a);
    case "log":
      return logarithm(f, a);
    case "tanh":
      return hyperbolicTangent(f, a);
    case "sigmoid":
      return sigmoid(f, a);
    case "erf":
      return errorFunction(f, a);
    case "sin":
      return sine(f, a, 0);
    case "cos":
      return sine(f, a, 1);
    default:
      return unreachable(name);
  }
}

/** A value that is read more than once. */
function keep(f: FunctionBuilder, value: Vector): Local<"v128"> {
  const local = f.local("v128");
  f.set(local, value);
  return local;
}

const add = (a: Vector, b: Vector): Vector => op("f32x4.add", a, b);
const sub = (a: Vector, b: Vector): Vector => op("f32x4.sub", a, b);
const mul = (a: Vector, b: Vector): Vector => op("f32x4.mul", a, b);
const choose = (condition: Vector, yes: Vector, no: Vector): Vector =>
  op("v128.bitselect", yes, no, condition);

/** Coefficients from the highest power down. */
function polynomial(x: Vector, coefficients: readonly number[]): Vector {
  const [first = 0, ...rest] = coefficients;
  return rest.reduce((sum, coefficient) => add(mul(sum, x), f32x4(coefficient)), f32x4(first));
}

const LOG2_E = 1.44269504088896341;
/** Their sum is ln 2; the first has few bits, so that its products with exponents are exact. */
const LN2_PARTS = [0.693359375, -2.1219444e-4] as const;

/** e^x: e^rest by a polynomial, times 2^power in two steps, so that the ends of the range are right. */
export function exponential(f: FunctionBuilder, argument: Vector): Vector {
  const limited = op("f32x4.pmin", op("f32x4.pmax", argument, f32x4(-105)), f32x4(89));
  const x = keep(f, limited);
  const power = keep(f, op("f32x4.nearest", mul(x, f32x4(LOG2_E))));
  const high = sub(x, mul(power, f32x4(LN2_PARTS[0])));
  const rest = keep(f, sub(high, mul(power, f32x4(LN2_PARTS[1]))));
  const series = polynomial(
    rest,
    [
      1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 0.16666665459,
      0.50000001201,
    ],
  );
  const grown = add(add(mul(mul(series, rest), rest), rest), f32x4(1));
  const whole = keep(f, op("i32x4.trunc_sat_f32x4_s", power));
  const half = keep(f, op("i32x4.shr_s", whole, 1));
  const step = (exponent: Vector): Vector =>
    op("i32x4.shl", op("i32x4.add", exponent, i32x4(127)), 23);
  return mul(mul(grown, step(half)), step(op("i32x4.sub", whole, half)));
}

/** With e = e^-|x| neither side overflows: 1 / (1 + e) and e / (1 + e). */
function sigmoid(f: FunctionBuilder, argument: Vector): Vector {
  const x = keep(f, argument);
  const e = keep(f, exponential(f, op("f32x4.neg", op("f32x4.abs", x))));
  const numerator = choose(op("f32x4.lt", x, f32x4(0)), e, f32x4(1));
  return op("f32x4.div", numerator, add(e, f32x4(1)));
}

function hyperbolicTangent(f: FunctionBuilder, argument: Vector): Vector {
  const x = keep(f, argument);
  const size = keep(f, op("f32x4.abs", x));
  const square = keep(f, mul(x, x));
  const series = polynomial(
    square,
    [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 0.133314422036, -0.333332819422],
  );
  const small = keep(f, add(mul(mul(series, square), x), x));
  const grown = exponential(f, add(size, size));
  const large = sub(f32x4(1), op("f32x4.div", f32x4(2), add(grown, f32x4(1))));
  const signed = op("v128.or", large, op("v128.and", x, f32x4(-0)));
  return choose(op("f32x4.lt", size, f32x4(0.625)), small, signed);
}

const SMALLEST_NORMAL = 1.17549435e-38;

/** ln x = exponent * ln 2 + ln mantissa, the mantissa between sqrt(1/2) and sqrt 2. */
function logarithm(f: FunctionBuilder, argument: Vector): Vector {
  const x = keep(f, argument);
  const tiny = keep(f, op("f32x4.lt", x, f32x4(SMALLEST_NORMAL)));
  const bits = keep(f, choose(tiny, mul(x, f32x4(2 ** 23)), x));
  const biased = op("i32x4.sub", op("i32x4.shr_u", bits, 23), i32x4(126));
  const exponent = keep(f, op("i32x4.sub", biased, op("v128.and", tiny, i32x4(23))));
  const fraction = op("v128.or", op("v128.and", bits, i32x4(0x007fffff)), i32x4(0x3f000000));
  const mantissa = keep(f, fraction);
  const below = keep(f, op("f32x4.lt", mantissa, f32x4(Math.SQRT1_2)));
  const doubled = op("v128.and", mantissa, below);
  const m = keep(f, add(sub(mantissa, f32x4(1)), doubled));
  const e = keep(f, op("f32x4.convert_i32x4_s", op("i32x4.add", exponent, below)));
  const square = keep(f, mul(m, m));
  const series = polynomial(
    m,
    [
      7.0376836292e-2, -0.1151461031, 0.1167699874, -0.12420140846, 0.14249322787, -0.16668057665,
      0.20000714765, -0.24999993993, 0.33333331174,
    ],
  );
  const low = add(mul(mul(series, m), square), mul(e, f32x4(LN2_PARTS[1])));
  const sum = add(m, sub(low, mul(square, f32x4(0.5))));
  const finite = add(sum, mul(e, f32x4(LN2_PARTS[0])));
  const positive = choose(op("f32x4.eq", x, f32x4(0)), f32x4(-Infinity), finite);
  const bounded = choose(op("f32x4.eq", x, f32x4(Infinity)), x, positive);
  return choose(op("f32x4.ge", x, f32x4(0)), bounded, f32x4(NaN));
}

/** x * p(x²) / q(x²), limited to where float32 has reached 1 (the coefficients are those of Eigen). */
function errorFunction(f: FunctionBuilder, argument: Vector): Vector {
  const limited = op("f32x4.pmin", op("f32x4.pmax", argument, f32x4(-4)), f32x4(4));
  const x = keep(f, limited);
  const square = keep(f, mul(x, x));
  const above = polynomial(
    square,
    [
      -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5,
      -7.34990630326855e-4, -2.9545998085e-3, -1.60960333262415e-2,
    ],
  );
  const below = polynomial(
    square,
    [
      -1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3,
      -1.42647390514189e-2,
    ],
  );
  // Dividing first: the product of a small x and a coefficient would be subnormal.
  return mul(op("f32x4.div", above, below), x);
}

const TWO_OVER_PI = 0.636619772367581343;
const HALF_PI_PARTS = [1.5703125, 4.837512969970703e-4, 7.549789948768648e-8] as const;

/** sin(x + quarterTurns * pi/2); accurate for |x| below some thousand. */
function sine(f: FunctionBuilder, argument: Vector, quarterTurns: number): Vector {
  const x = keep(f, argument);
  const turns = keep(f, op("f32x4.nearest", mul(x, f32x4(TWO_OVER_PI))));
  const rest = keep(
    f,
    HALF_PI_PARTS.reduce<Vector>((r, part) => sub(r, mul(turns, f32x4(part))), x),
  );
  const whole = op("i32x4.trunc_sat_f32x4_s", turns);
  const quadrant = keep(f, op("i32x4.add", whole, i32x4(quarterTurns)));
  const square = keep(f, mul(rest, rest));
  const sinePart = polynomial(square, [-1.9515295891e-4, 8.3321608736e-3, -0.16666654611]);
  const sines = add(mul(mul(sinePart, square), rest), rest);
  const cosinePart = polynomial(
    square,
    [2.443315711809948e-5, -1.388731625493765e-3, 0.04166664568],
  );
  const unity = sub(f32x4(1), mul(square, f32x4(0.5)));
  const cosines = add(mul(mul(cosinePart, square), square), unity);
  const odd = op("i32x4.eq", op("v128.and", quadrant, i32x4(1)), i32x4(1));
  const magnitude = choose(odd, cosines, sines);
  const sign = op("i32x4.shl", op("v128.and", quadrant, i32x4(2)), 30);
  return op("v128.xor", magnitude, sign);
}

function signCode(x: Vector): Vector {
  const positive = op("v128.and", op("f32x4.gt", x, f32x4(0)), f32x4(1));
  const negative = op("v128.and", op("f32x4.lt", x, f32x4(0)), f32x4(-1));
  // Zeros and NaN are their own sign.
  const other = choose(
    op("f32x4.ne", op("f32x4.abs", x), f32x4(0)),
    op("v128.or", positive, negative),
    x,
  );
  return choose(op("f32x4.eq", x, x), other, x);
}

/** Whole exponents up to this size are powers by repeated squaring. */
const WHOLE_EXPONENT_MAX = 64;

function constantPower(f: FunctionBuilder, base: Vector, exponent: number): Vector {
  if (exponent === 0.5) return op("f32x4.sqrt", base);
  if (!isSmallWhole(exponent)) return exponential(f, mul(logarithm(f, base), f32x4(exponent)));
  const power = wholePower(f, keep(f, base), Math.abs(exponent));
  return exponent < 0 ? op("f32x4.div", f32x4(1), power) : power;
}

/** Whether `constantPower` covers every base, not only the positive ones. */
export function isSmallWhole(exponent: number): boolean {
  return Number.isInteger(exponent) && Math.abs(exponent) <= WHOLE_EXPONENT_MAX;
}

function wholePower(f: FunctionBuilder, base: Vector, exponent: number): Vector {
  let result: Vector | undefined;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === undefined ? square : keep(f, mul(result, square));
    square = keep(f, mul(square, square));
  }
  return result ?? f32x4(1);
}
