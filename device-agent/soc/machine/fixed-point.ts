/** Fixed-point requantisation, one value at a time: what multiply_high_i32 and divide_power_i32 define. */
import { i64, op, select } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";

/** (a * b + n) / 2^31, truncated, n = 2^30 or 1 - 2^30 by the product's sign; only (-2^31)² has to be saturated. */
export function doublingHighProduct(a: Expression<"i32">, b: Expression<"i32">): Expression<"i32"> {
  const product = op("i64.mul", op("i64.extend_i32_s", a), op("i64.extend_i32_s", b));
  const isNegative = op("i64.lt_s", product, i64(0n));
  const nudge = select(isNegative, i64(1n - 2n ** 30n), i64(2n ** 30n));
  const high = op("i64.div_s", op("i64.add", product, nudge), i64(2n ** 31n));
  const isBeyond = op("i64.gt_s", high, i64(2n ** 31n - 1n));
  return op("i32.wrap_i64", select(isBeyond, i64(2n ** 31n - 1n), high));
}

/** a / 2^(b mod 32), halves away from zero: the rest beyond a half, or a half and not below zero, adds one. */
export function dividedByPower(a: Expression<"i32">, b: Expression<"i32">): Expression<"i32"> {
  const mask = op("i32.sub", op("i32.shl", 1, b), 1);
  const rest = op("i32.and", a, mask);
  const threshold = op("i32.add", op("i32.shr_u", mask, 1), op("i32.lt_s", a, 0));
  return op("i32.add", op("i32.shr_s", a, b), op("i32.gt_u", rest, threshold));
}
