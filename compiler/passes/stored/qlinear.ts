/** Operators on stored numbers whose scales are values (the QLinear family of ONNX) as rows with encodings in their types. */
import { attributesOf, sameShape } from "../../ir/index.ts";
import type { Attribute, Node, Tensor } from "../../ir/index.ts";
import { attributeMap, derived } from "../pass.ts";
import type { Replacement, View } from "../pass.ts";
import { isByte, saidBy, sameQuantization } from "./encodings.ts";
import { turned } from "./products.ts";
import { tabulate } from "./tabulate.ts";

type Rule = (node: Node, view: View) => Replacement | undefined;

const RULES: Readonly<Record<string, Rule>> = {
  qlinear_conv: (node, view) => asProduct(node, { row: "fixed_conv", bias: node.inputs[8] }, view),
  qlinear_matmul: (node, view) => asProduct(node, { row: "fixed_matmul", bias: undefined }, view),
  qlinear_gemm: asMatrixProduct,
  qlinear_add: asPairTable,
  qlinear_mul: asPairTable,
  qlinear_sigmoid: asTable,
  qlinear_leaky_relu: asTable,
  qlinear_mean: asMean,
  qlinear_concat: asConcat,
};

/** Undefined where the node stays: scales that are computed, or read otherwise than they were written. */
export function adoptOperator(node: Node, view: View): Replacement | undefined {
  const rule = RULES[node.op];
  return rule !== undefined && agrees(node, view) ? rule(node, view) : undefined;
}

/** Whether the encodings that the node states are those of its values' types. */
function agrees(node: Node, view: View): boolean {
  const said = saidBy(node, view.graph);
  const written = node.outputs[0];
  return (
    said.some(({ value }) => value === written) &&
    said.every(({ value, quantization }) =>
      sameQuantization(quantization, view.typeOf(value).quantization),
    )
  );
}

interface Product {
  readonly row: string;
  readonly bias: string | undefined;
  readonly weights?: { readonly name: string; readonly value: Tensor };
}

function asProduct(
  node: Node,
  { row, bias, weights }: Product,
  view: View,
): Replacement | undefined {
  const [x = "", , , w = ""] = node.inputs;
  const output = view.typeOf(node.outputs[0]);
  const isPlane = view.typeOf(x).shape.length === 4 || row === "fixed_matmul";
  if (!isByte(view.typeOf(x)) || view.typeOf(x).dtype !== output.dtype || !isPlane)
    return undefined;
  const known = bias === undefined || bias === "" ? [] : [bias];
  const constants = weights && new Map([[weights.name, weights.value]]);
  const kept = row === "fixed_matmul" ? {} : Object.fromEntries(node.attributes);
  return {
    remove: [node],
    insert: [
      rowOf(
        node,
        { op: row, inputs: [x, weights?.name ?? w, ...known] },
        { ...kept, rule: "f32_rne" },
      ),
    ],
    ...(constants && { constants }),
  };
}

function rowOf(
  { name, outputs }: Node,
  { op, inputs }: { readonly op: string; readonly inputs: readonly string[] },
  attributes: Readonly<Record<string, Attribute>> = {},
): Node {
  return { name, op, inputs, outputs, attributes: attributeMap(attributes) };
}

function asMatrixProduct(node: Node, view: View): Replacement | undefined {
  const attributes = attributesOf(node);
  const isPlain = attributes.number("alpha") === 1 && attributes.number("transpose_a") === 0;
  const value = view.constantOf(node.inputs[3]);
  const bias = view.constantOf(node.inputs[6]);
  const isVector = bias === undefined || sameShape(bias.type.shape, [bias.data.length]);
  if (!isPlain || !isVector || (bias === undefined && (node.inputs[6] ?? "") !== ""))
    return undefined;
  const product = { row: "fixed_matmul", bias: node.inputs[6] };
  if (attributes.number("transpose_b") === 0) return asProduct(node, product, view);
  if (value === undefined) return undefined;
  const weights = { name: view.fresh(`${node.name}/weights`), value: turned(value) };
  return asProduct(node, { ...product, weights }, view);
}

function asTable(node: Node, view: View): Replacement | undefined {
  return tabled(node, { op: "lut", sources: [node.inputs[0] ?? ""] }, view);
}

function asPairTable(node: Node, view: View): Replacement | undefined {
  const [a = "", , , b = ""] = node.inputs;
  if (a === b) return tabled(node, { op: "lut", sources: [a] }, view);
  return tabled(node, { op: "lut_pair", sources: [a, b] }, view);
}

function tabled(
  node: Node,
  { op, sources }: { readonly op: string; readonly sources: readonly string[] },
  view: View,
): Replacement | undefined {
  if (!sources.every((name) => isByte(view.typeOf(name)))) return undefined;
  const table = view.fresh(`${node.outputs[0]}/table`);
  const constants = new Map([[table, tabulate(view.graph, { nodes: [node], sources })]]);
  return { remove: [node], insert: [rowOf(node, { op, inputs: [...sources, table] })], constants };
}

function asMean(node: Node, view: View): Replacement | undefined {
  const [x = ""] = node.inputs;
  const type = view.typeOf(x);
  if (!isByte(type) || type.dtype !== view.typeOf(node.outputs[0]).dtype) return undefined;
  const attributes = { ...Object.fromEntries(node.attributes), rule: "differences" };
  return { remove: [node], insert: [rowOf(node, { op: "fixed_mean", inputs: [x] }, attributes)] };
}

/** Parts in another encoding are brought to the result's by a table. */
function asConcat(node: Node, view: View): Replacement | undefined {
  const to = view.typeOf(node.outputs[0]);
  const insert: Node[] = [];
  const constants = new Map<string, Tensor>();
  const types = new Map<string, typeof to>();
  const parts: string[] = [];
  for (let at = 2; at < node.inputs.length; at += 3) {
    const [source = "", ...encoding] = node.inputs.slice(at, at + 3);
    const from = view.typeOf(source);
    if (!isByte(from)) return undefined;
    if (from.dtype === to.dtype && sameQuantization(from.quantization, to.quantization)) {
      parts.push(source);
      continue;
    }
    const value = view.fresh(`${node.outputs[0]}/part`);
    const table = view.fresh(`${value}/table`);
    const alone = derived(node, {
      inputs: [...node.inputs.slice(0, 2), source, ...encoding],
      attributes: { axis: 0 },
    });
    constants.set(table, tabulate(view.graph, { nodes: [alone], sources: [source] }));
    types.set(value, { ...to, shape: from.shape });
    const lut = { op: "lut", inputs: [source, table], outputs: [value] };
    insert.push({ name: value, ...lut, attributes: attributeMap({}) });
    parts.push(value);
  }
  const axis = attributesOf(node).number("axis");
  insert.push(rowOf(node, { op: "concat", inputs: parts }, { axis }));
  return { remove: [node], insert, constants, types };
}
