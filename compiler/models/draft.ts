/** An ONNX graph under construction: nodes and constants as they are added, parameters and products counted. */
import type { AttributeProto, NodeProto, TensorProto } from "../frontend/onnx/index.ts";
import type { Weights } from "./weights.ts";

/** A value of the network under construction; images are [1, channels, height, width]. */
export interface Feature {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface Draft {
  readonly weights: Weights;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  /** The newest operator set that a node needs. */
  opset: number;
  parameters: number;
  multiplyAccumulates: number;
}

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes?: readonly AttributeProto[];
}

const FLOAT = 1;
const INT64 = 7;
/** AttributeProto.AttributeType. */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;
/** What a file needs at the least; operators of later sets raise it. */
const OPSET_MIN = 13;

export function draft(weights: Weights): Draft {
  return {
    weights,
    nodes: [],
    initializers: [],
    opset: OPSET_MIN,
    parameters: 0,
    multiplyAccumulates: 0,
  };
}

/** Adds a node whose only output is `output`, and returns it. */
export function addNode(state: Draft, spec: NodeSpec, output: Feature): Feature {
  state.nodes.push({
    opType: spec.op,
    name: output.name,
    input: [...spec.inputs],
    output: [output.name],
    attribute: [...(spec.attributes ?? [])],
  });
  return output;
}

export function intAttribute(name: string, i: number): AttributeProto {
  return { name, i, type: ATTRIBUTE.int };
}

export function intsAttribute(name: string, ints: number[]): AttributeProto {
  return { name, ints, type: ATTRIBUTE.ints };
}

export function floatAttribute(name: string, f: number): AttributeProto {
  return { name, f, type: ATTRIBUTE.float };
}

/** A float32 constant that is no learned parameter; returns its name. */
export function addConstant(
  state: Draft,
  name: string,
  value: { readonly dims: number[]; readonly data: Float32Array },
): string {
  const { dims, data } = value;
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  state.initializers.push({ name, dims, dataType: FLOAT, rawData });
  return name;
}

/** A learned parameter; returns its name. */
export function addParameter(
  state: Draft,
  name: string,
  value: { readonly dims: number[]; readonly data: Float32Array },
): string {
  state.parameters += value.data.length;
  return addConstant(state, name, value);
}

/** A one-dimensional int64 constant, such as a shape; returns its name. */
export function addIntegers(state: Draft, name: string, values: readonly number[]): string {
  const data = BigInt64Array.from(values, BigInt);
  const rawData = new Uint8Array(data.buffer);
  state.initializers.push({ name, dims: [values.length], dataType: INT64, rawData });
  return name;
}
