/** The graph under construction: values by their ONNX names, small constants computed as they come up. */
import { CodedError } from "../../../protocol/base/result.ts";
import {
  elementCount,
  evaluateNode,
  graphBuilder,
  inferTypes,
  numberList,
  tensorOf,
} from "../../ir/index.ts";
import type { Attribute, DType, Graph, Node, Tensor, TensorType } from "../../ir/index.ts";
import { LIMITS } from "./failure.ts";
import type { OnnxNode } from "./node.ts";
import { checkedShape } from "./tensors.ts";

export interface Emission {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Names of the values written. The first names the node as well. */
  readonly outputs: readonly string[];
}

export interface Scope {
  /** Adds an IR node on behalf of an ONNX node, or computes it when all it reads is small and known. */
  emit(owner: OnnxNode, emission: Emission): string;
  /** Binds a known value to a name. */
  define(name: string, value: Tensor): void;
  /** A constant made by the front end, named after the value it serves. */
  scalar(owner: OnnxNode, dtype: DType, value: number): string;
  input(name: string, type: TensorType): void;
  isDefined(name: string): boolean;
  typeOf(owner: OnnxNode, name: string): TensorType;
  constantOf(name: string): Tensor | undefined;
  /** The numbers of a value that must be known while importing, such as a shape. */
  numbers(owner: OnnxNode, name: string): readonly number[];
  /** A name for an inner value of an ONNX node that becomes several IR nodes. */
  inner(owner: OnnxNode, suffix: string): string;
  finish(outputs: readonly string[]): Graph;
}

export function importScope(graphName: string): Scope {
  const builder = graphBuilder(graphName);
  const constants = new Map<string, Tensor>();
  const types = new Map<string, TensorType>();
  const placed = new Set<string>();
  let innerCount = 0;

  const typeOf = (owner: OnnxNode, name: string): TensorType =>
    types.get(name) ?? owner.refuse("BAD_MODEL", `reads ${name}, which nobody has written`);
  const declare = (name: string, type: TensorType): void => {
    types.set(name, { dtype: type.dtype, shape: checkedShape(type.shape, name) });
  };
  const define = (name: string, value: Tensor): void => {
    declare(name, value.type);
    constants.set(name, value);
  };
  const place = (name: string): void => {
    const value = constants.get(name);
    if (value === undefined || placed.has(name)) return;
    builder.constant(name, value);
    placed.add(name);
  };
  const inner = (owner: OnnxNode, suffix: string): string => {
    innerCount += 1;
    return `${owner.outputs[0] ?? owner.name}/${suffix}.${innerCount}`;
  };
  return {
    define,
    inner,
    typeOf,
    emit(owner, emission) {
      const node = nodeOf(emission);
      const inputs = node.inputs.map((name) => (name === "" ? undefined : typeOf(owner, name)));
      const outputTypes = inferOrRefuse(owner, node, inputs);
      for (const [index, type] of outputTypes.entries()) {
        const name = node.outputs[index] ?? "";
        if (types.has(name)) owner.refuse("BAD_MODEL", `writes ${name} again`);
        declare(name, type);
      }
      const folded = fold(owner, { node, outputTypes, constants });
      if (folded === undefined) {
        node.inputs.forEach(place);
        return builder.node({ ...emission, name: node.name });
      }
      for (const [index, value] of folded.entries()) define(node.outputs[index] ?? "", value);
      return node.name;
    },
    scalar(owner, dtype, value) {
      const name = inner(owner, "constant");
      define(name, tensorOf({ dtype, shape: [] }, [value]));
      return name;
    },
    input(name, type) {
      declare(name, type);
      builder.input(name, type);
    },
    isDefined: (name) => types.has(name),
    constantOf: (name) => constants.get(name),
    numbers(owner, name) {
      typeOf(owner, name);
      return knownNumbers(owner, name, constants.get(name));
    },
    finish(outputs) {
      outputs.forEach(place);
      return builder.finish(outputs);
    },
  };
}

function nodeOf(emission: Emission): Node {
  const { op, inputs, outputs } = emission;
  const attributes = new Map(Object.entries(emission.attributes ?? {}));
  return { name: outputs[0] ?? "", op, inputs, outputs, attributes };
}

function knownNumbers(owner: OnnxNode, name: string, value: Tensor | undefined): readonly number[] {
  if (value === undefined) return owner.refuse("DYNAMIC_SHAPE", `${name} depends on the input`);
  if (elementCount(value.type) > LIMITS.foldedElementsMax) {
    return owner.refuse("LIMIT_EXCEEDED", `${name} is too long for a shape`);
  }
  return numberList(value);
}

function inferOrRefuse(
  owner: OnnxNode,
  node: Node,
  inputs: readonly (TensorType | undefined)[],
): readonly TensorType[] {
  const inferred = inferTypes(node, inputs);
  if (!inferred.ok) return owner.refuse("BAD_MODEL", inferred.message);
  if (inferred.value.length !== node.outputs.length) {
    return owner.refuse("BAD_MODEL", `has ${node.outputs.length} outputs`);
  }
  return inferred.value;
}

interface Foldable {
  readonly node: Node;
  readonly outputTypes: readonly TensorType[];
  readonly constants: ReadonlyMap<string, Tensor>;
}

function fold(owner: OnnxNode, foldable: Foldable): readonly Tensor[] | undefined {
  const { node, outputTypes, constants } = foldable;
  const operands = node.inputs.map((name) => constants.get(name));
  const known = node.inputs.every((name, index) => name === "" || operands[index] !== undefined);
  const isSmall = (type: TensorType | undefined): boolean =>
    type === undefined || elementCount(type) <= LIMITS.foldedElementsMax;
  if (!known || !outputTypes.every(isSmall)) return undefined;
  if (!operands.every((operand) => isSmall(operand?.type))) return undefined;
  try {
    return evaluateNode(node, operands, outputTypes);
  } catch (error) {
    if (!(error instanceof CodedError) && !(error instanceof RangeError)) throw error;
    return owner.refuse("BAD_MODEL", error.message);
  }
}
