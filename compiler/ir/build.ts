/** Building graphs: types are inferred as nodes are added. The graph handed out is readonly data. */
import { assert, present } from "../../protocol/base/assert.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type {
  Attribute,
  Graph,
  Node,
  OpenType,
  Quantization,
  Tensor,
  TensorType,
  ValueType,
} from "./graph.ts";
import { inferNode } from "./infer.ts";
import { closedIfKnown, isClosed } from "./value.ts";

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Also the name of its only output, unless `outputs` says otherwise. */
  readonly name: string;
  readonly outputs?: readonly string[];
  /** Values of attributes that are only known when the graph runs; they follow the inputs. */
  readonly late?: Readonly<Record<string, string>>;
  readonly regions?: Readonly<Record<string, Graph>>;
  /** The encoding of the only output, where it is int8; of each, where there are several. */
  readonly quantization?: Quantization;
  readonly quantizations?: readonly (Quantization | undefined)[];
}

export interface GraphBuilder {
  input(name: string, type: ValueType): string;
  constant(name: string, value: Tensor): string;
  /** Adds a node and returns its first output; throws CodedError BAD_NODE when it does not fit. */
  node(spec: NodeSpec): string;
  /** The type of a tensor of known shape. */
  typeOf(name: string): TensorType;
  valueType(name: string): ValueType | undefined;
  finish(outputs: readonly string[]): Graph;
}

export function graphBuilder(graphName: string): GraphBuilder {
  const types = new Map<string, TensorType>();
  const open = new Map<string, OpenType>();
  const constants = new Map<string, Tensor>();
  const inputs: string[] = [];
  const nodes: Node[] = [];
  const valueType = (name: string): ValueType | undefined => types.get(name) ?? open.get(name);
  const declare = (name: string, type: ValueType): string => {
    assert(name !== "" && valueType(name) === undefined, `value ${name} is new`);
    const known = closedIfKnown(type);
    if (isClosed(known)) types.set(name, known);
    else open.set(name, known);
    return name;
  };
  return {
    input(name, type) {
      inputs.push(declare(name, type));
      return name;
    },
    constant(name, value) {
      constants.set(declare(name, value.type), value);
      return name;
    },
    node(spec) {
      const { name, outputs = [name], quantization } = spec;
      const node = nodeFrom(spec);
      const inferred = unwrap(inferNode(node, node.inputs.map(valueType)));
      for (const [index, output] of outputs.entries()) {
        const type = present(inferred.types[index], `output ${index} of ${name}`);
        const encoding = spec.quantizations?.[index] ?? quantization;
        declare(output, encoding && isClosed(type) ? { ...type, quantization: encoding } : type);
      }
      nodes.push({ ...node, attributes: inferred.attributes });
      return present(outputs[0], `output of ${name}`);
    },
    typeOf: (name) => present(types.get(name), `type of ${name}`),
    valueType,
    finish: (outputs) => ({ name: graphName, inputs, outputs, types, open, constants, nodes }),
  };
}

/** The node of a specification, its late attributes appended to its inputs. */
export function nodeFrom(spec: NodeSpec): Node {
  const { op, name, outputs = [name], regions } = spec;
  const late = Object.entries(spec.late ?? {});
  const first = spec.inputs.length;
  return {
    name,
    op,
    inputs: [...spec.inputs, ...late.map(([, value]) => value)],
    outputs,
    attributes: new Map(Object.entries(spec.attributes ?? {})),
    ...(late.length > 0 && { late: new Map(late.map(([key], at) => [key, first + at])) }),
    ...(regions !== undefined && { regions: new Map(Object.entries(regions)) }),
  };
}
