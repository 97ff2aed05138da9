/** Convolution, pooling, normalisation and resizing. One-dimensional forms run as images of height 1. */
import { divCeil } from "../../../../protocol/base/integers.ts";
import { firstOutput, optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import type { Attribute } from "../../../ir/index.ts";
import { finishWith, same, sizeAt } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const WINDOWS: Readonly<Record<string, Handler>> = {
  Conv: importConv,
  ConvTranspose: importConvTranspose,
  MaxPool: (node, scope) => importPool(node, scope, "max_pool"),
  AveragePool: (node, scope) => importPool(node, scope, "average_pool"),
  GlobalAveragePool: same("global_average_pool"),
  GlobalMaxPool: same("global_max_pool"),
  BatchNormalization: importBatchNorm,
};

/** The window of a node over the two spatial axes of an image [N,C,H,W]. */
interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
}

/** Attributes of a 1-D window get a first axis of size one. */
function lifted(values: readonly number[], first: number): readonly [number, number] {
  return values.length === 1 ? [first, values[0] ?? 1] : [values[0] ?? 1, values[1] ?? 1];
}

function readWindow(
  node: OnnxNode,
  image: readonly number[],
  kernelShape: readonly number[],
): Window {
  const rank = image.length - 2;
  const list = (name: string): readonly number[] => {
    const values = node.integers(name, new Array<number>(rank).fill(1));
    if (values.length !== rank) node.refuse("BAD_MODEL", `${name} must have ${rank} values`);
    return values;
  };
  if (kernelShape.length !== rank) node.refuse("BAD_MODEL", "the window does not fit the input");
  const [strides, dilations] = [list("strides"), list("dilations")];
  const steps = [...strides, ...dilations, ...kernelShape];
  if (steps.some((step) => step < 1)) node.refuse("BAD_MODEL", "a window step is not positive");
  const pads = readPads(node, { sizes: image.slice(2), kernelShape, strides, dilations });
  const [before, after] = [pads.slice(0, rank), pads.slice(rank)];
  const [padTop, padLeft] = lifted(before, 0);
  const [padBottom, padRight] = lifted(after, 0);
  return {
    kernel: lifted(kernelShape, 1),
    strides: lifted(strides, 1),
    dilations: lifted(dilations, 1),
    pads: [padTop, padLeft, padBottom, padRight],
  };
}

interface PadSource {
  readonly sizes: readonly number[];
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

/** All begins, then all ends, as ONNX orders them. */
function readPads(node: OnnxNode, source: PadSource): readonly number[] {
  const rank = source.sizes.length;
  const automatic = node.text("auto_pad", "NOTSET");
  if (automatic === "VALID") return new Array<number>(rank * 2).fill(0);
  if (automatic === "NOTSET" || automatic === "") {
    const pads = node.integers("pads", new Array<number>(rank * 2).fill(0));
    if (pads.length !== rank * 2 || pads.some((pad) => pad < 0)) {
      node.refuse("BAD_MODEL", "pads must be two counts an axis");
    }
    return pads;
  }
  const totals = source.sizes.map((size, axis) => {
    const stride = sizeAt(source.strides, axis);
    const covered = sizeAt(source.dilations, axis) * (sizeAt(source.kernelShape, axis) - 1) + 1;
    return Math.max(0, (divCeil(size, stride) - 1) * stride + covered - size);
  });
  const smaller = totals.map((total) => Math.floor(total / 2));
  const larger = totals.map((total) => Math.ceil(total / 2));
  if (automatic === "SAME_UPPER") return [...smaller, ...larger];
  if (automatic === "SAME_LOWER") return [...larger, ...smaller];
  return node.refuse("BAD_MODEL", `auto_pad ${automatic} is unknown`);
}

/** Runs `op` on an image; a sequence [N,C,L] goes through [N,C,1,L] and back. */
function emitOnImage(
  target: { node: OnnxNode; scope: Scope },
  op: string,
  operands: { inputs: readonly string[]; attributes: Readonly<Record<string, Attribute>> },
): void {
  const { node, scope } = target;
  const [x = "", ...others] = operands.inputs;
  const { shape } = scope.typeOf(node, x);
  if (shape.length === 4) return finishWith(target, op, operands);
  const weights = op.startsWith("conv") ? others.slice(0, 1) : [];
  const raised = [x, ...weights].map((name) => raise(target, name));
  const inputs = [...raised, ...others.slice(weights.length)];
  const image = scope.emit(node, { op, ...operands, inputs, outputs: [scope.inner(node, op)] });
  const result = scope.typeOf(node, image).shape;
  const flat = [...result.slice(0, 2), sizeAt(result, 3)];
  finishWith(target, "reshape", { inputs: [image], attributes: { shape: flat } });
}

function raise({ node, scope }: { node: OnnxNode; scope: Scope }, name: string): string {
  const [a = 1, b = 1, length = 1] = scope.typeOf(node, name).shape;
  const attributes = { shape: [a, b, 1, length] };
  const outputs = [scope.inner(node, "image")];
  return scope.emit(node, { op: "reshape", inputs: [name], attributes, outputs });
}

function imageShape(node: OnnxNode, scope: Scope): readonly number[] {
  const { shape } = scope.typeOf(node, requiredInput(node, 0));
  if (shape.length !== 3 && shape.length !== 4) {
    node.refuse("UNSUPPORTED_OP", `${shape.length - 2} spatial dimensions are not supported`);
  }
  return shape;
}

function importConv(node: OnnxNode, scope: Scope): void {
  const image = imageShape(node, scope);
  const weights = scope.typeOf(node, requiredInput(node, 1)).shape;
  const window = readWindow(node, image, weights.slice(2));
  const { strides, dilations, pads } = window;
  const attributes = { strides, dilations, pads, group: node.integer("group", 1) };
  emitOnImage({ node, scope }, "conv", { inputs: presentInputs(node), attributes });
}

function presentInputs(node: OnnxNode): readonly string[] {
  const bias = optionalInput(node, 2);
  const both = [requiredInput(node, 0), requiredInput(node, 1)];
  return bias === undefined ? both : [...both, bias];
}

function importConvTranspose(node: OnnxNode, scope: Scope): void {
  const image = imageShape(node, scope);
  const kernelShape = scope.typeOf(node, requiredInput(node, 1)).shape.slice(2);
  const automatic = node.text("auto_pad", "NOTSET");
  if (node.has("output_shape") || automatic.startsWith("SAME")) {
    node.refuse("UNSUPPORTED_OP", "output_shape and auto_pad are not supported");
  }
  const { strides, dilations, pads } = readWindow(node, image, kernelShape);
  const extra = node.integers("output_padding", new Array<number>(image.length - 2).fill(0));
  const output_padding = lifted(extra, 0);
  const steps = { strides, dilations, pads, output_padding };
  const attributes = { ...steps, group: node.integer("group", 1) };
  emitOnImage({ node, scope }, "conv_transpose", { inputs: presentInputs(node), attributes });
}

function importPool(node: OnnxNode, scope: Scope, op: "max_pool" | "average_pool"): void {
  if ((node.outputs[1] ?? "") !== "") node.refuse("UNSUPPORTED_OP", "indices are not supported");
  const image = imageShape(node, scope);
  const window = readWindow(node, image, node.integers("kernel_shape", []));
  const { kernel, strides, dilations, pads } = window;
  const base = { kernel, strides, dilations, pads, ceil_mode: node.integer("ceil_mode", 0) };
  const count_include_pad = node.integer("count_include_pad", 0);
  const attributes = op === "max_pool" ? base : { ...base, count_include_pad };
  emitOnImage({ node, scope }, op, { inputs: [requiredInput(node, 0)], attributes });
}

function importBatchNorm(node: OnnxNode, scope: Scope): void {
  if (node.integer("training_mode", 0) !== 0 || node.integer("spatial", 1) !== 1) {
    node.refuse("UNSUPPORTED_OP", "only the spatial inference form is supported");
  }
  const inputs = [0, 1, 2, 3, 4].map((position) => requiredInput(node, position));
  const attributes = { epsilon: node.float("epsilon", 1e-5) };
  scope.emit(node, { op: "batch_norm", inputs, attributes, outputs: [firstOutput(node)] });
}
