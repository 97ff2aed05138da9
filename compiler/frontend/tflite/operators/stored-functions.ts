/** Functions of one stored number: which rule an operator follows in which type, and its table. */
import * as math from "../../../../protocol/base/math.ts";
import { allocate, fixedFunctions, storedFormat, tensor } from "../../../ir/index.ts";
import type { DType, StoredFormat } from "../../../ir/index.ts";
import { outputAt, requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import type { Scope } from "../scope.ts";
import { elementType } from "../tensors.ts";
import type { Value } from "../value.ts";
import { emitElementwise } from "./handler.ts";

const { nearestEven, nearestAway, interpolated, limited } = fixedFunctions;
type StoredFunction = fixedFunctions.StoredFunction;

export interface StoredCall {
  readonly op: Operator;
  readonly from: StoredFormat;
  readonly to: StoredFormat;
  readonly dtype: DType;
}

type Choice = (call: StoredCall) => StoredFunction;

/** One rule for 8 bits, and interpolation for 16. */
function tabled(rule: (real: number) => number, nearest = nearestAway): Choice {
  return (call) => (call.dtype === "i16" ? interpolated(rule, call) : nearest(rule, call));
}

const INFINITE = Infinity;

const CHOICES: Readonly<Record<string, Choice>> = {
  RELU: (call) => limited(0, INFINITE, call),
  RELU6: (call) => limited(0, 6, call),
  RELU_N1_TO_1: (call) => limited(-1, 1, call),
  RELU_0_TO_1: (call) => limited(0, 1, call),
  LOGISTIC: (call) =>
    call.dtype === "i16" ? fixedFunctions.wideSigmoid(call) : nearestEven(math.sigmoid, call),
  TANH: (call) =>
    call.dtype === "i16" ? fixedFunctions.wideTanh(call) : nearestEven(math.tanh, call),
  ELU: (call) => nearestEven((x) => (x < 0 ? math.expm1(x) : x), call),
  LEAKY_RELU: leakyRelu,
  HARD_SWISH: (call) => fixedFunctions.hardSwish(call),
  ABS: (call) => fixedFunctions.absolute(call),
  RSQRT: (call) =>
    call.dtype === "i16"
      ? interpolated((x) => (x <= 0 ? 32767 * call.to.scale : 1 / Math.sqrt(x)), call)
      : fixedFunctions.inverseRoot(call),
  SQRT: (call) => fixedFunctions.root(call),
  EXP: tabled(math.exp),
  LOG: (call) => {
    const least = (call.to.low - call.to.zeroPoint) * call.to.scale;
    return tabled((x) => (x <= 0 ? least : math.log(x)))(call);
  },
  GELU: (call) => tabled(call.op.options("Gelu").approximate ? tanhGelu : gelu)(call),
  QUANTIZE: quantized,
};

function gelu(x: number): number {
  return 0.5 * x * (1 + math.erf(x * Math.SQRT1_2));
}

function tanhGelu(x: number): number {
  return 0.5 * x * (1 + math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

/** Within these bounds the ratio of scales is held in eight fractional bits. */
function isShort(ratio: number): boolean {
  return ratio >= 1 / 256 && ratio <= 128;
}

function leakyRelu(call: StoredCall): StoredFunction {
  const { alpha } = call.op.options("LeakyRelu");
  const ratio = call.from.scale / call.to.scale;
  const short = call.dtype !== "i16" && isShort(ratio) && isShort(Math.abs(ratio * alpha));
  return short ? fixedFunctions.leakyShort(alpha, call) : fixedFunctions.leakyFixed(alpha, call);
}

function quantized(call: StoredCall): StoredFunction {
  const { from, to, dtype } = call;
  const sameType = dtypeOf(call.op) === dtype && dtype !== "i16";
  return sameType && isShort(from.scale / to.scale)
    ? fixedFunctions.rescaledShort(call)
    : fixedFunctions.rescaled(call);
}

function dtypeOf(op: Operator): DType {
  const output = outputAt(op, 0);
  return elementType(output.typeCode, output.name);
}

export function isTabled(code: string): boolean {
  return Object.hasOwn(CHOICES, code);
}

/** The operator as a table of its input's 256 or 65,536 numbers. */
export function emitTabled(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const choice =
    CHOICES[op.code] ?? op.refuse("UNSUPPORTED_TYPE", "does not run on stored numbers");
  const output = outputAt(op, 0);
  const { quantization } = output;
  if (quantization?.scales.length !== 1) op.refuse("BAD_MODEL", `${output.name} has no encoding`);
  const type = { dtype: dtypeOf(op), shape: [], quantization };
  const formats = { from: storedFormat(x.type), to: storedFormat(type) };
  const rule = choice({ op, ...formats, dtype: x.type.dtype });
  return emitTable(op, scope, { x, rule, dtype: type.dtype });
}

interface Table {
  readonly x: Value;
  readonly rule: StoredFunction;
  readonly dtype: DType;
  readonly inner?: string;
}

export function emitTable(op: Operator, scope: Scope, { x, rule, dtype, inner }: Table): Value {
  const { low, high } = storedFormat(x.type);
  scope.charge(op, high - low + 1);
  const data = allocate(dtype, high - low + 1) as { [index: number]: number };
  for (let stored = low; stored <= high; stored++) data[stored - low] = rule(stored);
  const table = tensor({ dtype, shape: [high - low + 1] }, data as never);
  const value = { ...scope.constant(`${outputAt(op, 0).name}/table`, table), fixed: true };
  const place = inner === undefined ? {} : { inner, quantization: outputAt(op, 0).quantization };
  return emitElementwise(op, scope, { op: "lut", inputs: [x, value], ...(place as object) });
}
