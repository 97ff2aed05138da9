/** What the translation of an operator sees of the graph under construction. */
import { elementCount, numberList, tensorOf } from "../../ir/index.ts";
import type { DType, Graph, Tensor, TensorType, ValueType } from "../../ir/index.ts";
import type { GraphProto } from "./decode.ts";
import { emit } from "./emit.ts";
import type { Emission } from "./emit.ts";
import { LIMITS } from "./failure.ts";
import type { OnnxNode } from "./node.ts";
import { closedOrRefuse, dtypeOrRefuse, rankOrRefuse, unsized, valuesOf } from "./values.ts";
import type { OuterValues, Values } from "./values.ts";

/** A graph inside a node. What it reads from outside are its last inputs. */
export interface Body {
  readonly graph: Graph;
  readonly captures: readonly string[];
}

export interface Scope extends OuterValues {
  /** Adds an IR node on behalf of an ONNX node, or computes it when all it reads is small and known. */
  emit(owner: OnnxNode, emission: Emission): string;
  /** Binds a known value to a name. */
  define(name: string, value: Tensor): void;
  /** A constant made by the front end, named after the value it serves. */
  scalar(owner: OnnxNode, dtype: DType, value: number): string;
  constant(owner: OnnxNode, value: Tensor): string;
  input(name: string, type: ValueType): void;
  isDefined(name: string): boolean;
  /** Whether this graph itself, not one around it, has a value of that name. */
  isOwn(name: string): boolean;
  /** The type of a tensor whose shape must be known; refuses with DYNAMIC_SHAPE. */
  typeOf(owner: OnnxNode, name: string): TensorType;
  /** What is known of a value. */
  valueType(owner: OnnxNode, name: string): ValueType;
  /** The element type, or the rank, which must be known. */
  dtypeOf(owner: OnnxNode, name: string): DType;
  rankOf(owner: OnnxNode, name: string): number;
  /** The numbers of a value that must be known while importing. Use `late` where that can be. */
  numbers(owner: OnnxNode, name: string): readonly number[];
  /** A name for an inner value of an ONNX node that becomes several IR nodes. */
  inner(owner: OnnxNode, suffix: string): string;
  /** The graph in an attribute, its formal inputs of the types given. */
  body(owner: OnnxNode, message: GraphProto, inputTypes: readonly ValueType[]): Body;
  /**
   * The graph in an attribute that runs under a condition. It sees no sizes of what is around it: a
   * model may hold a branch for sizes other than the present ones.
   */
  branch(owner: OnnxNode, message: GraphProto): Body;
  finish(outputs: readonly string[]): Graph;
}

export interface ScopeContext {
  /** Absent at the top. */
  readonly outer?: OuterValues;
  /** Imports a graph inside a node. */
  readonly importBody: (message: GraphProto, nested: NestedContext) => Body;
}

export interface NestedContext {
  readonly owner: OnnxNode;
  readonly outer: OuterValues;
  readonly inputTypes: readonly ValueType[];
}

export function importScope(graphName: string, context: ScopeContext): Scope {
  const values = valuesOf(graphName, context.outer);
  const valueType = (owner: OnnxNode, name: string): ValueType =>
    values.typeNamed(name) ?? owner.refuse("BAD_MODEL", `reads ${name}, which nobody has written`);
  let innerCount = 0;
  const inner = (owner: OnnxNode, suffix: string): string => {
    innerCount += 1;
    return `${owner.outputs.find((name) => name !== "") ?? owner.name}/${suffix}.${innerCount}`;
  };
  const constant = (owner: OnnxNode, value: Tensor): string => {
    const name = inner(owner, "constant");
    values.define(name, value);
    return name;
  };
  const { define, input, finish, isOwn, typeNamed, constantOf } = values;
  return {
    ...{ define, input, finish, isOwn, typeNamed, constantOf, valueType, inner, constant },
    emit: (owner, emission) => emit({ owner, values, valueType, inner }, emission),
    scalar: (owner, dtype, value) => constant(owner, tensorOf({ dtype, shape: [] }, [value])),
    isDefined: (name) => values.typeNamed(name) !== undefined,
    typeOf: (owner, name) => closedOrRefuse(owner, name, valueType(owner, name)),
    dtypeOf: (owner, name) => dtypeOrRefuse(owner, name, valueType(owner, name)),
    rankOf: (owner, name) => rankOrRefuse(owner, name, valueType(owner, name)),
    numbers: (owner, name) => knownNumbers(owner, name, values),
    body: (owner, message, inputTypes) =>
      context.importBody(message, { owner, outer: values, inputTypes }),
    branch: (owner, message) => {
      const outer = { constantOf, typeNamed: (name: string) => unsized(typeNamed(name)) };
      return context.importBody(message, { owner, outer, inputTypes: [] });
    },
  };
}

function knownNumbers(owner: OnnxNode, name: string, values: Values): readonly number[] {
  const value = values.constantOf(name);
  if (values.typeNamed(name) === undefined) {
    return owner.refuse("BAD_MODEL", `reads ${name}, which nobody has written`);
  }
  if (value === undefined) return owner.refuse("DYNAMIC_SHAPE", `${name} depends on the input`);
  if (elementCount(value.type) > LIMITS.foldedElementsMax) {
    return owner.refuse("LIMIT_EXCEEDED", `${name} is too long for a shape`);
  }
  return numberList(value);
}
