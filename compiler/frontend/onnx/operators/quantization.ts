/** The border to quantised values. */
import { optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { elementType } from "../tensors.ts";
import { finishWith, knownType, translated } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { windowAttributes } from "./windows.ts";

export const QUANTIZATION: Readonly<Record<string, Handler>> = {
  QuantizeLinear: importQuantize,
  DequantizeLinear: importDequantize,
  DynamicQuantizeLinear: translated("dynamic_quantize"),
  MatMulInteger: translated("matmul_integer"),
  QLinearMatMul: translated("qlinear_matmul"),
  ConvInteger: translated("conv_integer", { attributes: integerWindow }),
  QLinearConv: translated("qlinear_conv", { attributes: integerWindow }),
};

function integerWindow(node: OnnxNode) {
  return { ...windowAttributes(node), group: node.integer("group", 1) };
}

function encoding(node: OnnxNode) {
  return { axis: node.integer("axis", 1), block: node.integer("block_size", 0) };
}

function importQuantize(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const zero = optionalInput(node, 2);
  const named = node.integer("output_dtype", 0);
  const stored = zero === undefined ? undefined : knownType(target, zero);
  const to = stored ?? (named === 0 ? "u8" : elementType(named, node.name));
  const late = { scales: requiredInput(node, 1), zero_points: zero };
  const attributes = { ...encoding(node), to, saturate: node.integer("saturate", 1) };
  finishWith(target, "quantize", { inputs: [requiredInput(node, 0)], attributes, late });
}

function importDequantize(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const scale = requiredInput(node, 1);
  const named = node.integer("output_dtype", 0);
  const to = named === 0 ? (knownType(target, scale) ?? "f32") : elementType(named, node.name);
  const late = { scales: scale, zero_points: optionalInput(node, 2) };
  const attributes = { ...encoding(node), to };
  finishWith(target, "dequantize", { inputs: [requiredInput(node, 0)], attributes, late });
}
