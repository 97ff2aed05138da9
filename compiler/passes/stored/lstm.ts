/**
 * fixed_lstm step by step: the four gates' products as one, sums that saturate, functions of 16 bits as tables, and
 * the cell by powers of two. Every sum and rounding is the row's own.
 */
import { tensorFrom } from "../../ir/index.ts";
import type { Attribute, Node, TensorType } from "../../ir/index.ts";
import { sigmoid16, tanh16 } from "../../ir/ops/fixed/sigmoid.ts";
import type { Replacement, View } from "../pass.ts";
import { expansionOf } from "./expansion.ts";
import type { Expansion, PartSpec } from "./expansion.ts";
import { layerOf, scaled } from "./lstm-layer.ts";
import type { Layer } from "./lstm-layer.ts";

/** Integer bits of the gates' sums. */
const GATE_BITS = 3;
const INT16_MAX = 32767;
/** What the functions are stored in. */
const FRACTION = 2 ** -15;

/** Undefined where the layer has parts that no row stands for, or weights that are computed. */
export function expandLstm(node: Node, view: View): Replacement | undefined {
  const layer = layerOf(node, view);
  if (layer === undefined) return undefined;
  const to = expansionOf(node, view);
  const step = stepOf(to, layer);
  const { steps, units, x, hidden, cell } = layer;
  const rows = to.reshape(cast(to, x, { type: wide(to.typeOf(x)) }), [steps, layer.features]);
  const fromInput = to.node({
    op: "fixed_matmul",
    inputs: [rows, to.constant("weights", layer.weights), to.constant("bias", layer.bias)],
    type: scaled([steps, 4 * units], layer.gateScale),
    attributes: { rule: "fixed" },
  });
  let state = { hidden: cast(to, hidden, { type: wide(to.typeOf(hidden)) }), cell };
  const made: string[] = [];
  for (let at = 0; at < steps; at++) {
    const type = scaled([1, 4 * units], layer.gateScale);
    const sums = slice(to, fromInput, { type, starts: [at, 0] });
    state = step({ sums, ...state, cellOutput: at === steps - 1 ? node.outputs[2] : undefined });
    made.push(state.hidden);
  }
  const [y = "", lastHidden = ""] = node.outputs;
  cast(to, state.hidden, { type: view.typeOf(lastHidden), output: lastHidden });
  const type = { ...to.typeOf(state.hidden), shape: [steps, units] };
  const all = to.node({ op: "concat", inputs: made, type, attributes: { axis: 0 } });
  const typeY = view.typeOf(y);
  cast(to, to.reshape(all, typeY.shape), { type: typeY, output: y });
  return to.finish();
}

interface StepInputs {
  /** What the input adds to the gates' sums. */
  readonly sums: string;
  readonly hidden: string;
  readonly cell: string;
  /** The name of the new cell, where the model has one for it. */
  readonly cellOutput: string | undefined;
}

type Step = (inputs: StepInputs) => { readonly hidden: string; readonly cell: string };

function stepOf(to: Expansion, layer: Layer): Step {
  const { units, cellExponent, cellClip } = layer;
  const table = (what: string, rule: (x: number) => number): string =>
    to.constant(
      what,
      tensorFrom({ dtype: "i16", shape: [65536] }, (at) => rule(at - 32768)),
    );
  const sigmoids = table("sigmoid", (x) => sigmoid16(x, GATE_BITS));
  const tangents = table("tanh", (x) => tanh16(x, GATE_BITS));
  const cellTangents = table("cell-tanh", (x) => tanh16(x, 15 + cellExponent));
  const recurrent = recurrentOf(to, layer);
  const cellScale = 2 ** cellExponent;
  const one = scaled([1, units], FRACTION);
  const held = scaled([1, units], cellScale);
  const power = (a: string, b: string): string =>
    to.node({ op: "fixed_mul", inputs: [a, b], type: held, attributes: { rule: "power" } });
  const clip = cellClip > 0 ? clampTo(-cellClip * cellScale, cellClip * cellScale) : {};
  return ({ sums, hidden, cell, cellOutput }) => {
    const total = recurrent(sums, hidden);
    const lookUp = (name: string, entries: string): string => {
      const type = scaled(to.typeOf(name).shape, FRACTION);
      return to.node({ op: "lut", inputs: [name, entries], type });
    };
    const [opened, candidates] = [lookUp(total, sigmoids), lookUp(total, tangents)];
    const gate = (from: string, at: number): string =>
      slice(to, from, { type: one, starts: [0, at * units] });
    const inputs = [power(gate(opened, 1), cell), power(gate(opened, 0), gate(candidates, 2))];
    const next = to.node({ op: "add", inputs, type: held, attributes: clip, output: cellOutput });
    const activated = lookUp(next, cellTangents);
    return { hidden: hiddenOf(to, layer, [gate(opened, 3), activated]), cell: next };
  };
}

/** The published runtime takes the zero point off where one would add it; models are tuned to that. */
function hiddenOf(to: Expansion, layer: Layer, inputs: readonly [string, string]): string {
  const { hiddenScale, hiddenZeroPoint: zeroPoint, hidden, units } = layer;
  // The scale with which the row's multiplier comes out: that of a float32 ratio.
  const scale = 2 ** -30 / Math.fround(2 ** -30 / hiddenScale);
  const product = to.node({
    op: "fixed_mul",
    inputs,
    type: scaled([1, units], scale, -zeroPoint),
    attributes: {
      rule: "fixed",
      ...clampTo((-128 + zeroPoint) * scale, (127 + zeroPoint) * scale),
    },
  });
  return cast(to, product, { type: wide(to.typeOf(hidden)) });
}

/** Adds what the hidden state gives to the gates' sums, saturated once. */
function recurrentOf(to: Expansion, layer: Layer): (sums: string, hidden: string) => string {
  const { gateScale, units, beyond } = layer;
  const type = scaled([1, 4 * units], gateScale);
  const weights = to.constant("recurrent", layer.recurrent);
  const part = (hidden: string, zeroPoint: number, clamp: Readonly<Record<string, Attribute>>) => {
    const stored = to.node({
      op: "fixed_matmul",
      inputs: [hidden, weights],
      type: scaled([1, 4 * units], gateScale, zeroPoint),
      attributes: { rule: "fixed", ...clamp },
    });
    return cast(to, stored, { type });
  };
  // From the outermost part on, so that all of what is added to a saturated sum has its sign.
  const counts = Array.from({ length: beyond }, (_, at) => (beyond - at) * INT16_MAX);
  return (sums, hidden) => {
    const outer = counts.flatMap((count) => [
      part(hidden, -count, clampTo(count * gateScale, Infinity)),
      part(hidden, count, clampTo(-Infinity, -count * gateScale)),
    ]);
    const limit = INT16_MAX * gateScale;
    const parts = [...outer, part(hidden, 0, beyond > 0 ? clampTo(-limit, limit) : {})];
    return parts.reduce((sum, next) => to.node({ op: "add", inputs: [sum, next], type }), sums);
  };
}

function clampTo(minimum: number, maximum: number): Readonly<Record<string, Attribute>> {
  return { clamp_min: minimum, clamp_max: maximum };
}

function wide(type: TensorType): TensorType {
  return { ...type, dtype: "i16" };
}

/** The same stored numbers as another type has them. */
function cast(to: Expansion, name: string, as: Pick<PartSpec, "type" | "output">): string {
  const type = { ...as.type, shape: to.typeOf(name).shape };
  const attributes = { to: type.dtype };
  return to.node({ op: "fixed_cast", inputs: [name], ...as, type, attributes });
}

function slice(
  to: Expansion,
  from: string,
  { type, starts }: { readonly type: TensorType; readonly starts: readonly number[] },
): string {
  const ends = starts.map((start, axis) => start + (type.shape[axis] ?? 1));
  const attributes = { starts, ends, steps: starts.map(() => 1) };
  return to.node({ op: "slice", inputs: [from], type, attributes });
}
