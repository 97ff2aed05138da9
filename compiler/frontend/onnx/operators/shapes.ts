/** Operators that move elements or say what shape they have. */
import { tensorOf } from "../../../ir/index.ts";
import { requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { finishWith, knownShape, step, translated, until } from "./handler.ts";
import type { Handler, Target } from "./handler.ts";

export const SHAPES: Readonly<Record<string, Handler>> = {
  ConstantOfShape: importConstantOfShape,
  Reshape: translated("reshape", {
    inputs: [0],
    late: { shape: 1 },
    attributes: (node) => ({ keep_zero: node.integer("allowzero", 0) }),
  }),
  Flatten: translated("reshape", {
    attributes: (node) => ({ form: "flatten", axes: [node.integer("axis", 1)] }),
  }),
  Squeeze: importSqueeze,
  // Axes moved from an attribute to an input in opset 13.
  Unsqueeze: until(
    13,
    translated("reshape", {
      attributes: (node) => ({ form: "add_axes", axes: node.integers("axes", []) }),
    }),
    translated("reshape", {
      inputs: [0],
      late: { axes: 1 },
      attributes: () => ({ form: "add_axes" }),
    }),
  ),
  Transpose: translated("transpose", {
    attributes: (node) => ({ perm: node.integers("perm", []) }),
  }),
  Concat: translated("concat", { attributes: (node) => ({ axis: node.integer("axis", 1) }) }),
  Split: importSplit,
  Expand: translated("expand", { inputs: [0], late: { shape: 1 } }),
  Tile: translated("tile", { inputs: [0], late: { repeats: 1 } }),
  DepthToSpace: importDepthToSpace,
  SpaceToDepth: importSpaceToDepth,
};

function importConstantOfShape(node: OnnxNode, scope: Scope): void {
  const value = node.tensor("value") ?? tensorOf({ dtype: "f32", shape: [1] }, [0]);
  const inputs = [scope.constant(node, value)];
  finishWith({ node, scope }, "fill", { inputs, late: { shape: requiredInput(node, 0) } });
}

function importSqueeze(node: OnnxNode, scope: Scope): void {
  const inputs = [requiredInput(node, 0)];
  const axes = node.opset >= 13 ? node.inputs[1] : undefined;
  const given = node.integers("axes", []);
  const late = axes !== undefined && axes !== "";
  const form = late || given.length > 0 ? "drop_axes" : "drop_ones";
  const attributes = late ? { form } : { form, axes: given };
  finishWith({ node, scope }, "reshape", { inputs, attributes, late: { axes } });
}

function importSplit(node: OnnxNode, scope: Scope): void {
  const axis = node.integer("axis", 0);
  const late = { sizes: node.opset >= 13 ? node.inputs[1] : undefined };
  const sizes = node.integers("split", []);
  const attributes = sizes.length > 0 ? { axis, sizes } : { axis };
  const inputs = [requiredInput(node, 0)];
  scope.emit(node, { op: "split", inputs, attributes, late, outputs: node.outputs });
}

interface Blocks {
  readonly x: string;
  readonly block: number;
  /** [batch, channels, height, width] where it is known and divides. */
  readonly shape: readonly number[] | undefined;
}

function blocksOf(target: Target): Blocks {
  const { node } = target;
  const x = requiredInput(node, 0);
  return { x, block: node.integer("blocksize", 0), shape: knownShape(target, x) };
}

/** Known shapes become reshapes around a transpose, which every backend has. */
function importDepthToSpace(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const { x, block, shape } = blocksOf(target);
  const rowFirst = node.text("mode", "DCR") === "DCR";
  const [batch = 1, channels = 1, height = 1, width = 1] = shape ?? [];
  const depth = channels / (block * block);
  if (shape?.length !== 4 || !Number.isInteger(depth)) {
    const attributes = { block, channels_first: Number(!rowFirst) };
    return finishWith(target, "depth_to_space", { inputs: [x], attributes });
  }
  const split = rowFirst ? [block, block, depth] : [depth, block, block];
  permuted(target, {
    x,
    split: [batch, ...split, height, width],
    perm: rowFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3],
    shape: [batch, depth, height * block, width * block],
  });
}

function importSpaceToDepth(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const { x, block, shape } = blocksOf(target);
  const [batch = 1, channels = 1, height = 1, width = 1] = shape ?? [];
  const [rows, columns] = [height / block, width / block];
  if (shape?.length !== 4 || !Number.isInteger(rows) || !Number.isInteger(columns)) {
    return finishWith(target, "space_to_depth", { inputs: [x], attributes: { block } });
  }
  permuted(target, {
    x,
    split: [batch, channels, rows, block, columns, block],
    perm: [0, 3, 5, 1, 2, 4],
    shape: [batch, channels * block * block, rows, columns],
  });
}

interface Permutation {
  readonly x: string;
  readonly split: readonly number[];
  readonly perm: readonly number[];
  readonly shape: readonly number[];
}

function permuted(target: Target, { x, split, perm, shape }: Permutation): void {
  const wide = step(target, "reshape", { inputs: [x], attributes: { shape: split } });
  const turned = step(target, "transpose", { inputs: [wide], attributes: { perm } });
  finishWith(target, "reshape", { inputs: [turned], attributes: { shape } });
}
