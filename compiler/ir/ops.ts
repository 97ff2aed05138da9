/** The ops table: the single home of what every operator takes, means and gives. */
import { present } from "../../protocol/base/assert.ts";
import type { Node } from "./graph.ts";
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

const BY_NAME: ReadonlyMap<string, Operator> = new Map(Object.entries<Operator>(OPS));
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
