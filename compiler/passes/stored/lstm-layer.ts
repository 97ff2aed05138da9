/** What a fixed_lstm is made of: four gates side by side, in the order of the row's operands. */
import { attributesOf, exponentOf, numeric, storedFormat, tensorFrom } from "../../ir/index.ts";
import type { Node, Tensor, TensorType } from "../../ir/index.ts";
import { LSTM_OPERANDS } from "../../ir/ops/fixed/recurrent.ts";
import type { LstmOperand } from "../../ir/ops/fixed/recurrent.ts";
import type { View } from "../pass.ts";

export interface Layer {
  /** Names of values. */
  readonly x: string;
  readonly hidden: string;
  readonly cell: string;
  readonly steps: number;
  readonly features: number;
  readonly units: number;
  /** [features, 4 * units], [units, 4 * units] and [4 * units]. */
  readonly weights: Tensor;
  readonly recurrent: Tensor;
  readonly bias: Tensor;
  /** A power of two. */
  readonly gateScale: number;
  /** How many times 32,767 the recurrent products may be, beyond the first. */
  readonly beyond: number;
  /** The cell's scale is two to this power. */
  readonly cellExponent: number;
  /** The largest magnitude of the cell as it is stored; 0: any. */
  readonly cellClip: number;
  readonly hiddenScale: number;
  readonly hiddenZeroPoint: number;
}

const GATES = ["input", "forget", "cell", "output"] as const;
const INT16_MAX = 32767;
/** What products have beyond that is lost: every sum with 65,535 or more saturates. */
const BEYOND_MAX = 2;

/** Undefined where the layer has peepholes, norms, a projection, several sequences, or scales of another kind. */
export function layerOf(node: Node, view: View): Layer | undefined {
  const name = (operand: LstmOperand): string => node.inputs[LSTM_OPERANDS.indexOf(operand)] ?? "";
  const [x, hidden, cell] = [name("x"), name("hidden"), name("cell")];
  const constants = (kind: "Weights" | "Recurrent" | "Bias"): readonly Tensor[] =>
    GATES.flatMap((gate) => view.constantOf(name(`${gate}${kind}`)) ?? []);
  const [weights, recurrent, biases] = [
    constants("Weights"),
    constants("Recurrent"),
    constants("Bias"),
  ];
  const isWhole = [weights, recurrent, biases].every(({ length }) => length === GATES.length);
  const attributes = attributesOf(node);
  const gateScales = attributes.numbers("gate_scales");
  const [gateScale = 1] = gateScales;
  const cellScale = storedFormat(view.typeOf(cell)).scale;
  const isPlain = OTHERS.every((operand) => name(operand) === "");
  const [units = 0] = view.typeOf(hidden).shape.slice(1);
  const { shape } = view.typeOf(x);
  const isAlone = view.typeOf(hidden).shape[0] === 1;
  const isPower =
    gateScales.every((scale) => scale === gateScale) &&
    isPowerOfTwo(gateScale) &&
    isPowerOfTwo(cellScale);
  if (!isWhole || !isPlain || !isAlone || !isPower) return undefined;
  const largest = largestProduct(recurrent, storedFormat(view.typeOf(hidden)), gateScale);
  if (exponentOf(cellScale) < -15) return undefined;
  return {
    ...{ x, hidden, cell, units, gateScale },
    steps: (shape[0] ?? 1) * (shape[1] ?? 1),
    features: shape[2] ?? 1,
    weights: sideBySide(weights),
    recurrent: sideBySide(recurrent),
    bias: tensorFrom({ dtype: "i32", shape: [4 * units] }, (at) => {
      const bias = biases[Math.floor(at / units)];
      return bias === undefined ? 0 : (numeric(bias)[at % units] ?? 0);
    }),
    beyond: Math.min(Math.ceil(largest / INT16_MAX) - 1, BEYOND_MAX),
    cellExponent: exponentOf(cellScale),
    cellClip: Math.trunc(Math.min(attributes.number("cell_clip") / cellScale, INT16_MAX)),
    hiddenScale: attributes.number("hidden_scale"),
    hiddenZeroPoint: attributes.number("hidden_zero_point"),
  };
}

/** Operands of parts that are not written out. */
const OTHERS: readonly LstmOperand[] = [
  ...(["inputPeephole", "forgetPeephole", "outputPeephole"] as const),
  ...(["projection", "projectionBias"] as const),
  ...(["inputNorm", "forgetNorm", "cellNorm", "outputNorm"] as const),
];

function isPowerOfTwo(value: number): boolean {
  return value === 2 ** exponentOf(value);
}

/** int16 numbers of one scale. */
export function scaled(shape: readonly number[], scale: number, zeroPoint = 0): TensorType {
  return { dtype: "i16", shape, quantization: { scales: [scale], zeroPoints: [zeroPoint] } };
}

/** Matrices [units, depth] as one [depth, 4 * units], each gate's columns with its own scale. */
function sideBySide(gates: readonly Tensor[]): Tensor {
  const [units = 0, depth = 0] = gates[0]?.type.shape ?? [];
  const columns = gates.length * units;
  const gateOf = (column: number): Tensor | undefined => gates[Math.floor(column / units)];
  const each = Array.from({ length: columns }, (_, column) => gateOf(column));
  const scales = each.map((gate) => (gate === undefined ? 1 : storedFormat(gate.type).scale));
  const quantization = { scales, zeroPoints: scales.map(() => 0), axis: 1 };
  const values = gates.map(numeric);
  return tensorFrom({ dtype: "i8", shape: [depth, columns], quantization }, (at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const matrix = values[Math.floor(column / units)];
    return matrix?.[(column % units) * depth + row] ?? 0;
  });
}

/** The largest magnitude that products of the hidden state have in steps of the gates, rounding aside. */
function largestProduct(
  gates: readonly Tensor[],
  hidden: ReturnType<typeof storedFormat>,
  gateScale: number,
): number {
  const [below, above] = [hidden.low - hidden.zeroPoint, hidden.high - hidden.zeroPoint];
  const largest = gates.map((gate) => {
    const values = numeric(gate);
    const [units = 0, depth = 0] = gate.type.shape;
    let most = 0;
    for (let unit = 0; unit < units; unit++) {
      let [low, high] = [0, 0];
      for (let at = unit * depth; at < (unit + 1) * depth; at++) {
        const weight = values[at] ?? 0;
        low += Math.min(weight * below, weight * above);
        high += Math.max(weight * below, weight * above);
      }
      most = Math.max(most, high, -low);
    }
    return (most * storedFormat(gate.type).scale * hidden.scale) / gateScale + 1;
  });
  return Math.max(...largest);
}
