/** scale * x + shift per channel, folded into the weights and bias of the node that writes x. */
import {
  attributesOf,
  elementCount,
  lazyTensor,
  numeric,
  sameShape,
  tensor,
  weightBlocks,
} from "../ir/index.ts";
import type { Node, Tensor } from "../ir/index.ts";
import { derived } from "./pass.ts";
import type { Replacement, View } from "./pass.ts";

/** One pair a channel, in float64 so that the folding rounds once. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** Which axis of the weights and of the output counts output channels. */
const LAYOUTS: Readonly<Record<string, { weights: number; output: number } | undefined>> = {
  conv: { weights: 0, output: 1 },
  conv_transpose: { weights: 1, output: 1 },
  matmul: { weights: 1, output: -1 },
};

/** The number of output channels of a node that can take an affine map in; undefined for others. */
export function foldableChannels(producer: Node | undefined, view: View): number | undefined {
  const layout = producer && LAYOUTS[producer.op];
  if (producer === undefined || layout === undefined) return undefined;
  const [, weights, bias] = producer.inputs;
  const constant = view.constantOf(weights);
  const biasKnown = bias === undefined || bias === "" || view.constantOf(bias) !== undefined;
  const attributes = attributesOf(producer);
  const isClamped =
    attributes.number("clamp_min") !== -Infinity || attributes.number("clamp_max") !== Infinity;
  if (constant?.type.dtype !== "f32" || !biasKnown || isClamped) return undefined;
  if (producer.op === "matmul" && constant.type.shape.length !== 2) return undefined;
  return view.typeOf(producer.outputs[0]).shape.at(layout.output);
}

/** `producer` followed by the affine map that `consumer` computes, as one node in its place. */
export function foldInto(
  pair: { readonly producer: Node; readonly consumer: Node },
  affine: Affine,
  view: View,
): Replacement {
  const { producer, consumer } = pair;
  const [x = "", weightsName = "", biasName = ""] = producer.inputs;
  const weights = view.constantOf(weightsName);
  if (weights === undefined) throw new Error("bug: weights are constant");
  const constants = new Map<string, Tensor>();
  const add = (base: string, value: Tensor): string => {
    const name = view.fresh(base);
    constants.set(name, value);
    return name;
  };
  const changed = affine.scale.some((scale) => scale !== 1);
  const scaled = changed
    ? add(`${producer.name}/weights`, scaleWeights(producer, weights, affine))
    : weightsName;
  const bias = foldBias(view.constantOf(biasName), affine);
  const inputs = [x, scaled, add(`${producer.name}/bias`, bias)];
  const node = derived(producer, { inputs, outputs: consumer.outputs });
  return { remove: [producer, consumer], insert: [node], constants };
}

function scaleWeights(producer: Node, weights: Tensor, { scale }: Affine): Tensor {
  const { shape } = weights.type;
  return lazyTensor({ dtype: "f32", shape }, () => {
    const { taps, channelOfBlock } = weightBlocks(producer.op, shape, scale.length);
    const from = numeric(weights);
    const data = new Float32Array(from.length);
    for (let block = 0, index = 0; block < channelOfBlock.length; block++) {
      const factor = scale[channelOfBlock[block] ?? 0] ?? 0;
      for (let tap = 0; tap < taps; tap++, index++) data[index] = (from[index] ?? 0) * factor;
    }
    return data;
  });
}

function foldBias(bias: Tensor | undefined, { scale, shift }: Affine): Tensor {
  const from = bias === undefined ? undefined : numeric(bias);
  const data = new Float32Array(scale.length);
  for (let channel = 0; channel < data.length; channel++) {
    data[channel] = (from?.[channel] ?? 0) * (scale[channel] ?? 1) + (shift[channel] ?? 0);
  }
  return tensor({ dtype: "f32", shape: [data.length] }, data);
}

/**
 * The per-channel numbers of a constant operand of a broadcast with a value of shape `shape`
 * whose channels run along `axis`; undefined when it varies otherwise or enlarges the value.
 */
export function channelValues(
  operand: Tensor | undefined,
  shape: readonly number[],
  axis: number,
): Float64Array | undefined {
  if (operand?.type.dtype !== "f32") return undefined;
  const channels = shape.at(axis) ?? 1;
  const values = numeric(operand);
  if (elementCount(operand.type) === 1 && operand.type.shape.length <= shape.length) {
    return new Float64Array(channels).fill(values[0] ?? 0);
  }
  const counted = axis < 0 ? axis + shape.length : axis;
  const wanted = shape.map((size, at) => (at === counted ? size : 1));
  const padded = [...shape.slice(operand.type.shape.length).map(() => 1), ...operand.type.shape];
  return sameShape(padded, wanted) ? Float64Array.from(values) : undefined;
}
