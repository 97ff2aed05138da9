/** One operator of a TFLite file as its handler sees it. */
import type { Quantization } from "../../ir/index.ts";
import type { ImportCode } from "../failure.ts";
import type { OPTIONS, OptionsName, RecordOf } from "./schema.ts";
import type { Value } from "./value.ts";

export interface Operator {
  /** For messages: the operator and the first tensor it writes. */
  readonly name: string;
  /** BuiltinOperator of the schema, or the name of a custom operator. */
  readonly code: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Output[];
  /** Encodings of results inside an operator, as recurrent ones have. */
  readonly intermediates: readonly (Quantization | undefined)[];
  readonly customOptions: Uint8Array;
  options<Name extends OptionsName>(name: Name): RecordOf<(typeof OPTIONS)[Name]>;
  /** Gives the tensor of an input a new value, for later operators and for the next run. */
  assign(position: number, value: Value): void;
  /** Refuses the model because of this operator. */
  refuse(code: ImportCode, reason: string): never;
}

/** What the file declares of a value that an operator writes. */
export interface Output {
  readonly name: string;
  /** TensorType of the schema. */
  readonly typeCode: number;
  readonly shape: readonly number[];
  readonly quantization: Quantization | undefined;
}

export function requiredInput(op: Operator, position: number): Value {
  return op.inputs[position] ?? op.refuse("BAD_MODEL", `input ${position} is missing`);
}

export function outputAt(op: Operator, position: number): Output {
  return op.outputs[position] ?? op.refuse("BAD_MODEL", `output ${position} is missing`);
}
