/** The domain com.microsoft: what onnxruntime's quantiser and optimiser write into exported models. */
import { firstOutput, hasOutput, optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { finishWith, knownType, step, translated, trimmed } from "./handler.ts";
import type { Handler, Target } from "./handler.ts";
import { MATRICES } from "./matrix.ts";
import { NORMALIZATIONS } from "./normalizations.ts";
import { QUANTIZATION } from "./quantization.ts";
import { windowAttributes, WINDOWS } from "./windows.ts";

export const MICROSOFT: Readonly<Record<string, Handler>> = {
  QuantizeLinear: sameAs(QUANTIZATION["QuantizeLinear"]),
  DequantizeLinear: sameAs(QUANTIZATION["DequantizeLinear"]),
  QLinearAdd: translated("qlinear_add"),
  QLinearMul: translated("qlinear_mul"),
  QLinearSigmoid: translated("qlinear_sigmoid"),
  QLinearLeakyRelu: translated("qlinear_leaky_relu", {
    attributes: (node) => ({ alpha: node.float("alpha", 0.01) }),
  }),
  QLinearConcat: translated("qlinear_concat", {
    attributes: (node) => ({ axis: node.integer("axis", 0) }),
  }),
  QLinearAveragePool: translated("qlinear_average_pool", {
    attributes: (node) => ({
      kernel: node.integers("kernel_shape", []),
      ...windowAttributes(node),
      ceil_mode: node.integer("ceil_mode", 0),
      count_include_pad: node.integer("count_include_pad", 0),
    }),
  }),
  QLinearGlobalAveragePool: importGlobalAverage,
  QLinearReduceMean: translated("qlinear_mean", {
    attributes: (node) => ({
      axes: node.integers("axes", []),
      keepdims: node.integer("keepdims", 1),
    }),
  }),
  QLinearSoftmax: translated("qlinear_softmax", {
    attributes: (node) => ({ axis: node.integer("axis", -1) }),
  }),
  QLinearConv: sameAs(QUANTIZATION["QLinearConv"]),
  QGemm: translated("qlinear_gemm", {
    attributes: (node) => ({
      alpha: node.float("alpha", 1),
      transpose_a: node.integer("transA", 0),
      transpose_b: node.integer("transB", 0),
    }),
  }),
  MatMulIntegerToFloat: importIntegerToFloat,
  DynamicQuantizeMatMul: importDynamicMatMul,
  NhwcMaxPool: importNhwcMaxPool,
  FusedConv: importFusedConv,
  FusedMatMul: importFusedMatMul,
  FusedGemm: importFusedGemm,
  Gelu: translated("gelu"),
  FastGelu: (node, scope) => importBiased({ node, scope }, "gelu_tanh"),
  BiasGelu: (node, scope) => importBiased({ node, scope }, "gelu"),
  QuickGelu: translated("swish", { attributes: (node) => ({ alpha: node.float("alpha", 1.702) }) }),
  LayerNormalization: sameAs(NORMALIZATIONS["LayerNormalization"]),
  SimplifiedLayerNormalization: sameAs(NORMALIZATIONS["RMSNormalization"]),
  SkipLayerNormalization: (node, scope) => importSkipNorm({ node, scope }, "layer_norm"),
  SkipSimplifiedLayerNormalization: (node, scope) => importSkipNorm({ node, scope }, "rms_norm"),
};

function sameAs(handler: Handler | undefined): Handler {
  if (handler === undefined) throw new Error("bug: no such operator in the default domain");
  return handler;
}

/** With channels last the spatial axes follow the batch; the mean runs over all of them. */
function importGlobalAverage(node: OnnxNode, scope: Scope): void {
  const rank = scope.rankOf(node, requiredInput(node, 0));
  const first = node.integer("channels_last", 0) === 0 ? 2 : 1;
  const axes = Array.from({ length: rank - 2 }, (_, axis) => first + axis);
  finishWith({ node, scope }, "qlinear_mean", {
    inputs: trimmed(node.inputs),
    attributes: { axes },
  });
}

/** (a - zero) (b - zero) * scale_a * scale_b + bias. */
function importIntegerToFloat(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const [a, b, scaleA, scaleB] = [0, 1, 2, 3].map((at) => requiredInput(node, at));
  const zeros = [node.inputs[4] ?? "", node.inputs[5] ?? ""];
  const integer = step(target, "matmul_integer", { inputs: trimmed([a ?? "", b ?? "", ...zeros]) });
  scaledProduct(target, { integer, scales: [scaleA ?? "", scaleB ?? ""], bias: node.inputs[6] });
}

function importDynamicMatMul(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const [a, b, scaleB] = [0, 1, 2].map((at) => requiredInput(node, at));
  const [stored, scale, zero] = ["stored", "scale", "zero"].map((part) => scope.inner(node, part));
  const outputs = [stored ?? "", scale ?? "", zero ?? ""];
  scope.emit(node, { op: "dynamic_quantize", inputs: [a ?? ""], outputs });
  const inputs = trimmed([stored ?? "", b ?? "", zero ?? "", node.inputs[3] ?? ""]);
  const integer = step(target, "matmul_integer", { inputs });
  scaledProduct(target, { integer, scales: [scale ?? "", scaleB ?? ""], bias: node.inputs[4] });
}

interface ScaledProduct {
  readonly integer: string;
  readonly scales: readonly [string, string];
  readonly bias: string | undefined;
}

function scaledProduct(target: Target, { integer, scales, bias }: ScaledProduct): void {
  const real = step(target, "cast", { inputs: [integer], attributes: { to: "f32" } });
  const scale = step(target, "mul", { inputs: scales });
  if (bias === undefined || bias === "") {
    return finishWith(target, "mul", { inputs: [real, scale] });
  }
  finishWith(target, "add", { inputs: [step(target, "mul", { inputs: [real, scale] }), bias] });
}

function importNhwcMaxPool(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const turned = { attributes: { perm: [0, 3, 1, 2] } };
  const planes = step(target, "transpose", { inputs: [requiredInput(node, 0)], ...turned });
  const kernel = node.integers("kernel_shape", []);
  const attributes = { kernel, ...windowAttributes(node), ceil_mode: node.integer("ceil_mode", 0) };
  const pooled = step(target, "max_pool", { inputs: [planes], attributes });
  finishWith(target, "transpose", { inputs: [pooled], attributes: { perm: [0, 2, 3, 1] } });
}

/** Emits `handler`'s operator under an inner name, then what is fused behind it. */
function inner(target: Target, handler: Handler | undefined, inputs: readonly string[]): string {
  const { node, scope } = target;
  const output = scope.inner(node, "product");
  sameAs(handler)({ ...node, inputs, outputs: [output] }, scope);
  return output;
}

/** conv, plus an addend, then the activation. */
function importFusedConv(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const product = inner(target, WINDOWS["Conv"], trimmed(node.inputs.slice(0, 3)));
  const addend = optionalInput(node, 3);
  const sum = addend === undefined ? product : step(target, "add", { inputs: [product, addend] });
  activated(target, sum);
}

function importFusedGemm(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  activated(target, inner(target, MATRICES["Gemm"], node.inputs));
}

/** Parameters come as a list on convolutions and one by one on products. */
function activated(target: Target, value: string): void {
  const { node } = target;
  const [first, second] = node.floats("activation_params");
  const alpha = (usual: number): number => node.float("activation_alpha", first ?? usual);
  const beta = (usual: number): number => node.float("activation_beta", second ?? usual);
  const name = node.text("activation", "");
  const inputs = [value];
  switch (name) {
    case "":
      return finishWith(target, "identity", { inputs });
    case "Relu":
    case "Tanh":
    case "Sigmoid":
      return finishWith(target, name.toLowerCase(), { inputs });
    case "LeakyRelu":
      return finishWith(target, "leaky_relu", { inputs, attributes: { alpha: alpha(0.01) } });
    case "Clip": {
      const [min = -Infinity, max = Infinity] = [first, second];
      return finishWith(target, "clip", { inputs, attributes: { min, max } });
    }
    case "HardSigmoid": {
      const attributes = { alpha: alpha(0.2), beta: beta(0.5) };
      return finishWith(target, "hard_sigmoid", { inputs, attributes });
    }
    default:
      return node.refuse("UNSUPPORTED_OP", `the activation ${name} is not supported`);
  }
}

function importFusedMatMul(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  if (node.integer("transBatchA", 0) + node.integer("transBatchB", 0) > 0) {
    node.refuse("UNSUPPORTED_OP", "batches that take part in the transpose are not supported");
  }
  const turned = (at: number, flag: string): string => {
    const name = requiredInput(node, at);
    const rank = node.integer(flag, 0) === 0 ? 0 : scope.rankOf(node, name);
    if (rank < 2) return name;
    const axes = Array.from({ length: rank - 2 }, (_, axis) => axis);
    const attributes = { perm: [...axes, rank - 1, rank - 2] };
    return step(target, "transpose", { inputs: [name], attributes });
  };
  const inputs = [turned(0, "transA"), turned(1, "transB")];
  const alpha = node.float("alpha", 1);
  const output = alpha === 1 ? firstOutput(node) : scope.inner(node, "product");
  sameAs(MATRICES["MatMul"])({ ...node, inputs, outputs: [output] }, scope);
  if (alpha === 1) return;
  const factor = scope.scalar(node, knownType(target, output) ?? "f32", alpha);
  finishWith(target, "mul", { inputs: [output, factor] });
}

function importBiased(target: Target, op: string): void {
  const { node } = target;
  const [x, bias] = [requiredInput(node, 0), optionalInput(node, 1)];
  const sum = bias === undefined ? x : step(target, "add", { inputs: [x, bias] });
  finishWith(target, op, { inputs: [sum] });
}

/** The norm of x + skip + bias; the sum itself is the last output. */
function importSkipNorm(target: Target, op: string): void {
  const { node, scope } = target;
  const withBeta = op === "layer_norm";
  const [x, skip, gamma] = [0, 1, 2].map((at) => requiredInput(node, at));
  const beta = withBeta ? optionalInput(node, 3) : undefined;
  const bias = optionalInput(node, withBeta ? 4 : 3);
  const sumName = hasOutput(node, 3) ? (node.outputs[3] ?? "") : scope.inner(node, "sum");
  const both = [x ?? "", skip ?? ""];
  if (bias === undefined) scope.emit(node, { op: "add", inputs: both, outputs: [sumName] });
  else {
    const first = step(target, "add", { inputs: both });
    scope.emit(node, { op: "add", inputs: [first, bias], outputs: [sumName] });
  }
  const attributes = { axis: -1, epsilon: node.float("epsilon", 1e-12) };
  const inputs = trimmed([sumName, gamma ?? "", beta ?? ""]);
  finishWith(target, op, { inputs, attributes });
}
