/** Writes networks as real ONNX files: layers with seeded weights, counted as they are added. */
import { product } from "../../protocol/base/integers.ts";
import type { Random } from "../../protocol/base/random.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { encodeModel } from "../frontend/onnx/index.ts";
import type { AttributeProto, NodeProto, TensorProto } from "../frontend/onnx/index.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

/** A value of the network under construction: [1, channels, height, width], or [1, channels]. */
export interface Feature {
  readonly name: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface ConvSpec {
  /** As in the published definition, e.g. "layer1.0.conv1". */
  readonly name: string;
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  /** E[output²] / E[input²] that the weights aim at; 2 after a rectified input keeps a variance of 1. */
  readonly gain?: number;
}

export interface Network {
  readonly random: Random;
  conv(input: Feature, spec: ConvSpec): Feature;
  /** `strength` is the mean of the learned scale; residual branches use a small one. */
  batchNorm(input: Feature, name: string, strength?: number): Feature;
  relu(input: Feature, name: string): Feature;
  relu6(input: Feature, name: string): Feature;
  add(a: Feature, b: Feature, name: string): Feature;
  concat(a: Feature, b: Feature, name: string): Feature;
  maxPool(input: Feature, spec: PoolSpec): Feature;
  globalAveragePool(input: Feature, name: string): Feature;
  flatten(input: Feature, name: string): Feature;
  linear(input: Feature, name: string, channels: number): Feature;
  finish(output: Feature): BuiltNetwork;
}

export interface PoolSpec {
  readonly name: string;
  readonly kernel: number;
  readonly stride: number;
  readonly padding?: number;
  readonly ceil?: boolean;
}

export interface BuiltNetwork {
  readonly bytes: Uint8Array;
  /** Learned parameters, as frameworks count them: without the running statistics. */
  readonly parameters: number;
  readonly multiplyAccumulates: number;
}

const OPSET = 13;
const IR_VERSION = 7;
const FLOAT = 1;
/** AttributeProto.AttributeType. */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;

interface State {
  readonly random: Random;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  parameters: number;
  multiplyAccumulates: number;
}

export function network(modelName: string, seed: number): { net: Network; input: Feature } {
  const random = seededRandom(seed);
  const state: State = {
    random,
    nodes: [],
    initializers: [],
    parameters: 0,
    multiplyAccumulates: 0,
  };
  const input: Feature = { name: "input", channels: 3, height: 224, width: 224 };
  const net: Network = {
    random,
    conv: (from, spec) => addConv(state, from, spec),
    batchNorm: (from, name, strength = 1) => addBatchNorm(state, from, { name, strength }),
    relu: (from, name) => addNode(state, { op: "Relu", inputs: [from.name] }, { ...from, name }),
    relu6: (from, name) => addRelu6(state, from, name),
    add: (a, b, name) => addNode(state, { op: "Add", inputs: [a.name, b.name] }, { ...a, name }),
    concat: (a, b, name) => addConcat(state, [a, b], name),
    maxPool: (from, spec) => addMaxPool(state, from, spec),
    globalAveragePool: (from, name) => {
      const pooled = { name, channels: from.channels, height: 1, width: 1 };
      return addNode(state, { op: "GlobalAveragePool", inputs: [from.name] }, pooled);
    },
    flatten: (from, name) => {
      const flat = { name, channels: product([from.channels, from.height, from.width]) };
      const attributes = [intAttribute("axis", 1)];
      const node = { op: "Flatten", inputs: [from.name], attributes };
      return addNode(state, node, { ...flat, height: 1, width: 1 });
    },
    linear: (from, name, channels) => addLinear(state, from, { name, channels }),
    finish: (output) => finish(state, { modelName, input, output }),
  };
  return { net, input };
}

interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes?: readonly AttributeProto[];
}

function addNode(state: State, spec: NodeSpec, output: Feature): Feature {
  state.nodes.push({
    opType: spec.op,
    name: output.name,
    input: [...spec.inputs],
    output: [output.name],
    attribute: [...(spec.attributes ?? [])],
  });
  return output;
}

function intAttribute(name: string, i: number): AttributeProto {
  return { name, i, type: ATTRIBUTE.int };
}

function intsAttribute(name: string, ints: number[]): AttributeProto {
  return { name, ints, type: ATTRIBUTE.ints };
}

function addConstant(
  state: State,
  name: string,
  value: { readonly dims: number[]; readonly data: Float32Array },
): string {
  const { dims, data } = value;
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  state.initializers.push({ name, dims, dataType: FLOAT, rawData });
  return name;
}

function addConv(state: State, from: Feature, spec: ConvSpec): Feature {
  const { name, channels, kernel, stride = 1, padding = 0, groups = 1, gain = 2 } = spec;
  const dims = [channels, from.channels / groups, kernel, kernel];
  const fanIn = product(dims.slice(1));
  const data = filters(state.random, {
    count: channels,
    fanIn,
    deviation: Math.sqrt(gain / fanIn),
  });
  const inputs = [from.name, addConstant(state, `${name}.weight`, { dims, data })];
  state.parameters += data.length;
  if (spec.bias === true) {
    const bias = around(state.random, { count: channels, mean: 0, spread: 0.1 });
    inputs.push(addConstant(state, `${name}.bias`, { dims: [channels], data: bias }));
    state.parameters += channels;
  }
  const height = floor((from.height + 2 * padding - kernel) / stride) + 1;
  const width = floor((from.width + 2 * padding - kernel) / stride) + 1;
  state.multiplyAccumulates += data.length * height * width;
  const attributes = [
    intsAttribute("dilations", [1, 1]),
    intAttribute("group", groups),
    intsAttribute("kernel_shape", [kernel, kernel]),
    intsAttribute("pads", [padding, padding, padding, padding]),
    intsAttribute("strides", [stride, stride]),
  ];
  return addNode(state, { op: "Conv", inputs, attributes }, { name, channels, height, width });
}

/** Statistics of a layer whose input has unit variance, disturbed as a trained network's would be. */
function addBatchNorm(
  state: State,
  from: Feature,
  spec: { readonly name: string; readonly strength: number },
): Feature {
  const { name, strength } = spec;
  const count = from.channels;
  const vector = (suffix: string, mean: number, spread: number): string => {
    const data = around(state.random, { count, mean, spread });
    return addConstant(state, `${name}.${suffix}`, { dims: [count], data });
  };
  const inputs = [
    from.name,
    vector("weight", strength, strength * 0.4),
    vector("bias", 0, 0.2),
    vector("running_mean", 0, 0.1),
    vector("running_var", 1, 0.3),
  ];
  state.parameters += 2 * count;
  const attributes = [{ name: "epsilon", f: 1e-5, type: ATTRIBUTE.float }];
  return addNode(state, { op: "BatchNormalization", inputs, attributes }, { ...from, name });
}

function addRelu6(state: State, from: Feature, name: string): Feature {
  const bound = (suffix: string, value: number): string => {
    const data = Float32Array.of(value);
    return addConstant(state, `${name}.${suffix}`, { dims: [], data });
  };
  const inputs = [from.name, bound("min", 0), bound("max", 6)];
  return addNode(state, { op: "Clip", inputs }, { ...from, name });
}

function addConcat(state: State, parts: readonly Feature[], name: string): Feature {
  const channels = parts.reduce((total, part) => total + part.channels, 0);
  const { height = 1, width = 1 } = parts[0] ?? {};
  const spec = {
    op: "Concat",
    inputs: parts.map((part) => part.name),
    attributes: [intAttribute("axis", 1)],
  };
  return addNode(state, spec, { name, channels, height, width });
}

function addMaxPool(state: State, from: Feature, spec: PoolSpec): Feature {
  const { name, kernel, stride, padding = 0, ceil = false } = spec;
  const round = ceil ? Math.ceil : floor;
  const height = round((from.height + 2 * padding - kernel) / stride) + 1;
  const width = round((from.width + 2 * padding - kernel) / stride) + 1;
  const attributes = [
    intAttribute("ceil_mode", ceil ? 1 : 0),
    intsAttribute("kernel_shape", [kernel, kernel]),
    intsAttribute("pads", [padding, padding, padding, padding]),
    intsAttribute("strides", [stride, stride]),
  ];
  const output = { name, channels: from.channels, height, width };
  return addNode(state, { op: "MaxPool", inputs: [from.name], attributes }, output);
}

function addLinear(
  state: State,
  from: Feature,
  spec: { readonly name: string; readonly channels: number },
): Feature {
  const { name, channels } = spec;
  const fanIn = from.channels;
  const data = filters(state.random, { count: channels, fanIn, deviation: Math.sqrt(2 / fanIn) });
  const weight = addConstant(state, `${name}.weight`, { dims: [channels, fanIn], data });
  const biasData = around(state.random, { count: channels, mean: 0, spread: 0.1 });
  const bias = addConstant(state, `${name}.bias`, { dims: [channels], data: biasData });
  state.parameters += data.length + channels;
  state.multiplyAccumulates += data.length;
  const attributes = [intAttribute("transB", 1)];
  const output = { name, channels, height: 1, width: 1 };
  return addNode(state, { op: "Gemm", inputs: [from.name, weight, bias], attributes }, output);
}

/**
 * `count` filters of `fanIn` weights, roughly normal: the sum of four bytes of one random word. The
 * mean of every larger filter is taken out: otherwise the common mean of rectified inputs would
 * drown the image within a few layers, which training prevents in real networks.
 */
function filters(
  random: Random,
  shape: { readonly count: number; readonly fanIn: number; readonly deviation: number },
): Float32Array {
  const { count, fanIn, deviation } = shape;
  const data = new Float32Array(count * fanIn);
  const scale = deviation / BYTE_SUM_DEVIATION;
  for (let start = 0; start < data.length; start += fanIn) {
    let sum = 0;
    for (let index = start; index < start + fanIn; index++) {
      const word = random.uint32();
      const bytes = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
      const value = (bytes - BYTE_SUM_MEAN) * scale;
      data[index] = value;
      sum += value;
    }
    const mean = fanIn > DEPTHWISE_TAPS ? sum / fanIn : 0;
    for (let index = start; index < start + fanIn; index++) data[index] = (data[index] ?? 0) - mean;
  }
  return data;
}

const BYTE_SUM_MEAN = 510;
/** sqrt(4 * (256² - 1) / 12). */
const BYTE_SUM_DEVIATION = 147.8;
const DEPTHWISE_TAPS = 9;

/** Uniform in mean ± spread. */
function around(
  random: Random,
  spec: { readonly count: number; readonly mean: number; readonly spread: number },
): Float32Array {
  const { count, mean, spread } = spec;
  return Float32Array.from({ length: count }, () => mean + (2 * random.uniform() - 1) * spread);
}

function finish(
  state: State,
  names: { readonly modelName: string; readonly input: Feature; readonly output: Feature },
): BuiltNetwork {
  const { modelName, input, output } = names;
  state.nodes.push({
    opType: "Identity",
    name: "output",
    input: [output.name],
    output: ["output"],
  });
  const bytes = encodeModel({
    irVersion: IR_VERSION,
    producerName: "retile",
    opsetImport: [{ domain: "", version: OPSET }],
    graph: {
      name: modelName,
      node: state.nodes,
      initializer: state.initializers,
      input: [valueInfo("input", [1, input.channels, input.height, input.width])],
      output: [valueInfo("output", [1, output.channels])],
    },
  });
  const { parameters, multiplyAccumulates } = state;
  return { bytes, parameters, multiplyAccumulates };
}

function valueInfo(name: string, shape: readonly number[]) {
  const dim = shape.map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } };
}
