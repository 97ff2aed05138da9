/** The ops table: the single home of what every operator takes, means and gives. */
import { present } from "../../protocol/base/assert.ts";
import { failed, succeeded, CodedError } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Node, TensorType } from "./graph.ts";
import type { Expression } from "./expression.ts";
import { attributeReader } from "./operator.ts";
import type { AttributeReader, Operator } from "./operator.ts";
import { CONVOLUTION_OPS } from "./ops/convolution.ts";
import { PAIR_OPS, UNARY_OPS } from "./ops/elementwise.ts";
import { MATRIX_OPS } from "./ops/matrix.ts";
import { MOVEMENT_OPS } from "./ops/movement.ts";
import { POOLING_OPS } from "./ops/pooling.ts";
import { QUANTIZATION_OPS } from "./ops/quantization.ts";
import { REDUCTION_OPS } from "./ops/reduction.ts";
import { RESIZE_OPS } from "./ops/resize.ts";

export const OPS = {
  ...CONVOLUTION_OPS,
  ...MATRIX_OPS,
  ...UNARY_OPS,
  ...PAIR_OPS,
  ...POOLING_OPS,
  ...REDUCTION_OPS,
  ...MOVEMENT_OPS,
  ...RESIZE_OPS,
  ...QUANTIZATION_OPS,
} as const satisfies Record<string, Operator>;

export type OpName = keyof typeof OPS;

const BY_NAME: ReadonlyMap<string, Operator> = new Map(Object.entries(OPS));
const FORMULAS = new Map(Object.entries(UNARY_OPS).map(([name, op]) => [name, op.formula]));

/** The table's row, or undefined for a name that is not in it. */
export function findOperator(name: string): Operator | undefined {
  return BY_NAME.get(name);
}

/** The row of a node that has been verified. */
export function operatorOf(node: Node): Operator {
  return present(BY_NAME.get(node.op), `operator ${node.op}`);
}

/** The attributes of a node with the table's defaults filled in. */
export function attributesOf(node: Node): AttributeReader {
  return attributeReader(operatorOf(node).attributes, node.attributes);
}

/** The meaning of a node that computes a function of one element; undefined for all others. */
export function formulaOf(node: Node): Expression | undefined {
  return FORMULAS.get(node.op)?.(attributesOf(node));
}

/**
 * The types of a node's outputs from those of its inputs (undefined where one is absent).
 * Encodings are not inferred: they belong to the quantiser. Fails with BAD_NODE and the reason.
 */
export function inferTypes(
  node: Pick<Node, "op" | "attributes">,
  inputs: readonly (TensorType | undefined)[],
): Result<readonly TensorType[], "BAD_NODE"> {
  const operator = findOperator(node.op);
  if (operator === undefined) return failed("BAD_NODE", `there is no operator ${node.op}`);
  const [fewest, most] = operator.inputs;
  if (inputs.length < fewest || inputs.length > most) {
    return failed("BAD_NODE", `${node.op} takes ${fewest} to ${most} inputs, not ${inputs.length}`);
  }
  for (const [name, value] of node.attributes) {
    const rule = Object.hasOwn(operator.attributes, name) ? operator.attributes[name] : undefined;
    const type =
      typeof value === "number" ? "number" : typeof value === "string" ? "text" : "numbers";
    if (rule?.type !== type)
      return failed("BAD_NODE", `${node.op} has no ${type} attribute ${name}`);
  }
  try {
    const attributes = attributeReader(operator.attributes, node.attributes);
    return succeeded(operator.infer({ inputs, attributes }));
  } catch (error) {
    if (error instanceof CodedError) return failed("BAD_NODE", error.message);
    throw error;
  }
}
