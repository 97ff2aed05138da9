/** Matrix products, softmax and reductions over axes. */
import { product } from "../../../../protocol/base/integers.ts";
import { outputAt, requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import { knownNumbers } from "../scope.ts";
import type { Scope } from "../scope.ts";
import { elementType } from "../tensors.ts";
import type { Value } from "../value.ts";
import {
  axisIn,
  clampAttributes,
  clampOf,
  emitActivated,
  emitElementwise,
  isStored,
  layoutOf,
} from "./handler.ts";
import type { Handler } from "./handler.ts";
import { asFloat } from "./hybrid.ts";
import { productRow } from "./stored-products.ts";
import { reordered } from "./windows.ts";

export const MATRICES: Readonly<Record<string, Handler>> = {
  FULLY_CONNECTED: (op, scope) => [importFullyConnected(op, scope)],
  BATCH_MATMUL: (op, scope) => [importBatchMatmul(op, scope)],
  SOFTMAX: (op, scope) => [importSoftmax(op, scope)],
  LOG_SOFTMAX: (op, scope) => {
    const inputs = [requiredInput(op, 0)];
    if (isStored(requiredInput(op, 0)))
      return [scope.emit(op, { op: "fixed_log_softmax", inputs })];
    const softmax = scope.emit(op, {
      op: "softmax",
      inputs,
      attributes: { axis: -1 },
      inner: "softmax",
    });
    return [scope.emit(op, { op: "log", inputs: [softmax] })];
  },
  L2_NORMALIZATION: (op, scope) => [importL2Norm(op, scope)],
  MEAN: (op, scope) => [importReduction(op, scope, "reduce_mean")],
  SUM: (op, scope) => [importReduction(op, scope, "reduce_sum")],
  REDUCE_PROD: (op, scope) => [importReduction(op, scope, "reduce_prod")],
  REDUCE_MAX: (op, scope) => [importReduction(op, scope, "reduce_max")],
  REDUCE_MIN: (op, scope) => [importReduction(op, scope, "reduce_min")],
  REDUCE_ANY: (op, scope) => [importReduction(op, scope, "reduce_max")],
  REDUCE_ALL: (op, scope) => [importReduction(op, scope, "reduce_min")],
};

function reshaped(
  op: Operator,
  scope: Scope,
  to: { value: Value; shape: readonly number[]; inner?: string },
): Value {
  const { value, shape, inner } = to;
  const encoding = value.type.quantization;
  const place = inner === undefined ? {} : { inner, ...(encoding && { quantization: encoding }) };
  return scope.emit(op, { op: "reshape", inputs: [value], attributes: { shape }, ...place });
}

/** x as rows of the weights' length, weights [O, I], and an optional bias. */
function importFullyConnected(op: Operator, scope: Scope): Value {
  const [x, weights, bias] = [requiredInput(op, 0), requiredInput(op, 1), op.inputs[2]];
  const { activation, keepDims, weightsFormat } = op.options("FullyConnected");
  if (weightsFormat !== 0) op.refuse("UNSUPPORTED_OP", "its weights are shuffled");
  const [outputs = 0, depth = 0] = weights.type.shape;
  if (weights.type.shape.length !== 2 || depth === 0)
    op.refuse("BAD_MODEL", "weights are no matrix");
  const rows = product(x.type.shape) / depth;
  if (!Number.isInteger(rows)) op.refuse("BAD_MODEL", `[${x.type.shape}] has no rows of ${depth}`);
  const keeps = keepDims && x.type.shape.length >= 2;
  const shape = keeps ? [...x.type.shape.slice(0, -1), outputs] : [rows, outputs];
  const fits =
    x.type.shape.length >= 2 &&
    x.type.shape.at(-1) === depth &&
    (keeps || x.type.shape.length === 2);
  const a = fits ? x : reshaped(op, scope, { value: x, shape: [rows, depth], inner: "rows" });
  const b = reordered(op, scope, { value: weights, perm: [1, 0] });
  const inputs = bias === undefined ? [a, b] : [a, b, bias];
  if (isStored(x)) {
    const { row, attributes } = productRow("matmul", { x, weights: b, bias });
    const clamp = clampAttributes(clampOf(op, activation));
    return scope.emit(op, { op: row, inputs, attributes: { ...attributes, ...clamp } });
  }
  const floats = inputs.map((value) => asFloat(op, scope, value));
  const matmul = {
    op: "matmul",
    inputs: floats,
    activation,
    layout: "rows",
    clamps: true,
  } as const;
  if (a.type.shape.length === shape.length) return emitActivated(op, scope, matmul);
  return op.refuse("BAD_MODEL", `rank ${x.type.shape.length} keeps no dimensions`);
}

function importBatchMatmul(op: Operator, scope: Scope): Value {
  const { transposeX, transposeY } = op.options("BatchMatMul");
  const operand = (position: number, turned: boolean): Value => {
    const value = requiredInput(op, position);
    const rank = value.type.shape.length;
    if (!turned || rank < 2) return value;
    const perm = [...value.type.shape.keys()];
    perm.splice(rank - 2, 2, rank - 1, rank - 2);
    return reordered(op, scope, { value, perm });
  };
  const inputs = [operand(0, transposeX), operand(1, transposeY)];
  if (!isStored(requiredInput(op, 0))) {
    return scope.emit(op, {
      op: "matmul",
      inputs: inputs.map((value) => asFloat(op, scope, value)),
    });
  }
  const [, weights] = inputs;
  // The runtime's kernel knows one scale; of weights with one a channel it reads none.
  if (weights !== undefined && (weights.type.quantization?.scales.length ?? 1) > 1) {
    inputs[1] = withoutScale(scope, weights);
  }
  const rule = requiredInput(op, 0).type.dtype === "i16" ? "fixed_wide" : "fixed";
  return scope.emit(op, { op: "fixed_matmul", inputs, attributes: { rule } });
}

function importSoftmax(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const { beta } = op.options("Softmax");
  if (isStored(x)) {
    const { typeCode, name } = outputAt(op, 0);
    const to = elementType(typeCode, name);
    const widened = to === x.type.dtype ? {} : { to };
    return scope.emit(op, { op: "fixed_softmax", inputs: [x], attributes: { beta, ...widened } });
  }
  const attributes = { axis: -1 };
  if (beta === 1) return scope.emit(op, { op: "softmax", inputs: [x], attributes });
  const factor = scope.numbers(op, "f32", [beta]);
  const scaled = emitElementwise(op, scope, { op: "mul", inputs: [x, factor], inner: "scaled" });
  return scope.emit(op, { op: "softmax", inputs: [scaled], attributes });
}

/** x over the root of the sum of its squares along the last axis. */
function importL2Norm(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const squares = scope.emit(op, { op: "mul", inputs: [x, x], inner: "squares" });
  const attributes = { axes: [-1], keepdims: 1 };
  const sum = scope.emit(op, { op: "reduce_sum", inputs: [squares], attributes, inner: "sum" });
  const bounded = scope.emit(op, {
    op: "clip",
    inputs: [sum],
    attributes: { min: 1e-6 },
    inner: "bounded",
  });
  const norm = scope.emit(op, { op: "sqrt", inputs: [bounded], inner: "norm" });
  const { activation } = op.options("L2Norm");
  return emitActivated(op, scope, { op: "div", inputs: [x, norm], activation, clamps: false });
}

function importReduction(op: Operator, scope: Scope, row: string): Value {
  const x = requiredInput(op, 0);
  const rank = x.type.shape.length;
  const { keepDims } = op.options("Reducer");
  const given = knownNumbers(op, requiredInput(op, 1));
  // Without kept dimensions the result has the order of the axes that remain.
  const layout = keepDims || keepsOrder(given, rank) ? layoutOf([x]) : "rows";
  const axes = [...new Set(given.map((axis) => axisIn(op, axis, { rank, layout })))].sort(
    (a, b) => a - b,
  );
  const stored = isStored(x) && (row === "reduce_mean" || row === "reduce_sum");
  const sum = stored && row === "reduce_sum" ? { sum: 1 } : {};
  const attributes = { axes, keepdims: Number(keepDims), ...sum };
  const name = stored ? "fixed_mean" : row;
  return scope.emit(op, { op: name, inputs: [x], attributes, layout });
}

/** Reducing both axes of an image leaves batch and channels, in that order in either layout. */
function keepsOrder(axes: readonly number[], rank: number): boolean {
  const counted = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  return rank === 4 && counted.size === 2 && counted.has(1) && counted.has(2);
}

/** Products with these weights come out as the zero point. */
function withoutScale(scope: Scope, weights: Value): Value {
  const { constant } = weights;
  const quantization = { scales: [0], zeroPoints: [0] };
  const type = { ...weights.type, quantization };
  if (constant === undefined) return { ...weights, type };
  return { ...scope.constant(weights.name, { ...constant, type }), fixed: true };
}
