/** Building graphs: types are inferred as nodes are added. The graph handed out is readonly data. */
import { assert, present } from "../../protocol/base/assert.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Attribute, Graph, Node, Quantization, Tensor, TensorType } from "./graph.ts";
import { inferTypes } from "./ops.ts";

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Also the name of its only output, unless `outputs` says otherwise. */
  readonly name: string;
  readonly outputs?: readonly string[];
  /** The encoding of the only output, where it is int8. */
  readonly quantization?: Quantization;
}

export interface GraphBuilder {
  input(name: string, type: TensorType): string;
  constant(name: string, value: Tensor): string;
  /** Adds a node and returns its first output; throws CodedError BAD_NODE when it does not fit. */
  node(spec: NodeSpec): string;
  typeOf(name: string): TensorType;
  finish(outputs: readonly string[]): Graph;
}

export function graphBuilder(graphName: string): GraphBuilder {
  const types = new Map<string, TensorType>();
  const constants = new Map<string, Tensor>();
  const inputs: string[] = [];
  const nodes: Node[] = [];
  const declare = (name: string, type: TensorType): string => {
    assert(name !== "" && !types.has(name), `value ${name} is new`);
    types.set(name, type);
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
      const { op, name, outputs = [name] } = spec;
      const node = { name, op, inputs: spec.inputs, outputs, attributes: attributesFrom(spec) };
      const inferred = unwrap(
        inferTypes(
          node,
          spec.inputs.map((value) => types.get(value)),
        ),
      );
      for (const [index, output] of outputs.entries()) {
        const type = present(inferred[index], `output ${index} of ${name}`);
        const { quantization } = spec;
        declare(output, quantization === undefined ? type : { ...type, quantization });
      }
      nodes.push(node);
      return present(outputs[0], `output of ${name}`);
    },
    typeOf: (name) => present(types.get(name), `type of ${name}`),
    finish: (outputs) => ({ name: graphName, inputs, outputs, types, constants, nodes }),
  };
}

function attributesFrom(spec: NodeSpec): ReadonlyMap<string, Attribute> {
  return new Map(Object.entries(spec.attributes ?? {}));
}
