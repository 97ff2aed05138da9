/** LSTM and SVDF: layers that keep state in tensors of the file. */
import { requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import type { Scope } from "../scope.ts";
import type { Value } from "../value.ts";
import { clampOf, isStored } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { asFloat } from "./hybrid.ts";

export const RECURRENT: Readonly<Record<string, Handler>> = {
  UNIDIRECTIONAL_SEQUENCE_LSTM: (op, scope) => [importSequenceLstm(op, scope)],
  LSTM: (op, scope) => [importLstm(op, scope)],
  SVDF: (op, scope) => [importSvdf(op, scope)],
};

/** ActivationFunctionType of the schema. */
const ACTIVATIONS = ["none", "relu", "relu1", "relu6", "tanh"] as const;
const HIDDEN = 18;
const CELL = 19;

function activationName(op: Operator, activation: number): string {
  return ACTIVATIONS[activation] ?? op.refuse("UNSUPPORTED_OP", "its activation is not supported");
}

function importSequenceLstm(op: Operator, scope: Scope): Value {
  const options = op.options("SequenceLstm");
  if (options.diagonalRecurrence)
    op.refuse("UNSUPPORTED_OP", "diagonal recurrence is not supported");
  const { activation, cellClip, projectionClip, timeMajor } = options;
  const clips = { cell_clip: cellClip, projection_clip: projectionClip };
  const attributes = { ...clips, time_major: Number(timeMajor) };
  return emitLstm(op, scope, { x: requiredInput(op, 0), attributes, activation });
}

/** One step: x [batch, features] as a sequence of one. */
function importLstm(op: Operator, scope: Scope): Value {
  const { activation, cellClip, projectionClip, kernelType } = op.options("Lstm");
  if (kernelType !== 0) op.refuse("UNSUPPORTED_OP", "the basic kernel is not supported");
  const given = requiredInput(op, 0);
  const [batch = 1, features = 1] = given.type.shape;
  const encoding =
    given.type.quantization === undefined ? {} : { quantization: given.type.quantization };
  const reshape = { op: "reshape", inputs: [given], attributes: { shape: [1, batch, features] } };
  const x = scope.emit(op, { ...reshape, inner: "sequence", ...encoding });
  const clips = { cell_clip: cellClip, projection_clip: projectionClip };
  const y = emitLstm(op, scope, { x, attributes: { ...clips, time_major: 1 }, activation });
  return scope.emit(op, {
    op: "reshape",
    inputs: [y],
    attributes: { shape: y.type.shape.slice(1) },
  });
}

interface LstmParts {
  readonly x: Value;
  readonly attributes: Readonly<Record<string, number>>;
  readonly activation: number;
}

function emitLstm(op: Operator, scope: Scope, { x, attributes, activation }: LstmParts): Value {
  const states = [requiredInput(op, HIDDEN), requiredInput(op, CELL)];
  const inputs = op.inputs.map((value, position) => (position === 0 ? x : value)).slice(0, 24);
  const integer = isStored(x);
  const operands = integer ? inputs : inputs.map((value) => value && asFloat(op, scope, value));
  const [y, hidden, cell] = scope.emitAll(op, {
    op: integer ? "fixed_lstm" : "lstm_layer",
    inputs: operands,
    attributes: integer
      ? { ...attributes, ...hiddenAttributes(op) }
      : { ...attributes, activation: activationName(op, activation) },
    outputs: 3,
    inner: "lstm",
    quantizations: [op.outputs[0]?.quantization, ...states.map(({ type }) => type.quantization)],
  });
  if (y === undefined || hidden === undefined || cell === undefined) {
    return op.refuse("BAD_MODEL", "has no outputs");
  }
  op.assign(HIDDEN, hidden);
  op.assign(CELL, cell);
  return y;
}

/** Encodings between the parts of the layer: four gates and the hidden vector before its projection. */
function hiddenAttributes(op: Operator) {
  const scaleOf = (position: number): number | undefined => op.intermediates[position]?.scales[0];
  const hidden = op.intermediates[4] ?? requiredInput(op, HIDDEN).type.quantization;
  return {
    hidden_scale: hidden?.scales[0] ?? 1,
    hidden_zero_point: hidden?.zeroPoints[0] ?? 0,
    gate_scales: [0, 1, 2, 3].map((position) => scaleOf(position) ?? 2 ** -12),
  };
}

function importSvdf(op: Operator, scope: Scope): Value {
  const { rank, activation } = op.options("Svdf");
  const [x, state] = [requiredInput(op, 0), requiredInput(op, 4)];
  const integer = isStored(x);
  const given = [x, requiredInput(op, 1), requiredInput(op, 2), op.inputs[3], state];
  const operands = integer ? given : given.map((value) => value && asFloat(op, scope, value));
  const { low } = clampOf(op, activation);
  const zero = op.outputs[0]?.quantization?.zeroPoints[0] ?? 0;
  const floats = { activation: activationName(op, activation) };
  const limits = low === 0 ? { low: Math.max(zero, -128) } : {};
  const [y, memory] = scope.emitAll(op, {
    op: integer ? "fixed_svdf" : "svdf",
    inputs: operands,
    attributes: { rank, ...(integer ? limits : floats) },
    outputs: 2,
    inner: "svdf",
    quantizations: [op.outputs[0]?.quantization, state.type.quantization],
  });
  if (y === undefined || memory === undefined) return op.refuse("BAD_MODEL", "has no outputs");
  op.assign(4, memory);
  return y;
}
