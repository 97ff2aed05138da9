/** Convolutions and matrix products between `dequantize` and `quantize` as rows on stored numbers. */
import { roundHalfEven } from "../../../protocol/base/math.ts";
import { attributesOf, numeric, sameShape, tensorFrom } from "../../ir/index.ts";
import type { Attribute, Node, Tensor, TensorType } from "../../ir/index.ts";
import { attributeMap } from "../pass.ts";
import type { Replacement, View } from "../pass.ts";
import { isAlike, storedSource } from "./encodings.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

const ROWS: Readonly<Record<string, string>> = {
  conv: "fixed_conv",
  conv_transpose: "fixed_conv_transpose",
  gemm: "fixed_matmul",
  matmul: "fixed_matmul",
};

export function fuseProduct(node: Node, view: View): Replacement | undefined {
  const last = view.soleProducerOf(node.inputs[0]);
  const clamp = last && clampOf(last);
  const product = clamp === undefined ? last : view.soleProducerOf(last?.inputs[0]);
  const row = ROWS[product?.op ?? ""];
  if (product === undefined || row === undefined) return undefined;
  const source = storedSource(product.inputs[0], view);
  const weights = storedWeights(product, view);
  if (source === undefined || weights === undefined || !isAlike(source, node, view))
    return undefined;
  const bias = wholeBias(product, { input: view.typeOf(source), weights: weights.type }, view);
  if (bias === "none") return undefined;
  const names = [
    view.fresh(`${product.name}/weights`),
    view.fresh(`${product.name}/bias`),
  ] as const;
  const constants = new Map<string, Tensor>([[names[0], weights]]);
  if (bias !== undefined) constants.set(names[1], bias);
  const fused: Node = {
    ...{ name: node.name, op: row, outputs: node.outputs },
    inputs: bias === undefined ? [source, names[0]] : [source, ...names],
    attributes: attributeMap({ ...windowOf(product), ...clamp, rule: "f32_rne" }),
  };
  const clamped = clamp === undefined || last === undefined ? [] : [last];
  return { remove: [product, ...clamped, node], insert: [fused], constants };
}

function clampOf(node: Node): Readonly<Record<string, number>> | undefined {
  if (node.op === "relu") return { clamp_min: 0 };
  if (node.op !== "clip") return undefined;
  const attributes = attributesOf(node);
  return { clamp_min: attributes.number("min"), clamp_max: attributes.number("max") };
}

/** Attributes of a convolution; matrices have none. */
function windowOf({ op, attributes }: Node): Readonly<Record<string, Attribute>> {
  return op === "gemm" || op === "matmul" ? {} : Object.fromEntries(attributes);
}

/** Known bytes, matrices as [depth, columns]. */
function storedWeights(product: Node, view: View): Tensor | undefined {
  const reader = view.producerOf(product.inputs[1]);
  const stored = view.constantOf(reader?.inputs[0]);
  const isBytes = stored?.type.dtype === "i8" || stored?.type.dtype === "u8";
  if (reader?.op !== "dequantize" || stored === undefined || !isBytes) return undefined;
  if (stored.type.quantization === undefined || attributesOf(reader).number("block") !== 0)
    return undefined;
  if (product.op === "matmul") return stored.type.shape.length === 2 ? stored : undefined;
  if (product.op !== "gemm") return stored.type.shape.length === 4 ? stored : undefined;
  const attributes = attributesOf(product);
  const isPlain =
    attributes.number("alpha") === 1 &&
    attributes.number("beta") === 1 &&
    attributes.number("transpose_a") === 0;
  if (!isPlain) return undefined;
  return attributes.number("transpose_b") === 0 ? stored : turned(stored);
}

/** A matrix transposed, its axis of scales with it. */
export function turned({ type, data }: Tensor): Tensor {
  const [rows = 0, columns = 0] = type.shape;
  const { quantization } = type;
  const axis = quantization?.axis === undefined ? {} : { axis: 1 - quantization.axis };
  const encoding = quantization === undefined ? {} : { quantization: { ...quantization, ...axis } };
  return tensorFrom({ ...type, ...encoding, shape: [columns, rows] }, (index) =>
    Number(data[(index % rows) * columns + Math.floor(index / rows)] ?? 0),
  );
}

interface Operands {
  readonly input: TensorType;
  readonly weights: TensorType;
}

/** The bias as whole numbers of sx * sw; "none" where it is not known or no vector. */
function wholeBias(
  product: Node,
  { input, weights }: Operands,
  view: View,
): Tensor | "none" | undefined {
  const name = product.inputs[2] ?? "";
  if (name === "") return undefined;
  const reader = view.producerOf(name);
  const stored = reader?.op === "dequantize" ? view.constantOf(reader.inputs[0]) : undefined;
  const known = stored ?? view.constantOf(name);
  if (known === undefined) return "none";
  const encoding = stored?.type.quantization;
  const [values, count] = [numeric(known), known.data.length];
  if (
    !sameShape(
      known.type.shape.filter((size) => size !== 1),
      count === 1 ? [] : [count],
    )
  )
    return "none";
  const scaleX = input.quantization?.scales[0] ?? 1;
  const scalesW = weights.quantization?.scales ?? [1];
  const of = (list: readonly number[], index: number): number =>
    list[list.length === 1 ? 0 : index] ?? 1;
  return tensorFrom({ dtype: "i32", shape: [count] }, (index) => {
    const zero = encoding === undefined ? 0 : of(encoding.zeroPoints, index);
    const real =
      ((values[index] ?? 0) - zero) * (encoding === undefined ? 1 : of(encoding.scales, index));
    return roundHalfEven(real / fround(scaleX * of(scalesW, index)));
  });
}
