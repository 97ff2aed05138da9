/** Arithmetic of two stored tensors: the row and rule for each operator and type. */
import { storedFormat } from "../../../ir/index.ts";
import type { StoredFormat } from "../../../ir/index.ts";
import { outputAt, requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import type { Scope } from "../scope.ts";
import type { Value } from "../value.ts";
import { clampAttributes, clampOf, emitElementwise } from "./handler.ts";

interface Formats {
  readonly a: StoredFormat;
  readonly b: StoredFormat;
  readonly y: StoredFormat;
  readonly wide: boolean;
}

interface Choice {
  readonly row: string;
  readonly rule: (formats: Formats) => string;
}

/** The bounds of a ratio of scales within which the runtime takes its short multipliers. */
function within(ratio: number, low: number, high: number): boolean {
  return ratio >= low && ratio < high;
}

function sumRule({ a, b, y, wide }: Formats): string {
  const short = [a, b].every(({ scale }) => within(Math.fround(scale / y.scale), 2 ** -10, 256));
  return !wide && short ? "shifted" : "raised";
}

function productRule({ a, b, y, wide }: Formats): string {
  const ratio = Math.fround(Math.fround(a.scale * b.scale) / y.scale);
  return !wide && within(ratio, 2 ** -16, 256) ? "f32_rne" : "fixed";
}

const CHOICES: Readonly<Record<string, Choice>> = {
  ADD: { row: "fixed_add", rule: sumRule },
  SUB: { row: "fixed_sub", rule: sumRule },
  MUL: { row: "fixed_mul", rule: productRule },
  DIV: { row: "fixed_div", rule: () => "fixed" },
  SQUARED_DIFFERENCE: { row: "fixed_squared_difference", rule: () => "raised" },
  PRELU: { row: "fixed_prelu", rule: () => "fixed" },
  MAXIMUM: { row: "fixed_max", rule: () => "stored" },
  MINIMUM: { row: "fixed_min", rule: () => "stored" },
};

const ACTIVATED = { ADD: "Add", SUB: "Sub", MUL: "Mul", DIV: "Div" } as const;

export function isStoredPair(code: string): boolean {
  return Object.hasOwn(CHOICES, code);
}

export function emitStoredPair(op: Operator, scope: Scope): Value {
  const choice =
    CHOICES[op.code] ?? op.refuse("UNSUPPORTED_TYPE", "does not run on stored numbers");
  const [a, b] = [requiredInput(op, 0), requiredInput(op, 1)];
  const { quantization } = outputAt(op, 0);
  if (quantization?.scales.length !== 1) op.refuse("BAD_MODEL", "its output has no encoding");
  const isEncoded = [a, b].every(({ type }) => type.quantization?.scales.length === 1);
  if (!isEncoded) op.refuse("BAD_MODEL", "an input has no encoding");
  const y = storedFormat({ ...a.type, quantization });
  const formats = { a: storedFormat(a.type), b: storedFormat(b.type), y };
  const rule = choice.rule({ ...formats, wide: a.type.dtype === "i16" });
  const table = Object.hasOwn(ACTIVATED, op.code)
    ? ACTIVATED[op.code as keyof typeof ACTIVATED]
    : undefined;
  const clamp =
    table === undefined ? {} : clampAttributes(clampOf(op, op.options(table).activation));
  return emitElementwise(op, scope, {
    op: choice.row,
    inputs: [a, b],
    attributes: { rule, ...clamp },
  });
}
