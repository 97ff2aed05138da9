/** One node written out as several: what takes its place, in the making. */
import type { Attribute, Node, Tensor, TensorType } from "../../ir/index.ts";
import { attributeMap } from "../pass.ts";
import type { Replacement, View } from "../pass.ts";

export interface PartSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly type: TensorType;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** One of the values that the node wrote; a new one where absent. */
  readonly output?: string | undefined;
}

export interface Expansion {
  constant(what: string, value: Tensor): string;
  /** Adds a node and returns its output. */
  node(spec: PartSpec): string;
  reshape(input: string, shape: readonly number[]): string;
  typeOf(name: string): TensorType;
  finish(): Replacement;
}

export function expansionOf(node: Node, view: View): Expansion {
  const insert: Node[] = [];
  const constants = new Map<string, Tensor>();
  const types = new Map<string, TensorType>();
  const typeOf = (name: string): TensorType => types.get(name) ?? view.typeOf(name);
  const add = ({ op, inputs, type, attributes = {}, output }: PartSpec): string => {
    const name = output ?? view.fresh(`${node.name}/${op}`);
    if (output === undefined) types.set(name, type);
    insert.push({ name, op, inputs, outputs: [name], attributes: attributeMap(attributes) });
    return name;
  };
  return {
    constant(what, value) {
      const name = view.fresh(`${node.name}/${what}`);
      constants.set(name, value);
      return name;
    },
    node: add,
    reshape(input, shape) {
      const type = { ...typeOf(input), shape };
      return add({ op: "reshape", inputs: [input], type, attributes: { shape } });
    },
    typeOf,
    finish: () => ({ remove: [node], insert, constants, types }),
  };
}
