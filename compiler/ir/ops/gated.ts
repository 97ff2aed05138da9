/** Recurrent layers in floats with every extra of their published forms: projection, peepholes, clips. */
import { present } from "../../../protocol/base/assert.ts";
import * as math from "../../../protocol/base/math.ts";
import type { Tensor, TensorType } from "../graph.ts";
import { inputTensor, numberAttribute, reject, textAttribute, whole } from "../operator.ts";
import type { EvaluationCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";
import { inferLstm, inferSvdf, LSTM_OPERANDS, sequenceFrame, svdf } from "./fixed/recurrent.ts";
import type { LstmOperand } from "./fixed/recurrent.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround, max, min, sqrt } = Math;

export const GATED_OPS = {
  lstm_layer: {
    docs: "LSTM over x [batch,steps,features] (steps first if time_major) with optional peepholes, projection, layer norms, coupled gates (no input gate) and clips; also the last hidden and cell state.",
    inputs: [20, 24],
    attributes: {
      time_major: numberAttribute(0),
      cell_clip: numberAttribute(0),
      projection_clip: numberAttribute(0),
      activation: textAttribute("tanh"),
    },
    infer: inferLstm,
    evaluator: whole(evaluateLstm),
    quantized: "none",
  },
  svdf: {
    docs: "Feature weights times x into a memory over steps, its product with time weights, summed by rank, plus bias, activated; also the memory.",
    inputs: [5, 5],
    attributes: { rank: numberAttribute(1), activation: textAttribute("none") },
    infer: inferSvdf,
    evaluator: whole(evaluateSvdf),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

const ACTIVATIONS: Readonly<Record<string, (x: number) => number>> = {
  none: (x) => x,
  relu: (x) => max(x, 0),
  relu1: (x) => min(max(x, -1), 1),
  relu6: (x) => min(max(x, 0), 6),
  tanh: math.tanh,
  sigmoid: math.sigmoid,
};

function activationOf(call: EvaluationCall): (x: number) => number {
  const name = call.attributes.text("activation");
  return ACTIVATIONS[name] ?? reject(`there is no activation ${name}`);
}

type Vector = ArrayLike<number>;
type Values = (name: LstmOperand) => Vector | undefined;

function dot(matrix: Vector | undefined, row: number, vector: Vector): number {
  let sum = 0;
  if (matrix === undefined) return 0;
  const width = vector.length;
  for (let at = 0; at < width; at++) sum += (matrix[row * width + at] ?? 0) * (vector[at] ?? 0);
  return sum;
}

type GateName = "input" | "forget" | "cell" | "output";

interface GateInput {
  readonly x: Vector;
  readonly hidden: Vector;
  /** The cell that a peephole looks at: the old one, or the new one for the output gate. */
  readonly cell: Vector;
}

const NORM_EPSILON = 1e-8;

/** The values of a gate before its activation. */
function gateSums(values: Values, name: GateName, { x, hidden, cell }: GateInput): Float64Array {
  const [weights, recurrent] = [values(`${name}Weights`), values(`${name}Recurrent`)];
  const [bias, norm] = [values(`${name}Bias`), values(`${name}Norm`)];
  const peephole = name === "cell" ? undefined : values(`${name}Peephole`);
  const sums = Float64Array.from({ length: cell.length }, (_, row) => {
    const seen = (peephole?.[row] ?? 0) * (cell[row] ?? 0);
    return dot(weights, row, x) + dot(recurrent, row, hidden) + seen;
  });
  if (norm === undefined) return sums.map((sum, row) => fround(sum + (bias?.[row] ?? 0)));
  const mean = sums.reduce((a, b) => a + b, 0) / sums.length;
  const variance = sums.reduce((a, b) => a + (b - mean) ** 2, 0) / sums.length;
  const deviation = sqrt(variance === 0 ? NORM_EPSILON : variance);
  return sums.map((sum, row) => ((sum - mean) / deviation) * (norm[row] ?? 0) + (bias?.[row] ?? 0));
}

function clipped(value: number, limit: number): number {
  return limit > 0 ? min(max(value, -limit), limit) : value;
}

function lstmStep(call: EvaluationCall, values: Values) {
  const activate = activationOf(call);
  const cellClip = call.attributes.number("cell_clip");
  const projectionClip = call.attributes.number("projection_clip");
  const [projection, projectionBias] = [values("projection"), values("projectionBias")];
  const coupled = values("inputWeights") === undefined;
  const units = inputTensor(call, 18).type.shape[1] ?? 0;
  return (x: Vector, hidden: Vector, cell: Vector) => {
    const at = { x, hidden, cell };
    const forget = gateSums(values, "forget", at).map(math.sigmoid);
    const input = coupled
      ? forget.map((value) => 1 - value)
      : gateSums(values, "input", at).map(math.sigmoid);
    const candidate = gateSums(values, "cell", at).map(activate);
    const next = Float64Array.from(cell, (value, row) => {
      const sum = (forget[row] ?? 0) * value + (input[row] ?? 0) * (candidate[row] ?? 0);
      return fround(clipped(sum, cellClip));
    });
    const output = gateSums(values, "output", { x, hidden, cell: next }).map(math.sigmoid);
    const raw = next.map((value, row) => fround(activate(value) * (output[row] ?? 0)));
    if (projection === undefined) return { hidden: raw, cell: next };
    const projected = Float64Array.from({ length: units }, (_, row) => {
      const sum = dot(projection, row, raw) + (projectionBias?.[row] ?? 0);
      return fround(clipped(sum, projectionClip));
    });
    return { hidden: projected, cell: next };
  };
}

function evaluateLstm(call: EvaluationCall): readonly Tensor[] {
  const operands = call.inputs.map((tensor) =>
    tensor === undefined ? undefined : numeric(tensor),
  );
  const values: Values = (name) => operands[LSTM_OPERANDS.indexOf(name)];
  const step = lstmStep(call, values);
  const { batches, steps, features, units, position } = sequenceFrame(call);
  const x = present(operands[0], "x");
  const hiddens = Float64Array.from(values("hidden") ?? []);
  const cells = Float64Array.from(values("cell") ?? []);
  const cellCount = cells.length / batches;
  const y = new Float64Array(batches * steps * units);
  for (let batch = 0; batch < batches; batch++) {
    const own = hiddens.subarray(batch * units, (batch + 1) * units);
    const memory = cells.subarray(batch * cellCount, (batch + 1) * cellCount);
    for (let at = 0; at < steps; at++) {
      const place = position(batch, at);
      const next = step(
        x.slice(place * features, (place + 1) * features),
        own.slice(),
        memory.slice(),
      );
      own.set(next.hidden);
      memory.set(next.cell);
      y.set(next.hidden, place * units);
    }
  }
  return tensorsOf(call.outputTypes, [y, hiddens, cells]);
}

function tensorsOf(
  types: readonly TensorType[],
  values: readonly Float64Array[],
): readonly Tensor[] {
  return types.map((type, at) => tensorFrom(type, (index) => values[at]?.[index] ?? 0));
}

function evaluateSvdf(call: EvaluationCall): readonly Tensor[] {
  const activate = activationOf(call);
  const { y, memory } = svdf(call, {
    remember: fround,
    finish: (sum) => activate(fround(sum)),
    zeroPoint: 0,
    memoryZeroPoint: 0,
  });
  return tensorsOf(call.outputTypes, [y, memory]);
}
