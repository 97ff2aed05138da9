/** Between stored and real numbers: QUANTIZE, DEQUANTIZE, and DENSIFY, which reading has done. */
import { numeric, tensorFrom } from "../../../ir/index.ts";
import { outputAt, requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import type { Scope } from "../scope.ts";
import type { Value } from "../value.ts";
import { elementType } from "../tensors.ts";
import { emitElementwise, isStored } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { emitTabled } from "./stored-functions.ts";

export const STORED: Readonly<Record<string, Handler>> = {
  DEQUANTIZE: (op, scope) => [importDequantize(op, scope)],
  QUANTIZE: (op, scope) => [importQuantize(op, scope)],
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
  const encoding = x.type.quantization;
  if (encoding === undefined) return op.refuse("BAD_MODEL", `${x.name} has no encoding`);
  const { scales, zeroPoints, axis = 0 } = encoding;
  const attributes = { scales, zero_points: zeroPoints, axis };
  if (scales.length > 1) return scope.emit(op, { op: "dequantize", inputs: [x], attributes });
  return emitElementwise(op, scope, { op: "dequantize", inputs: [x], attributes });
}

function importQuantize(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  if (isStored(x)) return emitTabled(op, scope);
  const { quantization, typeCode, name } = outputAt(op, 0);
  if (quantization === undefined) return op.refuse("BAD_MODEL", "its output has no encoding");
  const { scales, zeroPoints, axis = 0 } = quantization;
  const to = elementType(typeCode, name);
  const attributes = { scales, zero_points: zeroPoints, axis, to };
  return emitElementwise(op, scope, { op: "quantize", inputs: [x], attributes });
}
