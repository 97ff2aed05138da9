/** Operators on single elements. */
import type { DType } from "../../../ir/index.ts";
import { firstOutput, optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { elementType } from "../tensors.ts";
import { finishWith, same } from "./handler.ts";
import type { Handler } from "./handler.ts";

const SAME_NAMES: Readonly<Record<string, string>> = {
  ...{ Relu: "relu", Sigmoid: "sigmoid", HardSwish: "hard_swish", Softplus: "softplus" },
  ...{ Softsign: "softsign", Reciprocal: "reciprocal", Tanh: "tanh", Exp: "exp", Log: "log" },
  ...{ Sqrt: "sqrt", Erf: "erf", Sin: "sin", Cos: "cos", Neg: "neg", Abs: "abs" },
  ...{ Floor: "floor", Ceil: "ceil", Round: "round", Sign: "sign", Identity: "identity" },
  ...{ Add: "add", Sub: "sub", Mul: "mul", Div: "div", PRelu: "prelu", Where: "where" },
  ...{ Equal: "equal", Less: "less", LessOrEqual: "less_or_equal", Greater: "greater" },
  ...{ GreaterOrEqual: "greater_or_equal", And: "and", Or: "or", Xor: "xor" },
};

export const ELEMENTWISE: Readonly<Record<string, Handler>> = {
  ...Object.fromEntries(Object.entries(SAME_NAMES).map(([onnx, op]) => [onnx, same(op)])),
  Clip: importClip,
  HardSigmoid: importHardSigmoid,
  LeakyRelu: (node, scope) => importAlpha(node, scope, { op: "leaky_relu", alpha: 0.01 }),
  Elu: (node, scope) => importAlpha(node, scope, { op: "elu", alpha: 1 }),
  Gelu: importGelu,
  Pow: importPow,
  Mod: importMod,
  Min: (node, scope) => importVariadic(node, scope, "min"),
  Max: (node, scope) => importVariadic(node, scope, "max"),
  Sum: (node, scope) => importVariadic(node, scope, "add"),
  Mean: importMean,
  Not: importNot,
  Cast: importCast,
  Dropout: importDropout,
};

function importClip(node: OnnxNode, scope: Scope): void {
  const x = requiredInput(node, 0);
  const bound = (position: number, attribute: string, open: number): number => {
    if (node.opset < 11) return node.float(attribute, open);
    const name = optionalInput(node, position);
    return name === undefined ? open : (scope.numbers(node, name)[0] ?? open);
  };
  const [min, max] = [bound(1, "min", -Infinity), bound(2, "max", Infinity)];
  finishWith({ node, scope }, "clip", { inputs: [x], attributes: { min, max } });
}

function importHardSigmoid(node: OnnxNode, scope: Scope): void {
  const attributes = { alpha: node.float("alpha", 0.2), beta: node.float("beta", 0.5) };
  finishWith({ node, scope }, "hard_sigmoid", { inputs: [requiredInput(node, 0)], attributes });
}

function importAlpha(node: OnnxNode, scope: Scope, rule: { op: string; alpha: number }): void {
  const attributes = { alpha: node.float("alpha", rule.alpha) };
  finishWith({ node, scope }, rule.op, { inputs: [requiredInput(node, 0)], attributes });
}

function importGelu(node: OnnxNode, scope: Scope): void {
  if (node.text("approximate", "none") !== "none") {
    node.refuse("UNSUPPORTED_OP", "only the exact form is supported");
  }
  finishWith({ node, scope }, "gelu", { inputs: [requiredInput(node, 0)] });
}

function importPow(node: OnnxNode, scope: Scope): void {
  const [base, exponent] = [requiredInput(node, 0), requiredInput(node, 1)];
  const { dtype } = scope.typeOf(node, base);
  const converted = converting(node, scope, { value: exponent, to: dtype });
  finishWith({ node, scope }, "pow", { inputs: [base, converted] });
}

/** The value in another element type, through a cast where it has not got it. */
function converting(node: OnnxNode, scope: Scope, request: { value: string; to: DType }): string {
  const { value, to } = request;
  if (scope.typeOf(node, value).dtype === to) return value;
  const outputs = [scope.inner(node, "cast")];
  return scope.emit(node, { op: "cast", inputs: [value], attributes: { to }, outputs });
}

function importMod(node: OnnxNode, scope: Scope): void {
  if (node.integer("fmod", 0) !== 0) node.refuse("UNSUPPORTED_OP", "fmod is not supported");
  finishWith({ node, scope }, "mod", { inputs: node.inputs });
}

function importVariadic(node: OnnxNode, scope: Scope, op: string): void {
  const last = chain(node, scope, { op, inputs: node.inputs.slice(0, -1) });
  const tail = node.inputs.at(-1) ?? requiredInput(node, 0);
  if (last === undefined) finishWith({ node, scope }, "identity", { inputs: [tail] });
  else finishWith({ node, scope }, op, { inputs: [last, tail] });
}

/** op(op(a, b), c) … over inner values; the single input itself when there is one, undefined for none. */
function chain(
  node: OnnxNode,
  scope: Scope,
  request: { op: string; inputs: readonly string[] },
): string | undefined {
  const [first, ...others] = request.inputs;
  let value = first;
  for (const next of others) {
    const outputs = [scope.inner(node, request.op)];
    value = scope.emit(node, { op: request.op, inputs: [value ?? "", next], outputs });
  }
  return value;
}

function importMean(node: OnnxNode, scope: Scope): void {
  const sum = chain(node, scope, { op: "add", inputs: node.inputs }) ?? requiredInput(node, 0);
  const count = scope.scalar(node, scope.typeOf(node, sum).dtype, node.inputs.length);
  finishWith({ node, scope }, "div", { inputs: [sum, count] });
}

function importNot(node: OnnxNode, scope: Scope): void {
  const no = scope.scalar(node, "bool", 0);
  finishWith({ node, scope }, "equal", { inputs: [requiredInput(node, 0), no] });
}

function importCast(node: OnnxNode, scope: Scope): void {
  const to = elementType(node.integer("to", 0), node.name);
  finishWith({ node, scope }, "cast", { inputs: [requiredInput(node, 0)], attributes: { to } });
}

/** At inference a dropout passes its input on; its mask is all true and has no reader worth serving. */
function importDropout(node: OnnxNode, scope: Scope): void {
  const training = optionalInput(node, 2);
  if (training !== undefined && scope.numbers(node, training)[0] !== 0) {
    node.refuse("UNSUPPORTED_OP", "training mode is not inference");
  }
  const inputs = [requiredInput(node, 0)];
  scope.emit(node, { op: "identity", inputs, outputs: [firstOutput(node)] });
}
