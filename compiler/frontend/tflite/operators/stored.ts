/** Between stored and real numbers: QUANTIZE, DEQUANTIZE, and DENSIFY, which reading has done. */
import { numeric, tensorFrom } from "../../../ir/index.ts";
import { outputAt, requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import type { Scope } from "../scope.ts";
import type { Value } from "../value.ts";
import { emitElementwise } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const STORED: Readonly<Record<string, Handler>> = {
  DEQUANTIZE: (op, scope) => [importDequantize(op, scope)],
  DENSIFY: (op) => [requiredInput(op, 0)],
};

/** Known half floats become known floats: they are weights. */
function importDequantize(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  if (x.type.dtype === "f16") {
    if (x.constant === undefined) {
      return emitElementwise(op, scope, { op: "cast", inputs: [x], attributes: { to: "f32" } });
    }
    const values = numeric(x.constant);
    const type = { dtype: "f32", shape: x.type.shape } as const;
    return scope.constant(
      outputAt(op, 0).name,
      tensorFrom(type, (index) => values[index] ?? 0),
    );
  }
  return op.refuse("UNSUPPORTED_TYPE", `${x.type.dtype} is not dequantised`);
}
