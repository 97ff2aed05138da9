/** Recurrent layers of stored numbers: int8 activations and weights, 16-bit cell and memory. */
import { present } from "../../../../protocol/base/assert.ts";
import {
  clampStored,
  fixedMultiplier,
  roundingShift,
  scaleFixed,
  storedFormat,
} from "../../fixed-point.ts";
import type { FixedMultiplier } from "../../fixed-point.ts";
import type { Tensor, TensorType } from "../../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  requireThat,
  whole,
} from "../../operator.ts";
import type { EvaluationCall, InferenceCall, Operator } from "../../operator.ts";
import { numeric, tensorFrom } from "../../tensor.ts";
import { sigmoid16, tanh16 } from "./sigmoid.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround, max, min, trunc } = Math;

/** The 24 operands of an LSTM, of which all but x, weights and state may be absent. */
export const LSTM_OPERANDS = [
  "x",
  ...["inputWeights", "forgetWeights", "cellWeights", "outputWeights"],
  ...["inputRecurrent", "forgetRecurrent", "cellRecurrent", "outputRecurrent"],
  ...["inputPeephole", "forgetPeephole", "outputPeephole"],
  ...["inputBias", "forgetBias", "cellBias", "outputBias"],
  ...["projection", "projectionBias", "hidden", "cell"],
  ...["inputNorm", "forgetNorm", "cellNorm", "outputNorm"],
] as const;

export type LstmOperand = (typeof LSTM_OPERANDS)[number];

export const FIXED_RECURRENT_OPS = {
  fixed_lstm: {
    docs: "LSTM of int8 x [batch,steps,features] (steps first if time_major) with a 16-bit cell whose scale is a power of two; gates of 12 fractional bits; also the last hidden and cell state.",
    inputs: [20, 24],
    attributes: {
      time_major: numberAttribute(0),
      cell_clip: numberAttribute(0),
      projection_clip: numberAttribute(0),
      hidden_scale: numberAttribute(),
      hidden_zero_point: numberAttribute(),
      gate_scales: numbersAttribute([2 ** -12, 2 ** -12, 2 ** -12, 2 ** -12]),
    },
    infer: inferLstm,
    evaluator: whole(evaluateLstm),
    quantized: "fixed",
  },
  fixed_svdf: {
    docs: "Feature weights [filters,features] times int8 x into a memory of 16 or 8 bits [batch,filters*steps], its product with time weights [filters,steps], summed by rank, plus bias, in 32 bits, wrapping; also the memory.",
    inputs: [5, 5],
    attributes: {
      rank: numberAttribute(1),
      low: numberAttribute(-128),
      high: numberAttribute(127),
    },
    infer: inferSvdf,
    evaluator: whole(evaluateSvdf),
    quantized: "fixed",
  },
} as const satisfies Record<string, Operator>;

export function inferLstm(call: InferenceCall): readonly TensorType[] {
  const [x, weights, hidden, cell] = [0, 2, 18, 19].map((position) => inputType(call, position));
  requireThat(x?.shape.length === 3, "x must have three dimensions");
  requireThat(weights?.shape.length === 2 && hidden?.shape.length === 2, "weights are matrices");
  requireThat(cell?.shape.length === 2, "the cell is a matrix");
  requireThat(weights.shape[1] === x.shape[2], "weights do not fit the features");
  const batch = x.shape[call.attributes.number("time_major") === 0 ? 0 : 1];
  requireThat(hidden.shape[0] === batch && cell.shape[0] === batch, "states do not fit the batch");
  const plain = ({ dtype, shape }: TensorType): TensorType => ({ dtype, shape });
  const y = { dtype: x.dtype, shape: [...x.shape.slice(0, 2), hidden.shape[1] ?? 0] };
  return [y, plain(hidden), plain(cell)];
}

/** One matrix as rows with a bias that has taken up the zero point, and the scale of its products. */
interface Product {
  readonly weights: ArrayLike<number>;
  readonly width: number;
  readonly bias: ArrayLike<number>;
  readonly scale: FixedMultiplier;
}

interface Gate {
  readonly input: Product;
  readonly recurrent: Product;
}

function operand(call: EvaluationCall, name: LstmOperand): Tensor | undefined {
  return call.inputs[LSTM_OPERANDS.indexOf(name)];
}

function product(
  weights: Tensor,
  parts: { readonly bias: Tensor | undefined; readonly zeroPoint: number; readonly scale: number },
): Product {
  const [rows = 0, width = 0] = weights.type.shape;
  const values = numeric(weights);
  const given = parts.bias === undefined ? undefined : numeric(parts.bias);
  const bias = Float64Array.from({ length: rows }, (_, row) => {
    let sum = given?.[row] ?? 0;
    for (let at = row * width; at < (row + 1) * width; at++) {
      sum -= (values[at] ?? 0) * parts.zeroPoint;
    }
    return sum;
  });
  return { weights: values, width, bias, scale: fixedMultiplier(parts.scale) };
}

const GATES = ["input", "forget", "cell", "output"] as const;

function gateOf(call: EvaluationCall, name: (typeof GATES)[number]): Gate | undefined {
  const weights = operand(call, `${name}Weights`);
  const recurrent = operand(call, `${name}Recurrent`);
  if (weights === undefined || recurrent === undefined) return undefined;
  const [x, hidden] = [
    storedFormat(inputTensor(call, 0).type),
    storedFormat(inputTensor(call, 18).type),
  ];
  const gateScale = call.attributes.numbers("gate_scales")[GATES.indexOf(name)] ?? 2 ** -12;
  const scaleOf = (from: { scale: number }, matrix: Tensor): number =>
    fround(fround(storedFormat(matrix.type).scale * from.scale) / gateScale);
  return {
    input: product(weights, {
      bias: operand(call, `${name}Bias`),
      zeroPoint: x.zeroPoint,
      scale: scaleOf(x, weights),
    }),
    recurrent: product(recurrent, {
      bias: undefined,
      zeroPoint: hidden.zeroPoint,
      scale: scaleOf(hidden, recurrent),
    }),
  };
}

function int16(value: number): number {
  return min(max(value, -32768), 32767);
}

function rowSum({ weights, width, bias }: Product, row: number, vector: ArrayLike<number>): number {
  let sum = bias[row] ?? 0;
  for (let at = 0; at < width; at++) sum += (weights[row * width + at] ?? 0) * (vector[at] ?? 0);
  return sum;
}

function gateValue(
  gate: Gate,
  row: number,
  at: { x: ArrayLike<number>; hidden: ArrayLike<number> },
): number {
  const fromInput = int16(scaleFixed(rowSum(gate.input, row, at.x), gate.input.scale));
  const { recurrent } = gate;
  return int16(fromInput + scaleFixed(rowSum(recurrent, row, at.hidden), recurrent.scale));
}

interface LstmStep {
  readonly x: ArrayLike<number>;
  readonly hidden: ArrayLike<number>;
  readonly cell: Float64Array;
}

type LstmRule = (step: LstmStep) => { readonly hidden: number[]; readonly cell: Float64Array };

function lstmRule(call: EvaluationCall): LstmRule {
  const gates = GATES.map((name) => gateOf(call, name));
  const [inputGate, forgetGate, cellGate, outputGate] = gates;
  const hiddenFormat = storedFormat(inputTensor(call, 18).type);
  const cellScale = storedFormat(inputTensor(call, 19).type).scale;
  // The cell's scale is a power of two: 15 + exponent is its number of integer bits.
  const exponent = Math.round(powerOf(cellScale));
  const clip = trunc(min(call.attributes.number("cell_clip") / cellScale, 32767));
  const hiddenScale = fixedMultiplier(fround(2 ** -30 / call.attributes.number("hidden_scale")));
  const hiddenZero = call.attributes.number("hidden_zero_point");
  const projection = projectionOf(call);
  return ({ x, hidden, cell }) => {
    const rows = cell.length;
    const at = { x, hidden };
    const nextCell = new Float64Array(rows);
    const raw = Array.from({ length: rows }, (_, row) => {
      const forget = sigmoid16(gateValue(present(forgetGate, "gate"), row, at), 3);
      const input =
        inputGate === undefined ? 32767 - forget : sigmoid16(gateValue(inputGate, row, at), 3);
      const candidate = tanh16(gateValue(present(cellGate, "gate"), row, at), 3);
      const kept = roundingShift(forget * (cell[row] ?? 0), 15);
      const next = int16(kept + roundingShift(input * candidate, 30 + exponent));
      nextCell[row] = clip > 0 ? min(max(next, -clip), clip) : next;
      const output = sigmoid16(gateValue(present(outputGate, "gate"), row, at), 3);
      const activated = tanh16(nextCell[row] ?? 0, 15 + exponent);
      return scaleFixed(output * activated, hiddenScale);
    });
    // The published runtime takes the zero point off where one would add it; models are tuned to that.
    const stored = raw.map((value) => clampStored(value - hiddenZero, hiddenFormat));
    return { hidden: projection === undefined ? stored : projection(stored), cell: nextCell };
  };
}

function powerOf(scale: number): number {
  let exponent = 0;
  for (let value = scale; value < 1; exponent--) value *= 2;
  return exponent;
}

function projectionOf(call: EvaluationCall): ((hidden: readonly number[]) => number[]) | undefined {
  const weights = operand(call, "projection");
  if (weights === undefined) return undefined;
  const format = storedFormat(inputTensor(call, 18).type);
  const hiddenScale = call.attributes.number("hidden_scale");
  const scale = fround(fround(storedFormat(weights.type).scale * hiddenScale) / format.scale);
  const zeroPoint = call.attributes.number("hidden_zero_point");
  const matrix = product(weights, { bias: operand(call, "projectionBias"), zeroPoint, scale });
  const clip = trunc(min(call.attributes.number("projection_clip") / format.scale, 127));
  const rows = weights.type.shape[0] ?? 0;
  return (hidden) =>
    Array.from({ length: rows }, (_, row) => {
      const sum = scaleFixed(rowSum(matrix, row, hidden), matrix.scale) + format.zeroPoint;
      const stored = clampStored(sum, format);
      return clip > 0 ? min(max(stored, -clip), clip) : stored;
    });
}

function evaluateLstm(call: EvaluationCall): readonly Tensor[] {
  const [outputType, hiddenType, cellType] = call.outputTypes;
  const rule = lstmRule(call);
  const frame = sequenceFrame(call);
  let results: { hidden: ArrayLike<number>; cell: ArrayLike<number> } | undefined;
  const { batches, steps, features, units } = frame;
  const [x, hidden, cell] = [0, 18, 19].map((position) => numeric(inputTensor(call, position)));
  const y = new Float64Array(batches * steps * units);
  const [lastHidden, lastCell] = [new Float64Array(batches * units), Float64Array.from(cell ?? [])];
  const cells = lastCell.length / batches;
  for (let batch = 0; batch < batches; batch++) {
    let state: ArrayLike<number> = (hidden ?? []).slice(batch * units, (batch + 1) * units);
    let memory = lastCell.slice(batch * cells, (batch + 1) * cells);
    for (let step = 0; step < steps; step++) {
      const at = frame.position(batch, step);
      const row = (x ?? []).slice(at * features, (at + 1) * features);
      results = rule({ x: row, hidden: state, cell: memory });
      state = results.hidden;
      memory = Float64Array.from(results.cell);
      y.set(Array.from(state), at * units);
    }
    lastHidden.set(Array.from(state), batch * units);
    lastCell.set(memory, batch * cells);
  }
  const pairs = [
    [outputType, y],
    [hiddenType, lastHidden],
    [cellType, lastCell],
  ] as const;
  return pairs.map(([type, values]) =>
    tensorFrom(present(type, "output type"), (index) => values[index] ?? 0),
  );
}

/** Sizes of a sequence, and the row of a batch's step. */
export function sequenceFrame(call: EvaluationCall) {
  const [first = 1, second = 1, features = 1] = inputTensor(call, 0).type.shape;
  const timeMajor = call.attributes.number("time_major") !== 0;
  const [batches, steps] = timeMajor ? [second, first] : [first, second];
  const units = inputTensor(call, 18).type.shape[1] ?? 1;
  const position = (batch: number, step: number): number =>
    timeMajor ? step * batches + batch : batch * steps + step;
  return { batches, steps, features, units, position };
}

export function inferSvdf(call: InferenceCall): readonly TensorType[] {
  const [x, feature, time] = [0, 1, 2].map((position) => inputType(call, position));
  const rank = call.attributes.number("rank");
  const [filters = 0, features = 0] = feature?.shape ?? [];
  requireThat(x?.shape.length === 2 && x.shape[1] === features, "weights do not fit the features");
  requireThat(time?.shape[0] === filters && filters % rank === 0, "time weights do not fit");
  const memory = inputType(call, 4);
  const needed = (x.shape[0] ?? 0) * filters * (time.shape[1] ?? 0);
  requireThat(memory.shape.reduce((a, b) => a * b, 1) === needed, "the memory does not fit");
  const y = { dtype: x.dtype, shape: [x.shape[0] ?? 0, filters / rank] };
  return [y, { dtype: memory.dtype, shape: memory.shape }];
}

function evaluateSvdf(call: EvaluationCall): readonly Tensor[] {
  const [x, feature, time] = [0, 1, 2].map((position) => inputTensor(call, position));
  const [yType, memoryType] = call.outputTypes;
  if (!x || !feature || !time || !yType || !memoryType) return [];
  const state = storedFormat(inputTensor(call, 4).type);
  const [from, to] = [storedFormat(x.type), storedFormat(yType)];
  const stateScale = state.scale;
  const scaleIn = fixedMultiplier((from.scale * storedFormat(feature.type).scale) / stateScale);
  const scaleOut = fixedMultiplier((stateScale * storedFormat(time.type).scale) / to.scale);
  const [low, high] = [call.attributes.number("low"), call.attributes.number("high")];
  const result = svdf(call, {
    remember: (sum) => clampStored(scaleFixed(sum, scaleIn) + state.zeroPoint, state),
    finish: (sum) => min(max(scaleFixed(sum | 0, scaleOut) + to.zeroPoint, low), high),
    zeroPoint: from.zeroPoint,
    memoryZeroPoint: state.zeroPoint,
  });
  return [
    tensorFrom(yType, (index) => result.y[index] ?? 0),
    tensorFrom(memoryType, (index) => result.memory[index] ?? 0),
  ];
}

export interface SvdfRules {
  /** What of a feature product goes into the memory. */
  readonly remember: (sum: number) => number;
  /** The output for a sum over time and rank, bias included. */
  readonly finish: (sum: number) => number;
  readonly zeroPoint: number;
  readonly memoryZeroPoint: number;
}

export function svdf(call: EvaluationCall, rules: SvdfRules) {
  const [x, feature, time, old] = [0, 1, 2, 4].map((position) =>
    numeric(inputTensor(call, position)),
  );
  const bias = call.inputs[3] === undefined ? undefined : numeric(call.inputs[3]);
  const [batches = 1, features = 1] = inputTensor(call, 0).type.shape;
  const [filters = 1, steps = 1] = inputTensor(call, 2).type.shape;
  const rank = call.attributes.number("rank");
  const memory = Float64Array.from(old ?? []);
  const y = new Float64Array((batches * filters) / rank);
  for (let row = 0; row < batches * filters; row++) {
    const [batch, filter] = [Math.floor(row / filters), row % filters];
    memory.copyWithin(row * steps, row * steps + 1, (row + 1) * steps);
    let sum = 0;
    for (let at = 0; at < features; at++) {
      const value = (x?.[batch * features + at] ?? 0) - rules.zeroPoint;
      sum += value * (feature?.[filter * features + at] ?? 0);
    }
    memory[row * steps + steps - 1] = rules.remember(sum);
    let total = 0;
    for (let step = 0; step < steps; step++) {
      const kept = (memory[row * steps + step] ?? 0) - rules.memoryZeroPoint;
      total += kept * (time?.[filter * steps + step] ?? 0);
    }
    const unit = Math.floor(row / rank);
    y[unit] = (y[unit] ?? 0) + total;
  }
  const units = filters / rank;
  return { memory, y: y.map((sum, index) => rules.finish(sum + (bias?.[index % units] ?? 0))) };
}
