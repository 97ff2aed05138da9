/** The ops table: the single home of what every operator takes, means and gives. */
import { present } from "../../protocol/base/assert.ts";
import type { Node } from "./graph.ts";
import type { Expression } from "./expression.ts";
import { attributeReader } from "./operator.ts";
import type { AttributeReader, Operator } from "./operator.ts";
import { ANCHORED_DETECTION_OPS } from "./ops/anchored-detection.ts";
import { AXIS_OPS } from "./ops/along-axis.ts";
import { ATTENTION_OPS } from "./ops/attention.ts";
import { BIT_OPS } from "./ops/bits.ts";
import { CONVERSION_OPS } from "./ops/conversion.ts";
import { CONTROL_OPS } from "./ops/control.ts";
import { FIXED_OPS } from "./ops/fixed/index.ts";
import { CONVOLUTION_OPS } from "./ops/convolution.ts";
import { DETECTION_OPS } from "./ops/detection.ts";
import { DISCOVERY_OPS } from "./ops/discovery.ts";
import { EINSUM_OPS } from "./ops/einsum.ts";
import { UNARY_OPS } from "./ops/elementwise.ts";
import { FUNCTION_OPS } from "./ops/functions.ts";
import { GENERATION_OPS } from "./ops/generation.ts";
import { INTEGER_PRODUCT_OPS } from "./ops/integer-products.ts";
import { LEARNED_OPS } from "./ops/learned-trees.ts";
import { LOSS_OPS } from "./ops/losses.ts";
import { GATED_OPS } from "./ops/gated.ts";
import { HALF_OPS } from "./ops/half.ts";
import { LANE_OPS } from "./ops/lanes.ts";
import { LERP_OPS } from "./ops/lerp.ts";
import { MATRIX_OPS } from "./ops/matrix.ts";
import { MOVEMENT_OPS } from "./ops/movement.ts";
import { NORMALIZATION_OPS } from "./ops/normalization.ts";
import { PAIR_OPS } from "./ops/pairs.ts";
import { POOL_PLACE_OPS } from "./ops/pool-places.ts";
import { POOLING_OPS } from "./ops/pooling.ts";
import { QLINEAR_OPS } from "./ops/qlinear.ts";
import { QUANTIZATION_OPS } from "./ops/quantization.ts";
import { RECURRENT_OPS } from "./ops/recurrent.ts";
import { REDUCTION_OPS } from "./ops/reduction.ts";
import { REGION_OPS } from "./ops/regions.ts";
import { PATCH_OPS } from "./ops/patches.ts";
import { RESIZE_OPS } from "./ops/resize.ts";
import { SAMPLING_OPS } from "./ops/sampling.ts";
import { SELECTION_OPS } from "./ops/selection.ts";
import { SEQUENCE_MODEL_OPS } from "./ops/sequence-models.ts";
import { SIGNAL_OPS } from "./ops/signal.ts";
import { SOFTMAX_OPS } from "./ops/softmax.ts";
import { TEXT_OPS } from "./ops/text.ts";
import { SEQUENCE_OPS } from "./ops/sequences.ts";
import { SHAPE_OPS } from "./ops/shape-values.ts";

export const OPS = {
  ...CONVOLUTION_OPS,
  ...MATRIX_OPS,
  ...EINSUM_OPS,
  ...PATCH_OPS,
  ...UNARY_OPS,
  ...FUNCTION_OPS,
  ...PAIR_OPS,
  ...BIT_OPS,
  ...POOLING_OPS,
  ...POOL_PLACE_OPS,
  ...REDUCTION_OPS,
  ...AXIS_OPS,
  ...SOFTMAX_OPS,
  ...NORMALIZATION_OPS,
  ...ATTENTION_OPS,
  ...SEQUENCE_MODEL_OPS,
  ...RECURRENT_OPS,
  ...GATED_OPS,
  ...MOVEMENT_OPS,
  ...REGION_OPS,
  ...SELECTION_OPS,
  ...DISCOVERY_OPS,
  ...GENERATION_OPS,
  ...CONVERSION_OPS,
  ...RESIZE_OPS,
  ...SAMPLING_OPS,
  ...DETECTION_OPS,
  ...ANCHORED_DETECTION_OPS,
  ...LOSS_OPS,
  ...LEARNED_OPS,
  ...SIGNAL_OPS,
  ...TEXT_OPS,
  ...QUANTIZATION_OPS,
  ...INTEGER_PRODUCT_OPS,
  ...QLINEAR_OPS,
  ...SHAPE_OPS,
  ...SEQUENCE_OPS,
  ...CONTROL_OPS,
  ...HALF_OPS,
  ...FIXED_OPS,
  ...LANE_OPS,
  ...LERP_OPS,
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
