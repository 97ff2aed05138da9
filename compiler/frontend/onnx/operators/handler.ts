/** What an operator's translation looks like. */
import type { Attribute } from "../../../ir/index.ts";
import type { OnnxNode } from "../node.ts";
import { firstOutput } from "../node.ts";
import type { Scope } from "../scope.ts";

/** Adds the IR nodes of one ONNX node to the scope; throws ImportError when it cannot. */
export type Handler = (node: OnnxNode, scope: Scope) => void;

/** The IR operator of that name on the same inputs; for operators that mean the same in both. */
export function same(op: string): Handler {
  return (node, scope) => {
    scope.emit(node, { op, inputs: node.inputs, outputs: [firstOutput(node)] });
  };
}

/** The last IR node of a translation: it writes what the ONNX node writes. */
export function finishWith(
  { node, scope }: { node: OnnxNode; scope: Scope },
  op: string,
  operands: {
    readonly inputs: readonly string[];
    readonly attributes?: Readonly<Record<string, Attribute>>;
  },
): void {
  scope.emit(node, { op, ...operands, outputs: [firstOutput(node)] });
}

/** The size along one axis; 1 beyond the rank. */
export function sizeAt(shape: readonly number[], axis: number): number {
  return shape[axis] ?? 1;
}

/** An axis that may count from the end; refuses one that is out of range. */
export function axisOf(node: OnnxNode, axis: number, rank: number): number {
  const counted = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(counted) || counted < 0 || counted >= rank) {
    node.refuse("BAD_MODEL", `axis ${axis} is outside ${rank} dimensions`);
  }
  return counted;
}
