/**
 * uint8 to int8 with the zero point 128 lower, which is exact: operators see differences to zero points, or
 * count from an `origin` where they work on stored numbers themselves.
 */
import { CodedError } from "../../../protocol/base/result.ts";
import type { Attribute, Graph, Node, Quantization, Tensor, TensorType } from "../../ir/index.ts";
import { attributesOf } from "../../ir/index.ts";
import type { Pass } from "../pass.ts";

export const signed: Pass = { name: "signed", run };

const OFFSET = 128;

type Attributes = Readonly<Record<string, Attribute>>;

const SAME = (): Attributes => ({});
const COUNTED = (): Attributes => ({ origin: -OFFSET });

/** How each operator that may see uint8 says the same of int8. */
const RULES: Readonly<Record<string, (node: Node, view: Sides) => Attributes>> = {
  fixed_conv: SAME,
  fixed_conv_transpose: SAME,
  fixed_matmul: SAME,
  fixed_add: SAME,
  fixed_sub: SAME,
  fixed_mul: SAME,
  fixed_div: SAME,
  fixed_max: SAME,
  fixed_min: SAME,
  fixed_prelu: SAME,
  fixed_squared_difference: SAME,
  fixed_softmax: SAME,
  fixed_log_softmax: SAME,
  fixed_resize: SAME,
  fixed_average_pool: COUNTED,
  fixed_mean: COUNTED,
  lut: SAME,
  lut_pair: SAME,
  max_pool: SAME,
  argmax: SAME,
  argmin: SAME,
  concat: SAME,
  identity: SAME,
  pad: SAME,
  reshape: SAME,
  resize: SAME,
  slice: SAME,
  split: SAME,
  transpose: SAME,
  dequantize: (node, { reads }) => (reads ? lowered(node) : {}),
  quantize: (node, { writes }) => (writes ? { ...lowered(node), to: "i8" } : {}),
};

/** Whether the node reads or writes uint8. */
interface Sides {
  readonly reads: boolean;
  readonly writes: boolean;
}

/** Encodings that stand in attributes. */
function lowered(node: Node): Attributes {
  const attributes = attributesOf(node);
  const [scales, zeros] = [attributes.numbers("scales"), attributes.numbers("zero_points")];
  return { zero_points: scales.map((_, index) => (zeros[index] ?? 0) - OFFSET) };
}

/** Throws CodedError `UNSUPPORTED_OP` where an operator means uint8 itself. */
function run(graph: Graph): Graph {
  const isUnsigned = (name: string): boolean => graph.types.get(name)?.dtype === "u8";
  if (![...graph.types.keys()].some(isUnsigned)) return graph;
  const nodes = graph.nodes.map((node) => {
    const sides = { reads: node.inputs.some(isUnsigned), writes: node.outputs.some(isUnsigned) };
    if (!sides.reads && !sides.writes) return node;
    const rule = RULES[node.op];
    if (rule === undefined) throw unshifted(node);
    return {
      ...node,
      attributes: new Map([...node.attributes, ...Object.entries(rule(node, sides))]),
    };
  });
  const types = new Map([...graph.types].map(([name, type]) => [name, signedType(type)]));
  const constants = new Map(
    [...graph.constants].map(([name, value]) => [name, signedTensor(value)]),
  );
  return { ...graph, nodes, types, constants };
}

function unshifted(node: Node): CodedError<"UNSUPPORTED_OP"> {
  const message = `node ${node.name}: operator ${node.op} on uint8 has no int8 form`;
  return new CodedError("UNSUPPORTED_OP", message, { node: node.name, operator: node.op });
}

function signedType(type: TensorType): TensorType {
  if (type.dtype !== "u8") return type;
  const { quantization, shape } = type;
  if (quantization === undefined) return { dtype: "i8", shape };
  const zeroPoints = quantization.zeroPoints.map((zero) => zero - OFFSET);
  const moved: Quantization = { ...quantization, zeroPoints };
  return { dtype: "i8", shape, quantization: moved };
}

function signedTensor(value: Tensor): Tensor {
  if (!(value.data instanceof Uint8Array) || value.type.dtype !== "u8") return value;
  return {
    type: signedType(value.type),
    data: Int8Array.from(value.data, (each) => each - OFFSET),
  };
}
