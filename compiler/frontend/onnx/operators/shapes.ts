/** Operators that move elements or compute shapes. All shapes are known while importing. */
import { product } from "../../../../protocol/base/integers.ts";
import { elementCount, numberList, tensorFrom, tensorOf } from "../../../ir/index.ts";
import { LIMITS } from "../failure.ts";
import { firstOutput, optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { checkedShape } from "../tensors.ts";
import { axisOf, finishWith, same, sizeAt } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const SHAPES: Readonly<Record<string, Handler>> = {
  Constant: importConstant,
  ConstantOfShape: importConstantOfShape,
  Shape: importShape,
  Size: importSize,
  Reshape: importReshape,
  Flatten: importFlatten,
  Squeeze: importSqueeze,
  Unsqueeze: importUnsqueeze,
  Transpose: importTranspose,
  Concat: importConcat,
  Split: importSplit,
  Gather: importGather,
  Expand: importExpand,
  Identity: same("identity"),
  DepthToSpace: importDepthToSpace,
  SpaceToDepth: importSpaceToDepth,
};

function importConstant(node: OnnxNode, scope: Scope): void {
  const output = firstOutput(node);
  const value = node.tensor("value");
  if (value !== undefined) return scope.define(output, value);
  const floats = node.has("value_float")
    ? [node.float("value_float", 0)]
    : node.floats("value_floats");
  const whole = node.has("value_int")
    ? [node.integer("value_int", 0)]
    : node.integers("value_ints", []);
  const isList = node.has("value_floats") || node.has("value_ints");
  const isFloat = node.has("value_float") || node.has("value_floats");
  if (!isFloat && !node.has("value_int") && !node.has("value_ints")) {
    node.refuse("UNSUPPORTED_TYPE", "its value is neither a tensor nor a number");
  }
  const values = isFloat ? floats : whole;
  const shape = isList ? [values.length] : [];
  scope.define(output, tensorOf({ dtype: isFloat ? "f32" : "i64", shape }, values));
}

function importConstantOfShape(node: OnnxNode, scope: Scope): void {
  const shape = checkedShape(scope.numbers(node, requiredInput(node, 0)), node.name);
  if (product(shape) > LIMITS.foldedElementsMax) {
    node.refuse("LIMIT_EXCEEDED", `the constant [${shape.join(",")}] is too large`);
  }
  const value = node.tensor("value");
  const dtype = value?.type.dtype ?? "f32";
  const fill = value === undefined ? 0 : (numberList(value)[0] ?? 0);
  scope.define(
    firstOutput(node),
    tensorFrom({ dtype, shape }, () => fill),
  );
}

function importShape(node: OnnxNode, scope: Scope): void {
  const { shape } = scope.typeOf(node, requiredInput(node, 0));
  const rank = shape.length;
  const clipped = (value: number) => Math.min(Math.max(value < 0 ? value + rank : value, 0), rank);
  const [start, end] = [clipped(node.integer("start", 0)), clipped(node.integer("end", rank))];
  const part = shape.slice(start, end);
  scope.define(firstOutput(node), tensorOf({ dtype: "i64", shape: [part.length] }, part));
}

function importSize(node: OnnxNode, scope: Scope): void {
  const count = elementCount(scope.typeOf(node, requiredInput(node, 0)));
  scope.define(firstOutput(node), tensorOf({ dtype: "i64", shape: [] }, [count]));
}

function reshapeTo(node: OnnxNode, scope: Scope, shape: readonly number[]): void {
  const attributes = { shape: checkedShape(shape, node.name) };
  finishWith({ node, scope }, "reshape", { inputs: [requiredInput(node, 0)], attributes });
}

/** 0 copies the input's dimension (unless allowzero), one -1 takes what is left. */
function importReshape(node: OnnxNode, scope: Scope): void {
  const from = scope.typeOf(node, requiredInput(node, 0)).shape;
  const wanted = scope.numbers(node, requiredInput(node, 1));
  const keepZero = node.integer("allowzero", 0) !== 0;
  const copied = wanted.map((size, axis) => (size === 0 && !keepZero ? (from[axis] ?? 0) : size));
  const open = copied.filter((size) => size === -1).length;
  if (open > 1) node.refuse("BAD_MODEL", "more than one dimension is -1");
  const known = product(copied.filter((size) => size !== -1));
  if (open === 1 && (known === 0 || product(from) % known !== 0)) {
    node.refuse("BAD_MODEL", `[${from.join(",")}] does not fit [${wanted.join(",")}]`);
  }
  const rest = open === 1 ? product(from) / known : 0;
  reshapeTo(
    node,
    scope,
    copied.map((size) => (size === -1 ? rest : size)),
  );
}

function importFlatten(node: OnnxNode, scope: Scope): void {
  const { shape } = scope.typeOf(node, requiredInput(node, 0));
  const given = node.integer("axis", 1);
  const axis = given === shape.length ? given : axisOf(node, given, Math.max(shape.length, 1));
  reshapeTo(node, scope, [product(shape.slice(0, axis)), product(shape.slice(axis))]);
}

/** Axes moved from an attribute to an input in opset 13. */
function readAxes(node: OnnxNode, scope: Scope): readonly number[] | undefined {
  const name = node.opset >= 13 ? optionalInput(node, 1) : undefined;
  if (name !== undefined) return scope.numbers(node, name);
  return node.has("axes") ? node.integers("axes", []) : undefined;
}

function importSqueeze(node: OnnxNode, scope: Scope): void {
  const { shape } = scope.typeOf(node, requiredInput(node, 0));
  const axes = readAxes(node, scope)?.map((axis) => axisOf(node, axis, shape.length));
  const isGone = (axis: number) => axes?.includes(axis) ?? shape[axis] === 1;
  if (axes?.some((axis) => shape[axis] !== 1)) node.refuse("BAD_MODEL", "a squeezed axis is not 1");
  reshapeTo(
    node,
    scope,
    shape.filter((_, axis) => !isGone(axis)),
  );
}

function importUnsqueeze(node: OnnxNode, scope: Scope): void {
  const { shape } = scope.typeOf(node, requiredInput(node, 0));
  const given = readAxes(node, scope) ?? node.refuse("BAD_MODEL", "axes are missing");
  const rank = shape.length + given.length;
  if (rank > LIMITS.rankMax) node.refuse("LIMIT_EXCEEDED", `${rank} dimensions`);
  const axes = new Set(given.map((axis) => axisOf(node, axis, rank)));
  if (axes.size !== given.length) node.refuse("BAD_MODEL", "an axis is given twice");
  const sizes = [...shape];
  const full = Array.from({ length: rank }, (_, axis) =>
    axes.has(axis) ? 1 : (sizes.shift() ?? 1),
  );
  reshapeTo(node, scope, full);
}

function importTranspose(node: OnnxNode, scope: Scope): void {
  const x = requiredInput(node, 0);
  const axes = [...scope.typeOf(node, x).shape.keys()];
  const attributes = { perm: node.integers("perm", axes.reverse()) };
  finishWith({ node, scope }, "transpose", { inputs: [x], attributes });
}

function importConcat(node: OnnxNode, scope: Scope): void {
  const rank = scope.typeOf(node, requiredInput(node, 0)).shape.length;
  const attributes = { axis: axisOf(node, node.integer("axis", 1), rank) };
  const inputs = node.inputs.filter((name) => name !== "");
  finishWith({ node, scope }, "concat", { inputs, attributes });
}

function importSplit(node: OnnxNode, scope: Scope): void {
  const x = requiredInput(node, 0);
  const { shape } = scope.typeOf(node, x);
  const axis = axisOf(node, node.integer("axis", 0), shape.length);
  const name = node.opset >= 13 ? optionalInput(node, 1) : undefined;
  const given = name === undefined ? node.integers("split", []) : scope.numbers(node, name);
  const count = node.outputs.length;
  const even = Math.ceil(sizeAt(shape, axis) / count);
  const equal = node.outputs.map((_, index) =>
    index < count - 1 ? even : sizeAt(shape, axis) - even * (count - 1),
  );
  const sizes = given.length === 0 ? equal : given;
  if (sizes.length !== count)
    node.refuse("BAD_MODEL", `${sizes.length} sizes for ${count} outputs`);
  const outputs = node.outputs.map((output) =>
    output === "" ? scope.inner(node, "part") : output,
  );
  scope.emit(node, { op: "split", inputs: [x], attributes: { axis, sizes }, outputs });
}

function importGather(node: OnnxNode, scope: Scope): void {
  const [x, indices] = [requiredInput(node, 0), requiredInput(node, 1)];
  const { shape } = scope.typeOf(node, x);
  const axis = axisOf(node, node.integer("axis", 0), shape.length);
  const known = scope.constantOf(indices);
  const size = sizeAt(shape, axis);
  if (known && numberList(known).some((index) => index < -size || index >= size)) {
    node.refuse("BAD_MODEL", `an index is outside the ${size} elements of axis ${axis}`);
  }
  finishWith({ node, scope }, "gather", { inputs: [x, indices], attributes: { axis } });
}

function importExpand(node: OnnxNode, scope: Scope): void {
  const x = requiredInput(node, 0);
  const from = scope.typeOf(node, x).shape;
  const wanted = scope.numbers(node, requiredInput(node, 1));
  const rank = Math.max(from.length, wanted.length);
  const shape = Array.from({ length: rank }, (_, axis) => {
    const own = from[axis - rank + from.length] ?? 1;
    const asked = wanted[axis - rank + wanted.length] ?? 1;
    return own === 1 ? asked : own;
  });
  const attributes = { shape: checkedShape(shape, node.name) };
  finishWith({ node, scope }, "expand", { inputs: [x], attributes });
}

function blockShape(node: OnnxNode, scope: Scope) {
  const x = requiredInput(node, 0);
  const { shape } = scope.typeOf(node, x);
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const block = node.integer("blocksize", 0);
  if (shape.length !== 4 || block < 1)
    node.refuse("BAD_MODEL", "it takes an image and a block size");
  return { x, batch, channels, height, width, block };
}

function importDepthToSpace(node: OnnxNode, scope: Scope): void {
  const { x, batch, channels, height, width, block } = blockShape(node, scope);
  const depth = channels / (block * block);
  const columnFirst = node.text("mode", "DCR") === "DCR";
  const split = columnFirst ? [block, block, depth] : [depth, block, block];
  const perm = columnFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  const shape = [batch, depth, height * block, width * block];
  permuted(node, scope, { x, split: [batch, ...split, height, width], perm, shape });
}

function importSpaceToDepth(node: OnnxNode, scope: Scope): void {
  const { x, batch, channels, height, width, block } = blockShape(node, scope);
  const split = [batch, channels, height / block, block, width / block, block];
  const shape = [batch, channels * block * block, height / block, width / block];
  permuted(node, scope, { x, split, perm: [0, 3, 5, 1, 2, 4], shape });
}

interface Permutation {
  readonly x: string;
  readonly split: readonly number[];
  readonly perm: readonly number[];
  readonly shape: readonly number[];
}

function permuted(node: OnnxNode, scope: Scope, steps: Permutation): void {
  const wide = scope.emit(node, {
    op: "reshape",
    inputs: [steps.x],
    attributes: { shape: checkedShape(steps.split, node.name) },
    outputs: [scope.inner(node, "split")],
  });
  const turned = scope.emit(node, {
    op: "transpose",
    inputs: [wide],
    attributes: { perm: steps.perm },
    outputs: [scope.inner(node, "turned")],
  });
  finishWith({ node, scope }, "reshape", { inputs: [turned], attributes: { shape: steps.shape } });
}
