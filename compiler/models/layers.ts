/** Layers with learned parameters: convolution, normalisations, linear maps. */
import { product } from "../../protocol/base/integers.ts";
import { addConstant, addNode, addParameter } from "./draft.ts";
import { floatAttribute, intAttribute, intsAttribute } from "./draft.ts";
import type { Draft, Feature } from "./draft.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

/** Height and width; one number stands for both. */
export type Extent = number | readonly [number, number];

export interface ConvSpec {
  /** As in the published definition, e.g. "layer1.0.conv1". */
  readonly name: string;
  readonly channels: number;
  readonly kernel: Extent;
  readonly stride?: number;
  /** Zeros at either end. */
  readonly padding?: Extent;
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  /** E[output²] / E[input²] that the weights aim at; 2 after a rectified input keeps a variance of 1. */
  readonly gain?: number;
}

const LAYER_NORM_OPSET = 17;

function pairOf(extent: Extent): readonly [number, number] {
  return typeof extent === "number" ? [extent, extent] : extent;
}

export function addConv(state: Draft, from: Feature, spec: ConvSpec): Feature {
  const { name, channels, stride = 1, dilation = 1, groups = 1, gain = 2 } = spec;
  const [kernel, padding] = [pairOf(spec.kernel), pairOf(spec.padding ?? 0)];
  const [, inputChannels = 1, ...plane] = from.shape;
  const dims = [channels, inputChannels / groups, ...kernel];
  const fanIn = product(dims.slice(1));
  const deviation = Math.sqrt(gain / fanIn);
  const data = state.weights.filters({ count: channels, fanIn, deviation });
  const inputs = [from.name, addParameter(state, `${name}.weight`, { dims, data })];
  if (spec.bias === true) {
    const bias = state.weights.vector({ count: channels, mean: 0, spread: 0.1 });
    inputs.push(addParameter(state, `${name}.bias`, { dims: [channels], data: bias }));
  }
  const sizes = plane.map((size, axis) => {
    const reach = dilation * ((kernel[axis] ?? 1) - 1) + 1;
    return floor((size + 2 * (padding[axis] ?? 0) - reach) / stride) + 1;
  });
  state.multiplyAccumulates += data.length * product(sizes);
  const attributes = [
    intsAttribute("dilations", [dilation, dilation]),
    intAttribute("group", groups),
    intsAttribute("kernel_shape", [...kernel]),
    intsAttribute("pads", [...padding, ...padding]),
    intsAttribute("strides", [stride, stride]),
  ];
  const output = { name, shape: [1, channels, ...sizes] };
  return addNode(state, { op: "Conv", inputs, attributes }, output);
}

/** Statistics of a layer whose input has unit variance, disturbed as a trained network's would be. */
export function addBatchNorm(
  state: Draft,
  from: Feature,
  spec: { readonly name: string; readonly strength: number },
): Feature {
  const { name, strength } = spec;
  const [, count = 1] = from.shape;
  const vector = (suffix: string, mean: number, spread: number): string => {
    const data = state.weights.vector({ count, mean, spread });
    return addConstant(state, `${name}.${suffix}`, { dims: [count], data });
  };
  const inputs = [
    from.name,
    vector("weight", strength, strength * 0.4),
    vector("bias", 0, 0.2),
    vector("running_mean", 0, 0.1),
    vector("running_var", 1, 0.3),
  ];
  // The running statistics are not learned.
  state.parameters += 2 * count;
  const attributes = [floatAttribute("epsilon", 1e-5)];
  const output = { name, shape: from.shape };
  return addNode(state, { op: "BatchNormalization", inputs, attributes }, output);
}

/** Over the last axis. */
export function addLayerNorm(state: Draft, from: Feature, name: string): Feature {
  const count = from.shape.at(-1) ?? 1;
  const vector = (suffix: string, mean: number, spread: number): string => {
    const data = state.weights.vector({ count, mean, spread });
    return addParameter(state, `${name}.${suffix}`, { dims: [count], data });
  };
  const inputs = [from.name, vector("weight", 1, 0.4), vector("bias", 0, 0.2)];
  const attributes = [intAttribute("axis", -1), floatAttribute("epsilon", 1e-6)];
  state.opset = Math.max(state.opset, LAYER_NORM_OPSET);
  const output = { name, shape: from.shape };
  return addNode(state, { op: "LayerNormalization", inputs, attributes }, output);
}

export interface LinearSpec {
  readonly name: string;
  readonly channels: number;
  /** As of a convolution. */
  readonly gain?: number;
}

/** Over the last axis: Gemm on a matrix, MatMul and Add on anything of higher rank. */
export function addLinear(state: Draft, from: Feature, spec: LinearSpec): Feature {
  const { name, channels, gain = 2 } = spec;
  const isMatrix = from.shape.length === 2;
  const fanIn = from.shape.at(-1) ?? 1;
  const deviation = Math.sqrt(gain / fanIn);
  const data = state.weights.filters({ count: channels, fanIn, deviation });
  const dims = isMatrix ? [channels, fanIn] : [fanIn, channels];
  const weight = addParameter(state, `${name}.weight`, { dims, data });
  const biasData = state.weights.vector({ count: channels, mean: 0, spread: 0.1 });
  const bias = addParameter(state, `${name}.bias`, { dims: [channels], data: biasData });
  const shape = [...from.shape.slice(0, -1), channels];
  state.multiplyAccumulates += product(shape) * fanIn;
  if (isMatrix) {
    const attributes = [intAttribute("transB", 1)];
    const inputs = [from.name, weight, bias];
    return addNode(state, { op: "Gemm", inputs, attributes }, { name, shape });
  }
  const multiplied = { name: `${name}.matmul`, shape };
  addNode(state, { op: "MatMul", inputs: [from.name, weight] }, multiplied);
  return addNode(state, { op: "Add", inputs: [bias, multiplied.name] }, { name, shape });
}
