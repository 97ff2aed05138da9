/** Float operators whose weights are stored in eight bits ("dynamic range"). */
import { numeric, tensorFrom } from "../../../ir/index.ts";
import { product } from "../../../../protocol/base/integers.ts";
import type { Operator } from "../operator.ts";
import type { Scope } from "../scope.ts";
import type { Value } from "../value.ts";
import { isStored } from "./handler.ts";

/** Known stored weights as float32; every other value as it is. */
export function asFloat(op: Operator, scope: Scope, value: Value): Value {
  const { constant } = value;
  const { quantization, shape, dtype } = value.type;
  if (constant === undefined || quantization === undefined || !isStored(value)) return value;
  if (dtype === "i16") op.refuse("UNSUPPORTED_TYPE", `${value.name} is i16 beside floats`);
  const { scales, zeroPoints, axis = 0 } = quantization;
  const inner = product(shape.slice(axis + 1));
  const stored = numeric(constant);
  const channel = (index: number): number =>
    scales.length === 1 ? 0 : Math.floor(index / inner) % scales.length;
  const floats = tensorFrom({ dtype: "f32", shape }, (index) => {
    const at = channel(index);
    return ((stored[index] ?? 0) - (zeroPoints[at] ?? 0)) * (scales[at] ?? 1);
  });
  const fixed = value.fixed === true ? { fixed: true } : {};
  return { ...scope.constant(value.name, floats), ...fixed };
}
