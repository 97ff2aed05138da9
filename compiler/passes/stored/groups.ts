/**
 * Groups of float operators between `dequantize` and `quantize` (QDQ) as rows on stored numbers: functions of one
 * or two bytes as tables, which is exact, movement as it is, and products by their whole sums.
 */
import { attributesOf, formulaOf, normalizeAxis } from "../../ir/index.ts";
import type { Node, TensorType } from "../../ir/index.ts";
import { attributeMap, derived } from "../pass.ts";
import type { Replacement, View } from "../pass.ts";
import { isAlike, isByte, saidBy, sameQuantization, storedSource } from "./encodings.ts";
import { fuseProduct } from "./products.ts";
import { tabulate } from "./tabulate.ts";

/** The group that ends at a `quantize`; undefined where it stays as it is. */
export function fuseGroup(node: Node, view: View): Replacement | undefined {
  if (node.op !== "quantize" || !isByte(view.typeOf(node.outputs[0]))) return undefined;
  return (
    fuseProduct(node, view) ??
    fuseMovement(node, view) ??
    fuseMean(node, view) ??
    fusePool(node, view) ??
    fuseSoftmax(node, view) ??
    fuseFunction(node, view)
  );
}

const MOVING: ReadonlySet<string> = new Set([
  ...["concat", "identity", "max_pool", "reshape", "slice", "transpose"],
]);

/** Elements are moved, or the largest picked, in the result's encoding. */
function fuseMovement(node: Node, view: View): Replacement | undefined {
  const mover = view.soleProducerOf(node.inputs[0]);
  const isNearest = mover?.op === "resize" && attributesOf(mover).text("mode") === "nearest";
  if (mover === undefined || (!MOVING.has(mover.op) && !isNearest)) return undefined;
  if (mover.outputs.length !== 1) return undefined;
  const to = view.typeOf(node.outputs[0]);
  const moved = mover.op === "concat" ? mover.inputs : mover.inputs.slice(0, 1);
  const parts: Recoded[] = [];
  for (const name of moved) {
    const reader = view.producerOf(name);
    if (reader?.op !== "dequantize" || !isByte(view.typeOf(reader.inputs[0]))) return undefined;
    parts.push(recoded(node, { reader, to }, view));
  }
  const inputs = [...parts.map(({ value }) => value), ...mover.inputs.slice(moved.length)];
  const fused = derived(mover, { inputs, outputs: node.outputs });
  return {
    remove: [mover, node],
    insert: [...parts.flatMap(({ insert }) => insert), fused],
    constants: new Map(parts.flatMap(({ constants }) => [...constants])),
    types: new Map(parts.flatMap(({ types }) => [...types])),
  };
}

interface Recoded {
  readonly value: string;
  readonly insert: readonly Node[];
  readonly constants: NonNullable<Replacement["constants"]>;
  readonly types: NonNullable<Replacement["types"]>;
}

/** What `reader` makes real, stored as the result is: the same number, or one out of a table. */
function recoded(
  node: Node,
  { reader, to }: { readonly reader: Node; readonly to: TensorType },
  view: View,
): Recoded {
  const [source = ""] = reader.inputs;
  const from = view.typeOf(source);
  const [said] = saidBy(reader, view.graph);
  const isSame =
    from.dtype === to.dtype && said && sameQuantization(said.quantization, to.quantization);
  if (isSame) return { value: source, insert: [], constants: new Map(), types: new Map() };
  const value = view.fresh(`${reader.outputs[0]}/stored`);
  const table = view.fresh(`${value}/table`);
  const entries = tabulate(view.graph, {
    nodes: [reader, { ...node, inputs: reader.outputs }],
    sources: [source],
  });
  const insert: Node = {
    ...{ name: value, op: "lut", inputs: [source, table], outputs: [value] },
    attributes: attributeMap({}),
  };
  return {
    ...{ value, insert: [insert], constants: new Map([[table, entries]]) },
    types: new Map([[value, { ...to, shape: from.shape }]]),
  };
}

/** The mean of an image by its whole sum. */
function fuseMean(node: Node, view: View): Replacement | undefined {
  const mean = view.soleProducerOf(node.inputs[0]);
  const axes = mean && imageAxes(mean);
  const source = axes && storedSource(mean?.inputs[0], view);
  if (mean === undefined || axes === undefined || source === undefined) return undefined;
  if (!isAlike(source, node, view)) return undefined;
  return replaced([mean, node], {
    ...{ name: node.name, op: "fixed_mean", inputs: [source], outputs: node.outputs },
    attributes: attributeMap(axes),
  });
}

/** Means of windows are rounded in the encoding of what they read, then brought to the result's. */
function fusePool(node: Node, view: View): Replacement | undefined {
  const pool = view.soleProducerOf(node.inputs[0]);
  const source = storedSource(pool?.inputs[0], view);
  const reader = view.producerOf(pool?.inputs[0]);
  if (pool?.op !== "average_pool" || source === undefined || reader === undefined) return undefined;
  const attributes = attributesOf(pool);
  const isPlain =
    attributes.number("count_include_pad") === 0 &&
    attributes.numbers("dilations").every((step) => step === 1);
  if (!isPlain || view.typeOf(source).shape.length !== 4) return undefined;
  const [from, to] = [view.typeOf(source), view.typeOf(node.outputs[0])];
  const pooled = view.fresh(`${pool.name}/stored`);
  const mean = {
    ...pool,
    op: "fixed_average_pool",
    name: pooled,
    inputs: [source],
    outputs: [pooled],
  };
  const table = view.fresh(`${node.outputs[0]}/table`);
  const entries = tabulate(view.graph, {
    nodes: [reader, { ...node, inputs: reader.outputs }],
    sources: [source],
  });
  const inputs = [pooled, table];
  const recode = { name: node.name, op: "lut", inputs, outputs: node.outputs };
  return {
    remove: [pool, node],
    insert: [mean, { ...recode, attributes: attributeMap({}) }],
    constants: new Map([[table, entries]]),
    types: new Map([[pooled, { ...from, shape: to.shape }]]),
  };
}

function imageAxes(node: Node): { axes: readonly number[]; keepdims: number } | undefined {
  if (node.op === "global_average_pool") return { axes: [2, 3], keepdims: 1 };
  if (node.op !== "reduce_mean") return undefined;
  const attributes = attributesOf(node);
  return { axes: attributes.numbers("axes"), keepdims: attributes.number("keepdims") };
}

function fuseSoftmax(node: Node, view: View): Replacement | undefined {
  const softmax = view.soleProducerOf(node.inputs[0]);
  const source = storedSource(softmax?.inputs[0], view);
  if (softmax?.op !== "softmax" || source === undefined) return undefined;
  const rank = view.typeOf(source).shape.length;
  const isLast = normalizeAxis(attributesOf(softmax).number("axis"), rank) === rank - 1;
  if (!isLast || !isAlike(source, node, view)) return undefined;
  return replaced([softmax, node], {
    ...{ name: node.name, op: "fixed_softmax", inputs: [source], outputs: node.outputs },
    attributes: attributeMap({}),
  });
}

function replaced(remove: readonly Node[], insert: Node): Replacement {
  return { remove, insert: [insert] };
}

const PAIRS: ReadonlySet<string> = new Set(["add", "sub", "mul", "div", "min", "max", "pow"]);
const GROUP_MAX = 64;

interface Region {
  readonly nodes: Node[];
  readonly sources: string[];
}

/** Any operators on single elements of one or two bytes. */
function fuseFunction(node: Node, view: View): Replacement | undefined {
  const region: Region = { nodes: [], sources: [] };
  if (!collect(node.inputs[0] ?? "", view, region)) return undefined;
  const { nodes, sources } = region;
  const [first, second] = sources;
  if (first === undefined || sources.length > 2) return undefined;
  const table = view.fresh(`${node.outputs[0]}/table`);
  const entries = tabulate(view.graph, { nodes: [...nodes, node], sources });
  const inputs = second === undefined ? [first, table] : [first, second, table];
  const op = second === undefined ? "lut" : "lut_pair";
  const fused = {
    name: node.name,
    op,
    inputs,
    outputs: node.outputs,
    attributes: attributeMap({}),
  };
  return { remove: [node], insert: [fused], constants: new Map([[table, entries]]) };
}

/** Adds what makes the value, operands first; false where it is no function of bytes alone. */
function collect(name: string, view: View, region: Region): boolean {
  if ((view.constantOf(name)?.data.length ?? 0) === 1) return true;
  const node = view.producerOf(name);
  if (node === undefined) return false;
  if (region.nodes.includes(node)) return true;
  if (node.op === "dequantize") {
    const [source = ""] = node.inputs;
    if (!isByte(view.typeOf(source)) || node.late !== undefined) return false;
    const isScalar = view.constantOf(source)?.data.length === 1;
    if (!isScalar && !region.sources.includes(source)) region.sources.push(source);
    region.nodes.push(node);
    return true;
  }
  const isFunction = formulaOf(node) !== undefined || PAIRS.has(node.op);
  if (!isFunction || node.late !== undefined || region.nodes.length >= GROUP_MAX) return false;
  if (!node.inputs.every((input) => input === "" || collect(input, view, region))) return false;
  region.nodes.push(node);
  return true;
}
