/** Known weights and biases of products, and how their sums become stored numbers. */
import {
  accumulatorMultipliers,
  encodingOf,
  numeric,
  operatorOf,
  productMultipliers,
} from "../../ir/index.ts";
import type { Tensor } from "../../ir/index.ts";
import { clampBounds } from "../encoding.ts";
import { unsupported } from "../failure.ts";
import type { FixedRequantization, Requantization, Weights } from "../stages/matrix-node.ts";
import type { NodeContext } from "./context.ts";

export interface Filters {
  readonly weights: Weights;
  /** What counts as zero among them; int8 alone. */
  readonly weightZero: number;
  readonly type: Tensor["type"];
  readonly bias: ArrayLike<number> | undefined;
}

export function filtersOf(context: NodeContext): Filters {
  const { node } = context;
  const weights = context.constant(1);
  const data = weights?.data;
  if (weights === undefined || !areWeights(data, context.outputType.dtype)) {
    throw unsupported(node.name, "variable weights");
  }
  const zeros = new Set(weights.type.quantization?.zeroPoints);
  const [weightZero = 0] = zeros;
  if (zeros.size > 1 || (weightZero !== 0 && context.outputType.dtype !== "i8")) {
    throw unsupported(node.name, "asymmetric weights");
  }
  const bias = context.constant(2);
  if (bias === undefined && (node.inputs[2] ?? "") !== "") {
    throw unsupported(node.name, "a variable bias");
  }
  const biasTypes = { f16: ["f16"], i16: ["i32", "i64"] }[context.outputType.dtype as string];
  if (bias !== undefined && !(biasTypes ?? ["i32"]).includes(bias.type.dtype)) {
    throw unsupported(node.name, `a bias of type ${bias.type.dtype}`);
  }
  return { ...centred(data, weightZero), type: weights.type, bias: bias && numeric(bias) };
}

function areWeights(data: unknown, dtype: string): data is Weights {
  if (dtype === "f16") return data instanceof Uint16Array;
  return data instanceof Int8Array || (dtype === "i16" && data instanceof Int16Array);
}

/** Differences to the zero point take its place where int8 holds them all. */
function centred(
  weights: Filters["weights"],
  weightZero: number,
): Pick<Filters, "weights" | "weightZero"> {
  if (weightZero === 0) return { weights, weightZero };
  const differences = Int16Array.from(weights, (weight) => weight - weightZero);
  const fits = differences.every((value) => value >= -128 && value <= 127);
  return fits ? { weights: Int8Array.from(differences), weightZero: 0 } : { weights, weightZero };
}

export function requantization(
  context: NodeContext,
  filters: Pick<Filters, "type">,
  channels: number,
): Requantization {
  const { outputType } = context;
  const bounds = clampBounds(context);
  if (outputType.dtype === "f16") {
    return { zeroPointIn: 0, zeroPointOut: 0, multipliers: new Float32Array(0), ...bounds };
  }
  const scaled = accumulatorMultipliers(context.type(0), filters.type, outputType);
  return {
    zeroPointIn: encodingOf(context.type(0)).zeroPoint,
    zeroPointOut: encodingOf(outputType).zeroPoint,
    multipliers: scaled.length === 1 ? new Float32Array(channels).fill(scaled[0] ?? 0) : scaled,
    ...bounds,
    ...fixedMultipliers(context, filters, channels),
  };
}

/** By rule: how hmx.store_i16 rounds, and its largest left shift. */
const FIXED_RULES: Readonly<
  Record<string, Pick<FixedRequantization, "rounds"> & { shiftMax: number }>
> = {
  fixed: { rounds: "twice", shiftMax: 30 },
  fixed_wide: { rounds: "once", shiftMax: 7 },
};

/** For the rows whose rule is no float32 multiplication. */
function fixedMultipliers(
  context: NodeContext,
  filters: Pick<Filters, "type">,
  channels: number,
): Pick<Requantization, "fixed"> {
  const { node, attributes, outputType } = context;
  const isFixed = operatorOf(node).quantized === "fixed";
  const rule = isFixed ? attributes.text("rule") : "f32_rne";
  if (rule === "f32_rne") return {};
  const all = productMultipliers(
    [context.type(0), filters.type, outputType],
    node.op === "fixed_matmul",
  );
  const held = FIXED_RULES[rule];
  const isHeld = held !== undefined && all.every(({ shift }) => shift <= held.shiftMax);
  if (!isHeld || (held.rounds === "once" && outputType.dtype !== "i16")) {
    throw unsupported(node.name, `rule ${rule} of ${node.op} on ${outputType.dtype}`);
  }
  const none = { mantissa: 0, shift: 0 };
  const multipliers = Array.from(
    { length: channels },
    (_, at) => all[all.length === 1 ? 0 : at] ?? none,
  );
  return { fixed: { rounds: held.rounds, multipliers } };
}
