/** Writes networks as real ONNX files: one method a layer, weights from a seed, counted as they are added. */
import { product } from "../../protocol/base/integers.ts";
import type { ModelProto } from "../frontend/onnx/index.ts";
import { addNode, addParameter, draft } from "./draft.ts";
import type { Draft, Feature } from "./draft.ts";
import { addBatchNorm, addConv, addLayerNorm, addLinear } from "./layers.ts";
import type { ConvSpec, LinearSpec } from "./layers.ts";
import * as shapes from "./shapes.ts";
import type { Activation, PoolSpec } from "./shapes.ts";
import type { Weights } from "./weights.ts";

export type { Feature } from "./draft.ts";
export type { ConvSpec } from "./layers.ts";
export type { Activation } from "./shapes.ts";

export interface Network {
  conv(input: Feature, spec: ConvSpec): Feature;
  /** `strength` is the mean of the learned scale; residual branches use a small one. */
  batchNorm(input: Feature, name: string, strength?: number): Feature;
  layerNorm(input: Feature, name: string): Feature;
  linear(input: Feature, spec: LinearSpec): Feature;
  /** A learned value that is an operand itself. */
  parameter(spec: ParameterSpec): Feature;
  activate(input: Feature, kind: Activation, name: string): Feature;
  add(a: Feature, b: Feature, name: string): Feature;
  multiply(a: Feature, b: Feature, name: string): Feature;
  /** `input` times a number. */
  scale(input: Feature, factor: number, name: string): Feature;
  matmul(a: Feature, b: Feature, name: string): Feature;
  softmax(input: Feature, name: string): Feature;
  concat(parts: readonly Feature[], name: string, axis?: number): Feature;
  split(input: Feature, spec: { name: string; axis: number; parts: number }): readonly Feature[];
  take(input: Feature, spec: { name: string; axis: number; index: number }): Feature;
  maxPool(input: Feature, spec: PoolSpec): Feature;
  averagePool(input: Feature, spec: PoolSpec): Feature;
  globalAveragePool(input: Feature, name: string): Feature;
  resize(input: Feature, spec: { name: string; height: number; width: number }): Feature;
  flatten(input: Feature, name: string): Feature;
  reshape(input: Feature, shape: readonly number[], name: string): Feature;
  transpose(input: Feature, order: readonly number[], name: string): Feature;
  finish(output: Feature): BuiltNetwork;
}

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly mean: number;
  readonly spread: number;
}

export interface BuiltNetwork {
  readonly model: ModelProto;
  /** Learned parameters, as frameworks count them: without the running statistics. */
  readonly parameters: number;
  readonly multiplyAccumulates: number;
}

const INPUT: Feature = { name: "input", shape: [1, 3, 224, 224] };
const IR_VERSION = 7;
const FLOAT = 1;

export function channelsOf(feature: Feature): number {
  return feature.shape[1] ?? 1;
}

export function network(modelName: string, weights: Weights): { net: Network; input: Feature } {
  const state = draft(weights);
  const net: Network = {
    conv: (from, spec) => addConv(state, from, spec),
    batchNorm: (from, name, strength = 1) => addBatchNorm(state, from, { name, strength }),
    layerNorm: (from, name) => addLayerNorm(state, from, name),
    linear: (from, spec) => addLinear(state, from, spec),
    parameter: (spec) => parameterOf(state, spec),
    activate: (from, kind, name) => shapes.addActivation(state, from, { kind, name }),
    add: (a, b, name) => shapes.addBinary(state, [a, b], { op: "Add", name }),
    multiply: (a, b, name) => shapes.addBinary(state, [a, b], { op: "Mul", name }),
    scale: (from, factor, name) => {
      const operand = { name: shapes.addScalar(state, `${name}.factor`, factor), shape: [] };
      return shapes.addBinary(state, [from, operand], { op: "Mul", name });
    },
    matmul: (a, b, name) => shapes.addMatmul(state, [a, b], name),
    softmax: (from, name) => shapes.addSoftmax(state, from, name),
    concat: (parts, name, axis = 1) => shapes.addConcat(state, parts, { name, axis }),
    split: (from, spec) => shapes.addSplit(state, from, spec),
    take: (from, spec) => shapes.addTake(state, from, spec),
    maxPool: (from, spec) => shapes.addPool(state, from, { ...spec, op: "MaxPool" }),
    averagePool: (from, spec) => shapes.addPool(state, from, { ...spec, op: "AveragePool" }),
    globalAveragePool: (from, name) => shapes.addGlobalAveragePool(state, from, name),
    resize: (from, spec) => shapes.addResize(state, from, spec),
    flatten: (from, name) => shapes.addFlatten(state, from, name),
    reshape: (from, shape, name) => shapes.addReshape(state, from, { name, shape }),
    transpose: (from, order, name) => shapes.addTranspose(state, from, { name, order }),
    finish: (output) => finish(state, modelName, output),
  };
  return { net, input: INPUT };
}

function parameterOf(state: Draft, spec: ParameterSpec): Feature {
  const { name, shape, mean, spread } = spec;
  const data = state.weights.vector({ count: product(shape), mean, spread });
  return { name: addParameter(state, name, { dims: [...shape], data }), shape };
}

function finish(state: Draft, modelName: string, output: Feature): BuiltNetwork {
  const { shape } = output;
  addNode(state, { op: "Identity", inputs: [output.name] }, { name: "output", shape });
  const model: ModelProto = {
    irVersion: IR_VERSION,
    producerName: "retile",
    opsetImport: [{ domain: "", version: state.opset }],
    graph: {
      name: modelName,
      node: state.nodes,
      initializer: state.initializers,
      input: [valueInfo(INPUT.name, INPUT.shape)],
      output: [valueInfo("output", shape)],
    },
  };
  const { parameters, multiplyAccumulates } = state;
  return { model, parameters, multiplyAccumulates };
}

function valueInfo(name: string, shape: readonly number[]) {
  const dim = shape.map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } };
}
