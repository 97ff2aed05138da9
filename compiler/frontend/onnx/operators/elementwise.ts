/** Operators on single elements and on pairs of them. */
import { firstOutput, optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { elementType } from "../tensors.ts";
import {
  convertedLike,
  finishWith,
  knownRank,
  knownType,
  step,
  translated,
  until,
} from "./handler.ts";
import type { Handler, Target } from "./handler.ts";

const SAME_NAMES: Readonly<Record<string, string>> = {
  ...{ Relu: "relu", Sigmoid: "sigmoid", HardSwish: "hard_swish", Softplus: "softplus" },
  ...{ Softsign: "softsign", Reciprocal: "reciprocal", Tanh: "tanh", Exp: "exp", Log: "log" },
  ...{ Sqrt: "sqrt", Erf: "erf", Sin: "sin", Cos: "cos", Tan: "tan", Neg: "neg", Abs: "abs" },
  ...{ Asin: "asin", Acos: "acos", Atan: "atan", Sinh: "sinh", Cosh: "cosh", Asinh: "asinh" },
  ...{ Acosh: "acosh", Atanh: "atanh", Mish: "mish", IsNaN: "isnan" },
  ...{ Floor: "floor", Ceil: "ceil", Round: "round", Sign: "sign", Identity: "identity" },
  ...{ Add: "add", Sub: "sub", Mul: "mul", Div: "div", Where: "where" },
  ...{ Equal: "equal", Less: "less", LessOrEqual: "less_or_equal", Greater: "greater" },
  ...{ GreaterOrEqual: "greater_or_equal", And: "and", Or: "or", Xor: "xor" },
  ...{ BitwiseAnd: "bitwise_and", BitwiseOr: "bitwise_or", BitwiseXor: "bitwise_xor" },
  ...{ BitwiseNot: "bitwise_not" },
};

export const ELEMENTWISE: Readonly<Record<string, Handler>> = {
  ...Object.fromEntries(Object.entries(SAME_NAMES).map(([onnx, op]) => [onnx, translated(op)])),
  Clip: until(11, withFloats("clip", { min: -Infinity, max: Infinity }), clip()),
  HardSigmoid: withFloats("hard_sigmoid", { alpha: 0.2, beta: 0.5 }),
  LeakyRelu: withFloats("leaky_relu", { alpha: 0.01 }),
  ThresholdedRelu: withFloats("thresholded_relu", { alpha: 1 }),
  Elu: withFloats("elu", { alpha: 1 }),
  Celu: withFloats("celu", { alpha: 1 }),
  Selu: withFloats("selu", { alpha: 1.67326319217681884765625, gamma: 1.05070102214813232421875 }),
  Swish: withFloats("swish", { alpha: 1 }),
  Shrink: withFloats("shrink", { lambd: 0.5, bias: 0 }),
  Gelu: (node, scope) => {
    const op = node.text("approximate", "none") === "none" ? "gelu" : "gelu_tanh";
    finishWith({ node, scope }, op, { inputs: [requiredInput(node, 0)] });
  },
  IsInf: translated("isinf", {
    attributes: (node) => ({
      positive: node.integer("detect_positive", 1),
      negative: node.integer("detect_negative", 1),
    }),
  }),
  BitShift: (node, scope) => {
    const op = node.text("direction", "LEFT") === "LEFT" ? "shift_left" : "shift_right";
    finishWith({ node, scope }, op, { inputs: node.inputs });
  },
  BitCast: translated("bitcast", { attributes: toType }),
  Cast: translated("cast", { attributes: (node) => ({ ...toType(node), ...rounding(node) }) }),
  CastLike: importCastLike,
  Pow: importPow,
  Mod: (node, scope) => {
    const op = node.integer("fmod", 0) === 0 ? "mod" : "fmod";
    finishWith({ node, scope }, op, { inputs: node.inputs });
  },
  Min: (node, scope) => importVariadic({ node, scope }, "min"),
  Max: (node, scope) => importVariadic({ node, scope }, "max"),
  Sum: (node, scope) => importVariadic({ node, scope }, "add"),
  Mean: importMean,
  PRelu: importPRelu,
  Not: importNot,
  SwiGLU: importSwiGlu,
  Dropout: importDropout,
};

/** Float attributes of the same name in both, with what they are when left out. */
function withFloats(op: string, usual: Readonly<Record<string, number>>): Handler {
  return translated(op, {
    inputs: [0],
    attributes: (node) =>
      Object.fromEntries(
        Object.entries(usual).map(([name, value]) => [name, node.float(name, value)]),
      ),
  });
}

function clip(): Handler {
  return translated("clip", { inputs: [0], late: { min: 1, max: 2 } });
}

function toType(node: OnnxNode): { to: string } {
  return { to: elementType(node.integer("to", 0), node.name) };
}

function rounding(node: OnnxNode): { saturate: number; rounding: string } {
  return { saturate: node.integer("saturate", 1), rounding: node.text("round_mode", "up") };
}

function importCastLike(node: OnnxNode, scope: Scope): void {
  const [x, like] = [requiredInput(node, 0), requiredInput(node, 1)];
  const to = knownType({ node, scope }, like);
  const attributes = rounding(node);
  if (to === undefined) finishWith({ node, scope }, "cast_like", { inputs: [x, like], attributes });
  else finishWith({ node, scope }, "cast", { inputs: [x], attributes: { to, ...attributes } });
}

function importPow(node: OnnxNode, scope: Scope): void {
  const [base, exponent] = [requiredInput(node, 0), requiredInput(node, 1)];
  const power = convertedLike({ node, scope }, exponent, base);
  finishWith({ node, scope }, "pow", { inputs: [base, power] });
}

function importVariadic(target: Target, op: string): void {
  const { node } = target;
  const last = chain(target, op, node.inputs.slice(0, -1));
  const tail = node.inputs.at(-1) ?? requiredInput(node, 0);
  if (last === undefined) finishWith(target, "identity", { inputs: [tail] });
  else finishWith(target, op, { inputs: [last, tail] });
}

/** op(op(a, b), c) … over inner values; the single input itself when there is one, undefined for none. */
function chain(target: Target, op: string, inputs: readonly string[]): string | undefined {
  const [first, ...others] = inputs;
  let value = first;
  for (const next of others) value = step(target, op, { inputs: [value ?? "", next] });
  return value;
}

function importMean(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const sum = chain(target, "add", node.inputs) ?? requiredInput(node, 0);
  const count = scope.scalar(node, scope.dtypeOf(node, sum), node.inputs.length);
  finishWith(target, "div", { inputs: [sum, count] });
}

function importNot(node: OnnxNode, scope: Scope): void {
  const no = scope.scalar(node, "bool", 0);
  finishWith({ node, scope }, "equal", { inputs: [requiredInput(node, 0), no] });
}

function importSwiGlu(node: OnnxNode, scope: Scope): void {
  const [gate, value] = [requiredInput(node, 0), requiredInput(node, 1)];
  const attributes = { alpha: node.float("alpha", 1) };
  const opened = step({ node, scope }, "swish", { inputs: [gate], attributes });
  finishWith({ node, scope }, "mul", { inputs: [opened, value] });
}

/** Before opset 7 the slopes went along the channels, whatever the rank. */
function importPRelu(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const [x, slope] = [requiredInput(node, 0), requiredInput(node, 1)];
  const [rank, rankOfSlope] = [knownRank(target, x) ?? 0, knownRank(target, slope)];
  const perChannel = node.opset < 7 && rankOfSlope === 1 && rank > 2;
  const axes = Array.from({ length: rank - 2 }, (_, axis) => axis + 1);
  const attributes = { form: "add_axes", axes };
  const slopes = perChannel ? step(target, "reshape", { inputs: [slope], attributes }) : slope;
  finishWith(target, "prelu", { inputs: [x, slopes] });
}

/** At inference a dropout passes its input on, and its mask is all true. */
function importDropout(node: OnnxNode, scope: Scope): void {
  const training = node.opset < 12 ? undefined : optionalInput(node, 2);
  const known = training === undefined ? undefined : scope.constantOf(training);
  const x = requiredInput(node, 0);
  if (training !== undefined && Number(known?.data[0] ?? 1) !== 0) {
    const inputs = [x, node.inputs[1] ?? "", training];
    const attributes = { seed: node.integer("seed", 0) };
    return void scope.emit(node, { op: "dropout", inputs, attributes, outputs: node.outputs });
  }
  scope.emit(node, { op: "identity", inputs: [x], outputs: [firstOutput(node)] });
  const mask = node.outputs[1] ?? "";
  if (mask === "") return;
  const shape = step({ node, scope }, "shape", { inputs: [x] });
  const yes = scope.scalar(node, "bool", 1);
  scope.emit(node, { op: "fill", inputs: [yes], late: { shape }, outputs: [mask] });
}
