/**
 * fixed_svdf as what it is made of: a 1x1 convolution, a memory whose oldest numbers give way, and a convolution in
 * groups of one unit's filters over all of them. Sums and roundings are the row's own.
 */
import { attributesOf, storedFormat, tensorFrom } from "../../ir/index.ts";
import type { Node, Tensor, TensorType } from "../../ir/index.ts";
import type { Replacement, View } from "../pass.ts";
import { expansionOf } from "./expansion.ts";
import type { Expansion } from "./expansion.ts";

/** Positions of the operands. */
const [X, FEATURE, TIME, BIAS, MEMORY] = [0, 1, 2, 3, 4] as const;

/** Undefined where weights are computed or several sequences run at once. */
export function expandSvdf(node: Node, view: View): Replacement | undefined {
  const operand = (at: number): string => node.inputs[at] ?? "";
  const [feature, time] = [view.constantOf(operand(FEATURE)), view.constantOf(operand(TIME))];
  const [y = "", remembered = ""] = node.outputs;
  const memory = view.typeOf(operand(MEMORY));
  if (!feature || !time || memory.shape[0] !== 1 || memory.shape.length !== 2) return undefined;
  const [filters = 0, features = 0] = feature.type.shape;
  const [, steps = 0] = time.type.shape;
  const rank = attributesOf(node).number("rank");
  const to = expansionOf(node, view);

  const image = to.reshape(widened(to, operand(X)), [1, features, 1, 1]);
  const newest = to.node({
    op: "fixed_conv",
    inputs: [image, to.constant("feature", reshaped(feature, [filters, features, 1, 1]))],
    type: wide(memory, [1, filters, 1, 1]),
    attributes: { rule: "fixed" },
  });
  const stored = narrowed(to, to.reshape(newest, [1, filters]), memory);
  const both = to.node({
    op: "concat",
    inputs: [operand(MEMORY), stored],
    type: { ...memory, shape: [1, filters * (steps + 1)] },
    attributes: { axis: 1 },
  });
  const places = to.constant("places", placesOf(filters, steps));
  const gather = { op: "gather", inputs: [both, places], attributes: { axis: 1 } };
  const next = to.node({ ...gather, type: memory, output: remembered });

  const units = filters / rank;
  const weights = to.constant("time", reshaped(time, [units, rank * steps, 1, 1]));
  const bias = operand(BIAS) === "" ? [] : [operand(BIAS)];
  const type = view.typeOf(y);
  const sums = to.node({
    op: "fixed_conv",
    inputs: [to.reshape(widened(to, next), [1, filters * steps, 1, 1]), weights, ...bias],
    type: wide(type, [1, units, 1, 1]),
    attributes: { rule: "fixed", group: units, ...clampOf(node, type) },
  });
  const saturated = { op: "fixed_cast", inputs: [to.reshape(sums, [1, units])] };
  to.node({ ...saturated, type, attributes: { to: type.dtype }, output: y });
  return to.finish();
}

function wide(type: TensorType, shape: readonly number[]): TensorType {
  return { ...type, dtype: "i16", shape };
}

function widened(to: Expansion, name: string): string {
  const type = to.typeOf(name);
  if (type.dtype === "i16") return name;
  const attributes = { to: "i16" };
  return to.node({ op: "fixed_cast", inputs: [name], type: wide(type, type.shape), attributes });
}

/** As the memory is stored. */
function narrowed(to: Expansion, name: string, { dtype }: TensorType): string {
  const type = { ...to.typeOf(name), dtype };
  if (dtype === "i16") return name;
  return to.node({ op: "fixed_cast", inputs: [name], type, attributes: { to: dtype } });
}

function reshaped({ type, data }: Tensor, shape: readonly number[]): Tensor {
  return { type: { ...type, shape }, data };
}

/** Of each filter all but its oldest number, then its newest, which lie behind all of the old ones. */
function placesOf(filters: number, steps: number): Tensor {
  const count = filters * steps;
  return tensorFrom({ dtype: "i32", shape: [count] }, (at) =>
    at % steps < steps - 1 ? at + 1 : count + Math.floor(at / steps),
  );
}

/** The bounds of the stored result in real numbers. */
function clampOf(node: Node, type: TensorType): Readonly<Record<string, number>> {
  const { scale, zeroPoint } = storedFormat(type);
  const attributes = attributesOf(node);
  const real = (bound: number): number => (bound - zeroPoint) * scale;
  return {
    clamp_min: real(attributes.number("low")),
    clamp_max: real(attributes.number("high")),
  };
}
