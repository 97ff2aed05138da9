/** Takes out nodes that change nothing, and spells the rest in the most general operator. */
import {
  attributesOf,
  numeric,
  sameEncoding,
  sameShape,
  sameType,
  storedFormat,
} from "../ir/index.ts";
import type { Node } from "../ir/index.ts";
import { attributeMap, derived, rewrite } from "./pass.ts";
import type { Pass, Replacement, View } from "./pass.ts";

export const simplify: Pass = {
  name: "simplify",
  run: (graph) =>
    rewrite(
      graph,
      (node, view) =>
        dropUnchanged(node, view) ??
        mergeReshapes(node, view) ??
        knownFill(node, view) ??
        mergePad(node, view) ??
        meanAsPool(node, view) ??
        poolOfAll(node, view),
    ),
};

function dropUnchanged(node: Node, view: View): Replacement | undefined {
  const [from = "", to = ""] = [node.inputs[0], node.outputs[0]];
  if (!isUnchanged(node, view)) return undefined;
  if (!view.isOutput(to)) return { remove: [node], insert: [], alias: [to, from] };
  // An output keeps its name: the producer writes it directly, where only this node reads it.
  const producer = view.soleProducerOf(from);
  if (producer === undefined) return undefined;
  const outputs = producer.outputs.map((name) => (name === from ? to : name));
  return { remove: [producer, node], insert: [derived(producer, { outputs })] };
}

function isUnchanged(node: Node, view: View): boolean {
  const same = sameType(view.typeOf(node.inputs[0]), view.typeOf(node.outputs[0]));
  switch (node.op) {
    case "identity":
      return true;
    case "cast":
    case "reshape":
    case "expand":
    case "slice":
    case "pad":
      return same && !hasNegativeStep(node);
    case "concat":
      return node.inputs.length === 1;
    case "transpose": {
      const perm = attributesOf(node).numbers("perm");
      return sameShape(perm, [...perm.keys()]);
    }
    case "lut":
      return same && isIdentity(node, view);
    default:
      return false;
  }
}

/** A table that gives every stored number back, in the encoding that it had. */
function isIdentity(node: Node, view: View): boolean {
  const [from, to] = [view.typeOf(node.inputs[0]), view.typeOf(node.outputs[0])];
  const table = view.constantOf(node.inputs[1]);
  if (table === undefined || from.quantization === undefined || to.quantization === undefined) {
    return false;
  }
  const { low } = storedFormat(from);
  return sameEncoding(from, to) && numeric(table).every((entry, index) => entry === low + index);
}

function hasNegativeStep(node: Node): boolean {
  return (
    node.op === "slice" &&
    attributesOf(node)
      .numbers("steps")
      .some((step) => step < 0)
  );
}

function mergeReshapes(node: Node, view: View): Replacement | undefined {
  const inner = view.producerOf(node.inputs[0]);
  if (node.op !== "reshape" || inner?.op !== "reshape") return undefined;
  return { remove: [node], insert: [derived(node, { inputs: inner.inputs })] };
}

/** A fill value that is known after all is an attribute. */
function knownFill(node: Node, view: View): Replacement | undefined {
  const fill = view.constantOf(node.inputs[1]);
  if (node.op !== "pad" || fill?.type.dtype !== "f32") return undefined;
  const attributes = attributeMap({
    ...Object.fromEntries(node.attributes),
    value: Number(fill.data[0] ?? 0),
  });
  return { remove: [node], insert: [{ ...node, inputs: node.inputs.slice(0, 1), attributes }] };
}

/** Zeros around the image of a convolution are the convolution's own padding. */
function mergePad(node: Node, view: View): Replacement | undefined {
  const pad = view.soleProducerOf(node.inputs[0]);
  if (node.op !== "conv" || pad?.op !== "pad") return undefined;
  const padding = attributesOf(pad);
  const [before, after] = [padding.numbers("before"), padding.numbers("after")];
  const isPlain = pad.inputs.length === 1 && padding.text("mode") === "constant";
  const isZero = isPlain && padding.number("value") === 0;
  const spatialOnly = [...before.slice(0, 2), ...after.slice(0, 2)].every((count) => count === 0);
  const grows = [...before, ...after].every((count) => count >= 0);
  if (!isZero || !spatialOnly || !grows) return undefined;
  const own = attributesOf(node).numbers("pads");
  const more = [...before.slice(2), ...after.slice(2)];
  const pads = more.map((count, index) => count + (own[index] ?? 0));
  const inputs = [pad.inputs[0] ?? "", ...node.inputs.slice(1)];
  return { remove: [pad, node], insert: [derived(node, { inputs, attributes: { pads } })] };
}

/** An average over a window as large as the image is a global average pool. */
function poolOfAll(node: Node, view: View): Replacement | undefined {
  const { shape } = view.typeOf(node.inputs[0]);
  if (node.op !== "average_pool" || shape.length !== 4) return undefined;
  const attributes = attributesOf(node);
  const isWhole = sameShape(attributes.numbers("kernel"), shape.slice(2));
  const isUnpadded = attributes.numbers("pads").every((count) => count === 0);
  const isSingle = view
    .typeOf(node.outputs[0])
    .shape.slice(2)
    .every((size) => size === 1);
  if (!isWhole || !isUnpadded || !isSingle) return undefined;
  const pool = { ...node, op: "global_average_pool", attributes: attributeMap({}) };
  return { remove: [node], insert: [pool] };
}

/** A mean over both spatial axes is a global average pool. */
function meanAsPool(node: Node, view: View): Replacement | undefined {
  if (node.op !== "reduce_mean") return undefined;
  const { shape } = view.typeOf(node.inputs[0]);
  const axes = attributesOf(node)
    .numbers("axes")
    .map((axis) => (axis < 0 ? axis + 4 : axis));
  const spatial = axes.length === 2 && axes.includes(2) && axes.includes(3);
  if (shape.length !== 4 || !spatial) return undefined;
  const pool = { ...node, op: "global_average_pool", attributes: attributeMap({}) };
  if (attributesOf(node).number("keepdims") !== 0) return { remove: [node], insert: [pool] };
  const pooled = view.fresh(`${node.name}/pool`);
  const flat = attributeMap({ shape: shape.slice(0, 2) });
  const reshape = { ...node, op: "reshape", inputs: [pooled], attributes: flat };
  return { remove: [node], insert: [{ ...pool, name: pooled, outputs: [pooled] }, reshape] };
}
