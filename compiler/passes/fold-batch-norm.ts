/** Batch normalisation goes into the convolution before it; elsewhere it becomes a multiplication and an addition. */
import { attributesOf, numeric, tensor } from "../ir/index.ts";
import type { Node } from "../ir/index.ts";
import { foldableChannels, foldInto } from "./affine.ts";
import type { Affine } from "./affine.ts";
import { attributeMap, rewrite } from "./pass.ts";
import type { Pass, Replacement, View } from "./pass.ts";

export const foldBatchNorm: Pass = {
  name: "fold-batch-norm",
  run: (graph) => rewrite(graph, fold),
};

function fold(node: Node, view: View): Replacement | undefined {
  if (node.op !== "batch_norm") return undefined;
  const affine = affineOf(node, view);
  if (affine === undefined) return undefined;
  const producer = view.soleProducerOf(node.inputs[0]);
  const isChannelAxis = producer?.op !== "matmul" || view.typeOf(node.inputs[0]).shape.length === 2;
  if (producer && isChannelAxis && foldableChannels(producer, view) === affine.scale.length) {
    return foldInto({ producer, consumer: node }, affine, view);
  }
  return spelledOut(node, affine, view);
}

/** scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale. */
function affineOf(node: Node, view: View): Affine | undefined {
  const parameters = node.inputs.slice(1).map((name) => view.constantOf(name));
  const [gamma, beta, mean, variance] = parameters.map((each) => each && numeric(each));
  if (!gamma || !beta || !mean || !variance) return undefined;
  const epsilon = attributesOf(node).number("epsilon");
  const scale = Float64Array.from(
    variance,
    (value, channel) => (gamma[channel] ?? 0) / Math.sqrt(value + epsilon),
  );
  const shift = scale.map((value, channel) => (beta[channel] ?? 0) - (mean[channel] ?? 0) * value);
  return { scale, shift };
}

function spelledOut(node: Node, affine: Affine, view: View): Replacement {
  const rank = view.typeOf(node.inputs[0]).shape.length;
  const shape = Array.from({ length: rank }, (_, axis) => (axis === 1 ? affine.scale.length : 1));
  const [scale, shift] = [view.fresh(`${node.name}/scale`), view.fresh(`${node.name}/shift`)];
  const constants = new Map([
    [scale, tensor({ dtype: "f32", shape }, Float32Array.from(affine.scale))],
    [shift, tensor({ dtype: "f32", shape }, Float32Array.from(affine.shift))],
  ]);
  const scaled = view.fresh(`${node.name}/scaled`);
  const attributes = attributeMap({});
  const inputs = [node.inputs[0] ?? "", scale];
  const multiply = { name: scaled, op: "mul", inputs, outputs: [scaled], attributes };
  const add = { ...node, op: "add", inputs: [scaled, shift], attributes };
  return { remove: [node], insert: [multiply, add], constants };
}
