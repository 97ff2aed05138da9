/** One ONNX node with its attributes read by type. */
import { present } from "../../../protocol/base/assert.ts";
import type { Tensor } from "../../ir/index.ts";
import { integer, text } from "./decode.ts";
import type { AttributeProto, GraphProto, NodeProto, TypeProto } from "./decode.ts";
import type { ReadExternal } from "./external.ts";
import { refuse } from "./failure.ts";
import type { ImportCode } from "./failure.ts";
import { readSparseTensor, readTensor } from "./tensors.ts";

export interface OnnxNode {
  /** For messages: the model's name of the node, or that of its first output. */
  readonly name: string;
  readonly opType: string;
  /** "" is the default domain. */
  readonly domain: string;
  /** The version of the operator set of the node's domain. */
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  has(attribute: string): boolean;
  integer(attribute: string, fallback: number): number;
  float(attribute: string, fallback: number): number;
  text(attribute: string, fallback: string): string;
  integers(attribute: string, fallback: readonly number[]): readonly number[];
  floats(attribute: string): readonly number[];
  texts(attribute: string): readonly string[];
  tensor(attribute: string): Tensor | undefined;
  sparseTensor(attribute: string): Tensor | undefined;
  graph(attribute: string): GraphProto | undefined;
  type(attribute: string): TypeProto | undefined;
  /** Refuses the model because of this node. */
  refuse(code: ImportCode, reason: string): never;
}

/** AttributeProto.AttributeType of the public format; 0 in files older than the field. */
const TYPES = {
  ...{ float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 },
  ...{ sparse: 11, type: 13 },
} as const;

export interface NodeContext {
  readonly opset: number;
  readonly readExternal?: ReadExternal | undefined;
}

export function onnxNode(message: NodeProto, context: NodeContext): OnnxNode {
  const { opset, readExternal } = context;
  const opType = message.opType ?? "";
  const outputs = message.output ?? [];
  const name = message.name || (outputs.find((output) => output !== "") ?? opType);
  const attributes = new Map((message.attribute ?? []).map((each) => [each.name ?? "", each]));
  const refuseNode = (code: ImportCode, reason: string): never =>
    refuse(code, `node ${name} (${opType}): ${reason}`, { node: name, operator: opType });
  const find = (attribute: string, type: keyof typeof TYPES): AttributeProto | undefined => {
    const found = attributes.get(attribute);
    const wrong = found !== undefined && (found.type ?? 0) !== 0 && found.type !== TYPES[type];
    if (wrong) refuseNode("BAD_MODEL", `attribute ${attribute} is no ${type}`);
    return found;
  };
  return {
    name,
    opType,
    domain: canonicalDomain(message.domain),
    opset,
    inputs: message.input ?? [],
    outputs,
    has: (attribute) => attributes.has(attribute),
    integer: (attribute, fallback) => {
      const found = find(attribute, "int");
      return found === undefined ? fallback : integer(found.i);
    },
    float: (attribute, fallback) => find(attribute, "float")?.f ?? fallback,
    text: (attribute, fallback) => {
      const bytes = find(attribute, "string")?.s;
      return bytes === undefined || bytes === null ? fallback : text(bytes);
    },
    integers: (attribute, fallback) => find(attribute, "ints")?.ints?.map(integer) ?? fallback,
    floats: (attribute) => find(attribute, "floats")?.floats ?? [],
    tensor: (attribute) => {
      const message = find(attribute, "tensor")?.t;
      if (message === undefined || message === null) return undefined;
      return readTensor(message, name, readExternal);
    },
    texts: (attribute) => find(attribute, "strings")?.strings?.map(text) ?? [],
    sparseTensor: (attribute) => {
      const message = find(attribute, "sparse")?.sparseTensor;
      return message === undefined || message === null
        ? undefined
        : readSparseTensor(message, name);
    },
    graph: (attribute) => find(attribute, "graph")?.g ?? undefined,
    type: (attribute) => find(attribute, "type")?.tp ?? undefined,
    refuse: refuseNode,
  };
}

/** The default domain has two names. */
export function canonicalDomain(domain: string | null | undefined): string {
  return domain === "ai.onnx" ? "" : (domain ?? "");
}

/** Whether anybody may read that output. */
export function hasOutput(node: OnnxNode, position: number): boolean {
  return (node.outputs[position] ?? "") !== "";
}

/** The name of a required input. */
export function requiredInput(node: OnnxNode, position: number): string {
  const name = node.inputs[position] ?? "";
  if (name === "") node.refuse("BAD_MODEL", `input ${position} is missing`);
  return name;
}

/** The name of an optional input, or undefined where it is absent. */
export function optionalInput(node: OnnxNode, position: number): string | undefined {
  const name = node.inputs[position] ?? "";
  return name === "" ? undefined : name;
}

export function firstOutput(node: OnnxNode): string {
  return present(node.outputs[0], `output of ${node.name}`);
}
