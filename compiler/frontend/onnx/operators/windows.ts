/** Convolution and pooling. One-dimensional forms run as images of height 1, which every backend knows. */
import type { Attribute } from "../../../ir/index.ts";
import { requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import { finishWith, knownRank, step, translated, trimmed } from "./handler.ts";
import type { Handler, Operands, Target } from "./handler.ts";

export const WINDOWS: Readonly<Record<string, Handler>> = {
  Conv: (node, scope) => importConvolution({ node, scope }, "conv", {}),
  ConvTranspose: (node, scope) =>
    importConvolution({ node, scope }, "conv_transpose", {
      output_padding: node.integers("output_padding", []),
      output_shape: node.integers("output_shape", []),
    }),
  DeformConv: translated("deform_conv", {
    attributes: (node) => ({
      ...windowAttributes(node),
      group: node.integer("group", 1),
      offset_groups: node.integer("offset_group", 1),
    }),
  }),
  Col2Im: translated("col2im", {
    inputs: [0],
    late: { sizes: 1, block: 2 },
    attributes: windowAttributes,
  }),
  MaxPool: importMaxPool,
  AveragePool: (node, scope) => {
    const count_include_pad = node.integer("count_include_pad", 0);
    importPool({ node, scope }, "average_pool", { count_include_pad });
  },
  LpPool: (node, scope) => importPool({ node, scope }, "lp_pool", { p: node.integer("p", 2) }),
  MaxUnpool: translated("max_unpool", {
    inputs: [0, 1],
    late: { shape: 2 },
    attributes: (node) => ({
      kernel: node.integers("kernel_shape", []),
      strides: node.integers("strides", []),
      pads: node.integers("pads", []),
    }),
  }),
  GlobalAveragePool: translated("global_average_pool"),
  GlobalMaxPool: translated("global_max_pool"),
  GlobalLpPool: translated("global_lp_pool", {
    attributes: (node) => ({ p: node.integer("p", 2) }),
  }),
  MaxRoiPool: (node) => node.refuse("UNSUPPORTED_OP", "RoiAlign took its place"),
};

const AUTO_PADS: Readonly<Record<string, string>> = {
  "": "none",
  NOTSET: "none",
  VALID: "valid",
  SAME_UPPER: "same_upper",
  SAME_LOWER: "same_lower",
};

export function windowAttributes(node: OnnxNode) {
  const given = node.text("auto_pad", "NOTSET");
  const auto_pad = AUTO_PADS[given] ?? node.refuse("BAD_MODEL", `auto_pad ${given} is unknown`);
  const pads = node.integers("pads", []);
  if (pads.some((pad) => pad < 0)) node.refuse("BAD_MODEL", "pads must not be negative");
  return {
    strides: node.integers("strides", []),
    dilations: node.integers("dilations", []),
    // Exporters write zeros beside a rule that makes its own.
    pads: auto_pad === "none" ? pads : [],
    auto_pad,
  };
}

type Attributes = Readonly<Record<string, Attribute>>;

function importConvolution(target: Target, op: string, others: Attributes): void {
  const { node } = target;
  const group = node.integer("group", 1);
  const attributes = { ...windowAttributes(node), group, ...others };
  const [x, w] = [requiredInput(node, 0), requiredInput(node, 1)];
  if (knownRank(target, x) !== 3) {
    return finishWith(target, op, { inputs: trimmed(node.inputs), attributes });
  }
  const [image, filter] = [raised(target, x), raised(target, w)];
  const inputs = [image, filter, ...trimmed(node.inputs.slice(2))];
  emitRaised(target, op, { inputs, attributes: liftedAttributes(attributes) });
}

function importMaxPool(node: OnnxNode, scope: Target["scope"]): void {
  if ((node.outputs[1] ?? "") === "") return importPool({ node, scope }, "max_pool", {});
  const attributes = { ...poolAttributes(node), column_major: node.integer("storage_order", 0) };
  const inputs = [requiredInput(node, 0)];
  scope.emit(node, { op: "max_pool_places", inputs, attributes, outputs: node.outputs });
}

function poolAttributes(node: OnnxNode) {
  const kernel = node.integers("kernel_shape", []);
  return { kernel, ...windowAttributes(node), ceil_mode: node.integer("ceil_mode", 0) };
}

function importPool(target: Target, op: string, others: Attributes): void {
  const { node } = target;
  const attributes = { ...poolAttributes(node), ...others };
  const x = requiredInput(node, 0);
  if (knownRank(target, x) !== 3) return finishWith(target, op, { inputs: [x], attributes });
  const inputs = [raised(target, x)];
  emitRaised(target, op, { inputs, attributes: liftedAttributes(attributes) });
}

/** [N,C,L] as [N,C,1,L]. */
function raised(target: Target, name: string): string {
  const attributes = { form: "add_axes", axes: [2] };
  return step(target, "reshape", { inputs: [name], attributes });
}

function emitRaised(target: Target, op: string, operands: Operands): void {
  const image = step(target, op, operands);
  const attributes = { form: "drop_axes", axes: [2] };
  finishWith(target, "reshape", { inputs: [image], attributes });
}

/** Attributes of a 1-D window get a first axis of size one. */
function liftedAttributes(attributes: Attributes): Attributes {
  const first: Readonly<Record<string, number>> = {
    ...{ kernel: 1, strides: 1, dilations: 1, output_padding: 0, output_shape: 1 },
  };
  const lifted = Object.entries(attributes).map(([name, value]) => {
    if (!Array.isArray(value) || value.length === 0) return [name, value] as const;
    const numbers = value as readonly number[];
    if (name !== "pads") return [name, [first[name] ?? 0, ...numbers.slice(-1)]] as const;
    const [before = 0, after = 0] = numbers;
    return [name, [0, before, 0, after]] as const;
  });
  return Object.fromEntries(lifted);
}
