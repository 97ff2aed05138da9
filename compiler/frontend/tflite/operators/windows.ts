/** Convolution, pooling and resizing: everything that slides over the two axes of an image. */
import { divCeil } from "../../../../protocol/base/integers.ts";
import { fixedFunctions, storedFormat } from "../../../ir/index.ts";
import type { Attribute } from "../../../ir/index.ts";
import { requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import { knownNumbers, permuted } from "../scope.ts";
import type { Scope } from "../scope.ts";
import type { Value } from "../value.ts";
import { clampAttributes, clampOf, emitActivated, emitElementwise, isStored } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { asFloat } from "./hybrid.ts";
import { emitTable } from "./stored-functions.ts";
import { productRow } from "./stored-products.ts";

export const WINDOWS: Readonly<Record<string, Handler>> = {
  CONV_2D: (op, scope) => [importConv(op, scope)],
  DEPTHWISE_CONV_2D: (op, scope) => [importDepthwise(op, scope)],
  TRANSPOSE_CONV: (op, scope) => [importTransposeConv(op, scope)],
  Convolution2DTransposeBias: (op, scope) => [importTransposeBias(op, scope)],
  MAX_POOL_2D: (op, scope) => [importPool(op, scope, "max_pool")],
  AVERAGE_POOL_2D: (op, scope) => [importPool(op, scope, "average_pool")],
  L2_POOL_2D: (op, scope) => [importL2Pool(op, scope)],
  RESIZE_BILINEAR: (op, scope) => [importResize(op, scope, "ResizeBilinear")],
  RESIZE_NEAREST_NEIGHBOR: (op, scope) => [importResize(op, scope, "ResizeNearest")],
};

/** Orders of axes of weights: [O,H,W,I] to [O,I,H,W] or [I,O,H,W], and [1,H,W,O] to [O,1,H,W]. */
const CONV_WEIGHTS = [0, 3, 1, 2];
const TRANSPOSED_WEIGHTS = [3, 0, 1, 2];
const DEPTHWISE_WEIGHTS = [3, 0, 1, 2];

/** Padding of the schema. */
const SAME = 0;

interface Window {
  readonly padding: number;
  readonly strideX: number;
  readonly strideY: number;
  readonly dilationX?: number;
  readonly dilationY?: number;
}

type Pair = readonly [vertical: number, horizontal: number];

function imageShape(op: Operator, value: Value): readonly number[] {
  const { shape } = value.type;
  if (shape.length !== 4) op.refuse("BAD_MODEL", `${value.name} is no image: [${shape.join(",")}]`);
  return shape;
}

function windowAttributes(
  op: Operator,
  window: Window,
  sizes: { readonly image: Pair; readonly kernel: Pair },
): Record<string, Attribute> {
  const strides: Pair = [window.strideY, window.strideX];
  const dilations: Pair = [window.dilationY ?? 1, window.dilationX ?? 1];
  if ([...strides, ...dilations, ...sizes.kernel].some((step) => step < 1)) {
    op.refuse("BAD_MODEL", "a window step is not positive");
  }
  const totals = [0, 1].map((axis) => {
    const [size, stride] = [sizes.image[axis] ?? 1, strides[axis] ?? 1];
    const covered = (dilations[axis] ?? 1) * ((sizes.kernel[axis] ?? 1) - 1) + 1;
    if (window.padding !== SAME) return 0;
    return Math.max((divCeil(size, stride) - 1) * stride + covered - size, 0);
  });
  // The larger half of an odd total goes to the end.
  const before = totals.map((total) => Math.floor(total / 2));
  const after = totals.map((total) => Math.ceil(total / 2));
  return { strides, dilations, pads: [...before, ...after] };
}

/** Weights in the ir's order: permuted now where they are known, by a node where they are computed. */
export function reordered(
  op: Operator,
  scope: Scope,
  { value, perm }: { readonly value: Value; readonly perm: readonly number[] },
): Value {
  if (value.constant === undefined) {
    const attributes = { perm };
    const { quantization } = value.type;
    const encoding = quantization === undefined ? {} : { quantization };
    const turned = { op: "transpose", inputs: [value], attributes, inner: "weights", ...encoding };
    return { ...scope.emit(op, turned), fixed: true };
  }
  return { ...scope.constant(value.name, permuted(value.constant, perm)), fixed: true };
}

function importConv(op: Operator, scope: Scope): Value {
  const [x, weights] = [requiredInput(op, 0), requiredInput(op, 1)];
  const options = op.options("Conv2D");
  const [, height = 1, width = 1, channels = 0] = imageShape(op, x);
  const [, kernelY = 0, kernelX = 0, perGroup = 0] = imageShape(op, weights);
  const sizes = { image: [height, width], kernel: [kernelY, kernelX] } as const;
  const attributes = { ...windowAttributes(op, options, sizes), group: channels / perGroup };
  const w = reordered(op, scope, { value: weights, perm: CONV_WEIGHTS });
  const { activation } = options;
  return emitWindow(op, scope, {
    op: "conv",
    inputs: [x, w, op.inputs[2]],
    attributes,
    activation,
  });
}

function importDepthwise(op: Operator, scope: Scope): Value {
  const [x, weights] = [requiredInput(op, 0), requiredInput(op, 1)];
  const options = op.options("DepthwiseConv2D");
  const [, height = 1, width = 1, channels = 0] = imageShape(op, x);
  const [, kernelY = 0, kernelX = 0] = imageShape(op, weights);
  const sizes = { image: [height, width], kernel: [kernelY, kernelX] } as const;
  const attributes = { ...windowAttributes(op, options, sizes), group: channels };
  const w = reordered(op, scope, { value: weights, perm: DEPTHWISE_WEIGHTS });
  const { activation } = options;
  return emitWindow(op, scope, {
    op: "conv",
    inputs: [x, w, op.inputs[2]],
    attributes,
    activation,
  });
}

interface WindowEmission {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly activation: number;
}

function emitWindow(op: Operator, scope: Scope, emission: WindowEmission): Value {
  const inputs = emission.inputs.filter((value) => value !== undefined);
  const [x, weights, bias] = inputs;
  if (x !== undefined && weights !== undefined && isStored(x)) {
    const clamp = clampAttributes(clampOf(op, emission.activation));
    const { row, attributes } = productRow(emission.op, { x, weights, bias });
    const all = { ...emission.attributes, ...attributes, ...clamp };
    return scope.emit(op, { op: row, inputs, attributes: all, layout: "planes" });
  }
  const floats = inputs.map((value) => asFloat(op, scope, value));
  return emitActivated(op, scope, { ...emission, inputs: floats, layout: "planes", clamps: true });
}

/** Inputs: the output's shape, weights [O,H,W,I], x, and an optional bias. */
function importTransposeConv(op: Operator, scope: Scope): Value {
  const [sizes, weights, x] = [requiredInput(op, 0), requiredInput(op, 1), requiredInput(op, 2)];
  const { padding, strideX, strideY, activation } = op.options("TransposeConv");
  const [, height = 0, width = 0] = knownNumbers(op, sizes);
  const window = { padding, strideX, strideY };
  const operands = { x, weights, bias: op.inputs[3] };
  return emitTransposed(op, scope, { ...operands, window, out: [height, width], activation });
}

/** MediaPipe's operator: x, weights [O,H,W,I], bias; options are three little-endian integers. */
function importTransposeBias(op: Operator, scope: Scope): Value {
  const [x, weights, bias] = [requiredInput(op, 0), requiredInput(op, 1), op.inputs[2]];
  const { customOptions: bytes } = op;
  if (bytes.length < 12) op.refuse("BAD_MODEL", "its options are cut off");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const same = view.getInt32(0, true) === 1;
  const [strideX, strideY] = [view.getInt32(4, true), view.getInt32(8, true)];
  const [, height = 0, width = 0] = imageShape(op, x);
  const [, kernelY = 0, kernelX = 0] = imageShape(op, weights);
  const full: Pair = [(height - 1) * strideY + kernelY, (width - 1) * strideX + kernelX];
  const out: Pair = same ? [height * strideY, width * strideX] : full;
  const window = { padding: same ? SAME : 1, strideX, strideY };
  return emitTransposed(op, scope, { x, weights, bias, window, out, activation: 0 });
}

interface Transposed {
  readonly x: Value;
  readonly weights: Value;
  readonly bias: Value | undefined;
  readonly window: Window;
  readonly out: Pair;
  readonly activation: number;
}

function emitTransposed(op: Operator, scope: Scope, conv: Transposed): Value {
  const { x, weights, bias, window, out, activation } = conv;
  const [, height = 0, width = 0] = imageShape(op, x);
  const [, kernelY = 0, kernelX = 0] = imageShape(op, weights);
  const sizes = { image: out, kernel: [kernelY, kernelX] } as const;
  const attributes = windowAttributes(op, window, sizes);
  const [top = 0, left = 0] = attributes.pads as readonly number[];
  // What the convolution of the output would not reach is cut off, or left to the bias alone.
  const missing = [
    out[0] + top - ((height - 1) * window.strideY + kernelY),
    out[1] + left - ((width - 1) * window.strideX + kernelX),
  ];
  const pads = [top, left, ...missing.map((count) => Math.max(-count, 0))];
  const output_padding = missing.map((count) => Math.max(count, 0));
  const w = reordered(op, scope, { value: weights, perm: TRANSPOSED_WEIGHTS });
  return emitWindow(op, scope, {
    op: "conv_transpose",
    inputs: [x, w, bias],
    attributes: { ...attributes, pads, output_padding },
    activation,
  });
}

function poolAttributes(op: Operator, x: Value): Record<string, Attribute> {
  const options = op.options("Pool2D");
  const [, height = 1, width = 1] = imageShape(op, x);
  const kernel: Pair = [options.kernelY, options.kernelX];
  return { ...windowAttributes(op, options, { image: [height, width], kernel }), kernel };
}

function importPool(op: Operator, scope: Scope, row: "max_pool" | "average_pool"): Value {
  const x = requiredInput(op, 0);
  const attributes = poolAttributes(op, x);
  const { activation } = op.options("Pool2D");
  const averages = row === "average_pool" && isStored(x);
  const pool = averages ? "fixed_average_pool" : row;
  if (isStored(x)) return storedPool(op, scope, { op: pool, inputs: [x], attributes, activation });
  const emission = { op: pool, inputs: [x], attributes, activation } as const;
  return emitActivated(op, scope, { ...emission, layout: "planes", clamps: false });
}

/** A pool of stored numbers; its activation is a table. */
function storedPool(op: Operator, scope: Scope, emission: WindowEmission): Value {
  const { activation, ...pool } = emission;
  const { low, high } = clampOf(op, activation);
  if (low === -Infinity && high === Infinity) {
    return scope.emit(op, { ...pool, layout: "planes" });
  }
  const { quantization } = requiredInput(op, 0).type;
  const encoding = quantization === undefined ? {} : { quantization };
  const x = scope.emit(op, { ...pool, layout: "planes", inner: "pooled", ...encoding });
  const format = storedFormat(x.type);
  const rule = fixedFunctions.limited(low, high, { from: format, to: format });
  return emitTable(op, scope, { x, rule, dtype: x.type.dtype });
}

/** The root of the mean square of each window. */
function importL2Pool(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const attributes = poolAttributes(op, x);
  const squares = emitElementwise(op, scope, { op: "mul", inputs: [x, x], inner: "squares" });
  const pool = { op: "average_pool", inputs: [squares], attributes, inner: "mean" } as const;
  const mean = scope.emit(op, { ...pool, layout: "planes" });
  const { activation } = op.options("Pool2D");
  return emitActivated(op, scope, { op: "sqrt", inputs: [mean], activation, clamps: false });
}

function importResize(
  op: Operator,
  scope: Scope,
  table: "ResizeBilinear" | "ResizeNearest",
): Value {
  const x = requiredInput(op, 0);
  const { alignCorners, halfPixelCenters } = op.options(table);
  const [, height = 1, width = 1] = imageShape(op, x);
  const [outHeight = 0, outWidth = 0] = knownNumbers(op, requiredInput(op, 1));
  const linear = table === "ResizeBilinear";
  const rounded = alignCorners || halfPixelCenters;
  const attributes = {
    sizes: [outHeight, outWidth],
    scales: [outHeight / height, outWidth / width],
    mode: linear ? "linear" : "nearest",
    coordinates: alignCorners ? "align_corners" : halfPixelCenters ? "half_pixel" : "asymmetric",
    nearest: rounded ? "round_prefer_ceil" : "floor",
  };
  const row = linear && isStored(x) ? "fixed_resize" : "resize";
  return scope.emit(op, { op: row, inputs: [x], attributes, layout: "planes" });
}
