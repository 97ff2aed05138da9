/** Slices, padding, resizing and the border to quantised values. */
import { elementType } from "../tensors.ts";
import { firstOutput, optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { checkedShape } from "../tensors.ts";
import { axisOf, finishWith, sizeAt } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const REGIONS: Readonly<Record<string, Handler>> = {
  Slice: importSlice,
  Pad: importPad,
  Resize: importResize,
  Upsample: importUpsample,
  QuantizeLinear: importQuantize,
  DequantizeLinear: importDequantize,
};

function importSlice(node: OnnxNode, scope: Scope): void {
  const inAttributes = node.opset < 10;
  const list = (position: number, name: string): readonly number[] => {
    if (inAttributes) return node.integers(name, []);
    const input = optionalInput(node, position);
    return input === undefined ? [] : scope.numbers(node, input);
  };
  const attributes = {
    starts: list(1, "starts"),
    ends: list(2, "ends"),
    axes: list(3, "axes"),
    steps: list(4, "steps"),
  };
  finishWith({ node, scope }, "slice", { inputs: [requiredInput(node, 0)], attributes });
}

function importPad(node: OnnxNode, scope: Scope): void {
  const x = requiredInput(node, 0);
  const type = scope.typeOf(node, x);
  const rank = type.shape.length;
  const inAttributes = node.opset < 11;
  const pads = inAttributes
    ? node.integers("pads", [])
    : scope.numbers(node, requiredInput(node, 1));
  const valueName = inAttributes ? undefined : optionalInput(node, 2);
  const axesName = optionalInput(node, 3);
  const axes = axesName === undefined ? [...type.shape.keys()] : scope.numbers(node, axesName);
  if (pads.length !== axes.length * 2) node.refuse("BAD_MODEL", "pads must be two counts an axis");
  const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  for (const [index, given] of axes.entries()) {
    const axis = axisOf(node, given, rank);
    before[axis] = pads[index] ?? 0;
    after[axis] = pads[index + axes.length] ?? 0;
  }
  const named = valueName === undefined ? 0 : (scope.numbers(node, valueName)[0] ?? 0);
  const value = inAttributes ? node.float("value", 0) : named;
  const attributes = { before, after, mode: node.text("mode", "constant"), value };
  checkedShape(
    type.shape.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0)),
    node.name,
  );
  finishWith({ node, scope }, "pad", { inputs: [x], attributes });
}

function importResize(node: OnnxNode, scope: Scope): void {
  const { shape } = scope.typeOf(node, requiredInput(node, 0));
  const scalesName = optionalInput(node, node.opset < 11 ? 1 : 2);
  const sizesName = node.opset < 11 ? undefined : optionalInput(node, 3);
  const given = scalesName === undefined ? [] : scope.numbers(node, scalesName);
  const sizes = sizesName === undefined ? [] : scope.numbers(node, sizesName);
  if (node.has("axes")) node.refuse("UNSUPPORTED_OP", "axes are not supported");
  if (node.text("keep_aspect_ratio_policy", "stretch") !== "stretch") {
    node.refuse("UNSUPPORTED_OP", "only stretching is supported");
  }
  const byScale = given.length > 0;
  const scales = byScale ? given : sizes.map((size, axis) => size / sizeAt(shape, axis));
  const target = byScale
    ? given.map((scale, axis) => Math.floor(sizeAt(shape, axis) * scale))
    : sizes;
  const older = node.opset < 11 ? "asymmetric" : "half_pixel";
  const coordinates = node.text("coordinate_transformation_mode", older);
  const nearest = node.text("nearest_mode", node.opset < 11 ? "floor" : "round_prefer_floor");
  emitResize({ node, scope }, { target, scales, coordinates, nearest });
}

/** The predecessor of Resize: scales alone, asymmetric coordinates, rounding down. */
function importUpsample(node: OnnxNode, scope: Scope): void {
  const { shape } = scope.typeOf(node, requiredInput(node, 0));
  const name = optionalInput(node, 1);
  const scales = name === undefined ? node.floats("scales") : scope.numbers(node, name);
  const target = scales.map((scale, axis) => Math.floor(sizeAt(shape, axis) * scale));
  emitResize({ node, scope }, { target, scales, coordinates: "asymmetric", nearest: "floor" });
}

interface ResizeRequest {
  readonly target: readonly number[];
  readonly scales: readonly number[];
  readonly coordinates: string;
  readonly nearest: string;
}

function emitResize(context: { node: OnnxNode; scope: Scope }, request: ResizeRequest): void {
  const { node, scope } = context;
  const { target, scales, coordinates, nearest } = request;
  const x = requiredInput(node, 0);
  const { shape } = scope.typeOf(node, x);
  const spatialOnly = target[0] === shape[0] && target[1] === shape[1];
  if (shape.length !== 4 || target.length !== 4 || !spatialOnly) {
    node.refuse("UNSUPPORTED_OP", "only the two spatial axes of an image are resized");
  }
  checkedShape(target, node.name);
  const mode = node.text("mode", "nearest");
  const known = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"];
  if ((mode !== "nearest" && mode !== "linear") || !known.includes(coordinates)) {
    node.refuse("UNSUPPORTED_OP", `${mode} with ${coordinates} is not supported`);
  }
  const rules = { mode, coordinates, nearest };
  const attributes = { sizes: target.slice(2), scales: scales.slice(2), ...rules };
  finishWith(context, "resize", { inputs: [x], attributes });
}

function readEncoding(node: OnnxNode, scope: Scope) {
  const scales = scope.numbers(node, requiredInput(node, 1));
  const name = optionalInput(node, 2);
  const zero_points = name === undefined ? scales.map(() => 0) : scope.numbers(node, name);
  const rank = scope.typeOf(node, requiredInput(node, 0)).shape.length;
  const axis = scales.length === 1 ? 0 : axisOf(node, node.integer("axis", 1), rank);
  return { scales, zero_points, axis };
}

function importQuantize(node: OnnxNode, scope: Scope): void {
  const zero = optionalInput(node, 2);
  const named = node.has("output_dtype")
    ? elementType(node.integer("output_dtype", 0), node.name)
    : "u8";
  const to = zero === undefined ? named : scope.typeOf(node, zero).dtype;
  const attributes = { ...readEncoding(node, scope), to };
  const outputs = [firstOutput(node)];
  scope.emit(node, { op: "quantize", inputs: [requiredInput(node, 0)], attributes, outputs });
}

function importDequantize(node: OnnxNode, scope: Scope): void {
  const attributes = readEncoding(node, scope);
  finishWith({ node, scope }, "dequantize", { inputs: [requiredInput(node, 0)], attributes });
}
