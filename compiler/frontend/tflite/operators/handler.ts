/** What a handler is, and what handlers share. */
import { tensor } from "../../../ir/index.ts";
import type { Attribute } from "../../../ir/index.ts";
import { requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import type { Emission, Scope } from "../scope.ts";
import { planeAxis } from "../value.ts";
import type { Layout, Value } from "../value.ts";

/** Turns one operator of the file into ir nodes and returns the values of its outputs. */
export type Handler = (op: Operator, scope: Scope) => readonly Value[];

export type Attributes = Readonly<Record<string, Attribute>>;

/** An operator whose ir row takes the first inputs in the model's order of axes. */
export function direct(row: string, attributes: Attributes = {}, count = 1): Handler {
  return (op, scope) => {
    const inputs = Array.from({ length: count }, (_, position) => requiredInput(op, position));
    return [scope.emit(op, { op: row, inputs, attributes })];
  };
}

/** A value of stored numbers that stand for real ones. */
export function isStored(value: Value): boolean {
  const { dtype, quantization } = value.type;
  return quantization !== undefined && (dtype === "i8" || dtype === "u8" || dtype === "i16");
}

/** Whether a value is at hand in planes only, so that reading it in rows would cost a transpose. */
function isPlanes(value: Value): boolean {
  return value.held.planes !== undefined && value.held.rows === undefined;
}

/** Whether a node that does not care for the order of axes can read the value in planes. */
function fitsPlanes(value: Value): boolean {
  const rank = value.type.shape.length;
  return value.fixed === true || rank === 4 || (value.constant !== undefined && rank < 4);
}

/** The layout in which an operator on these values needs the fewest transposes. */
export function layoutOf(values: readonly Value[]): Layout {
  return values.some(isPlanes) && values.every(fitsPlanes) ? "planes" : "rows";
}

/** Emits a node that treats all elements alike in the layout of its inputs. */
export function emitElementwise(op: Operator, scope: Scope, emission: Emission): Value {
  const values = emission.inputs.filter((value) => value !== undefined);
  const layout = layoutOf(values);
  if (layout === "rows") return scope.emit(op, emission);
  const inputs = values.map((value) => withRank4(value, scope));
  return scope.emit(op, { ...emission, inputs, layout });
}

/** A constant of lower rank as the [1, 1, 1, C] that it is broadcast like. */
function withRank4(value: Value, scope: Scope): Value {
  const { constant } = value;
  const { shape } = value.type;
  if (constant === undefined || shape.length >= 4 || value.fixed === true) return value;
  const lifted = [...new Array<number>(4 - shape.length).fill(1), ...shape];
  return scope.constant(value.name, tensor({ ...constant.type, shape: lifted }, constant.data));
}

/** An axis counted from the end when negative, in the order of axes of the layout. */
export function axisIn(
  op: Operator,
  axis: number,
  options: { rank: number; layout: Layout },
): number {
  const { rank, layout } = options;
  const counted = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(counted) || counted < 0 || counted >= rank) {
    op.refuse("BAD_MODEL", `axis ${axis} is not one of ${rank}`);
  }
  return layout === "planes" && rank === 4 ? planeAxis(counted) : counted;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

const EVERYTHING: Range = { low: -Infinity, high: Infinity };

/** ActivationFunctionType of the schema, as far as it limits values. */
const ACTIVATIONS: readonly (Range | undefined)[] = [
  EVERYTHING,
  { low: 0, high: Infinity },
  { low: -1, high: 1 },
  { low: 0, high: 6 },
];

export function clampOf(op: Operator, activation: number): Range {
  const range = ACTIVATIONS[activation];
  return range ?? op.refuse("UNSUPPORTED_OP", `fused activation ${activation} is not supported`);
}

/** The clamp attributes of conv, matmul and the arithmetic rows. */
export function clampAttributes({ low, high }: Range): Attributes {
  return {
    ...(low === -Infinity ? {} : { clamp_min: low }),
    ...(high === Infinity ? {} : { clamp_max: high }),
  };
}

const FUSED_TANH = 4;

/**
 * Emits a node with a fused activation: as a clamp of the node itself where its row has one, and as
 * a node of its own elsewhere.
 */
export function emitActivated(
  op: Operator,
  scope: Scope,
  emission: Emission & { readonly activation: number; readonly clamps: boolean },
): Value {
  const { activation, clamps, ...plain } = emission;
  if (activation === FUSED_TANH) {
    const before = emitElementwise(op, scope, { ...plain, inner: "linear" });
    return emitElementwise(op, scope, { op: "tanh", inputs: [before] });
  }
  const range = clampOf(op, activation);
  if (clamps) {
    const attributes = { ...plain.attributes, ...clampAttributes(range) };
    return emitLaidOut(op, scope, { ...plain, attributes });
  }
  if (range === EVERYTHING) return emitLaidOut(op, scope, plain);
  const before = emitLaidOut(op, scope, { ...plain, inner: "linear" });
  const attributes = { min: range.low, max: range.high };
  return emitElementwise(op, scope, { op: "clip", inputs: [before], attributes });
}

function emitLaidOut(op: Operator, scope: Scope, emission: Emission): Value {
  return emission.layout === undefined
    ? emitElementwise(op, scope, emission)
    : scope.emit(op, emission);
}
