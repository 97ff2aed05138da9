/** What an operator's translation looks like. */
import { isClosed, opened } from "../../../ir/index.ts";
import type { Attribute, DType } from "../../../ir/index.ts";
import type { OnnxNode } from "../node.ts";
import { firstOutput } from "../node.ts";
import type { Scope } from "../scope.ts";

/** Adds the IR nodes of one ONNX node to the scope; throws ImportError when it cannot. */
export type Handler = (node: OnnxNode, scope: Scope) => void;

/** How the parts of an ONNX node become those of the IR operator of the same meaning. */
export interface Translation {
  /** Positions of the inputs that stay inputs; all of them when left out. */
  readonly inputs?: readonly number[];
  /** Attributes that the model gives as inputs, by position. */
  readonly late?: Readonly<Record<string, number>>;
  readonly attributes?: (node: OnnxNode) => Readonly<Record<string, Attribute>>;
}

export function translated(op: string, translation: Translation = {}): Handler {
  return (node, scope) => emitTranslated({ node, scope }, op, translation);
}

function emitTranslated(target: Target, op: string, translation: Translation): void {
  const { node, scope } = target;
  const { inputs, late = {}, attributes } = translation;
  const positions = inputs ?? [...node.inputs.keys()];
  const named = Object.entries(late).map(([name, at]) => [name, node.inputs[at]] as const);
  scope.emit(node, {
    op,
    inputs: trimmed(positions.map((at) => node.inputs[at] ?? "")),
    late: Object.fromEntries(named),
    outputs: trimmed(node.outputs),
    ...(attributes !== undefined && { attributes: attributes(node) }),
  });
}

/** Without the absent ones at the end. */
export function trimmed(names: readonly string[]): readonly string[] {
  return names.slice(0, names.findLastIndex((name) => name !== "") + 1);
}

/** A form before operator set `since`, and the one from then on. */
export function until(since: number, older: Handler, newer: Handler): Handler {
  return (node, scope) => (node.opset < since ? older : newer)(node, scope);
}

export interface Target {
  readonly node: OnnxNode;
  readonly scope: Scope;
}

/** The last IR node of a translation: it writes what the ONNX node writes. */
export function finishWith(target: Target, op: string, operands: Operands): void {
  const { node, scope } = target;
  scope.emit(node, { op, ...operands, outputs: [firstOutput(node)] });
}

export interface Operands {
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly late?: Readonly<Record<string, string | undefined>>;
}

/** An IR node in the middle of a translation; gives the name of what it writes. */
export function step({ node, scope }: Target, op: string, operands: Operands): string {
  return scope.emit(node, { op, ...operands, outputs: [scope.inner(node, op)] });
}

/** The element type where it is known. */
export function knownType({ node, scope }: Target, name: string): DType | undefined {
  const type = opened(scope.valueType(node, name));
  return type.kind === "tensor" ? type.dtype : undefined;
}

/** The rank where it is known. */
export function knownRank({ node, scope }: Target, name: string): number | undefined {
  const type = opened(scope.valueType(node, name));
  return type.kind === "tensor" ? type.dims?.length : undefined;
}

/** The shape where all of it is known. */
export function knownShape({ node, scope }: Target, name: string): readonly number[] | undefined {
  const type = scope.valueType(node, name);
  return isClosed(type) ? type.shape : undefined;
}

/** The value in the element type of another, through a cast where it has not got it. */
export function convertedLike(target: Target, value: string, like: string): string {
  const [has, wants] = [knownType(target, value), knownType(target, like)];
  if (has !== undefined && has === wants) return value;
  if (wants === undefined) return step(target, "cast_like", { inputs: [value, like] });
  return step(target, "cast", { inputs: [value], attributes: { to: wants } });
}
