/** Sums of products of stored numbers: the chip's own rows where they fit, fixed_ rows elsewhere. */
import type { Attribute } from "../../../ir/index.ts";
import type { Value } from "../value.ts";

interface Operands {
  readonly x: Value;
  readonly weights: Value;
  readonly bias: Value | undefined;
}

export interface ProductRow {
  readonly row: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/**
 * int8 with symmetric weights is the chip's arithmetic. 16-bit activations of convolutions accumulate
 * in 48 bits, or in 32 where the bias has no more; those of matrices take the full multiplier.
 */
export function productRow(row: string, { x, weights, bias }: Operands): ProductRow {
  const { dtype } = x.type;
  if (dtype === "i16") {
    const rule = row === "matmul" || bias?.type.dtype === "i32" ? "fixed" : "fixed_wide";
    return { row: `fixed_${row}`, attributes: { rule } };
  }
  const zeros = weights.type.quantization?.zeroPoints ?? [];
  const native = dtype === "i8" && weights.type.dtype === "i8" && zeros.every((zero) => zero === 0);
  return native
    ? { row, attributes: {} }
    : { row: `fixed_${row}`, attributes: { rule: "f32_rne" } };
}
