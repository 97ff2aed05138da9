/** Matrix products, reductions and softmax. */
import { product } from "../../../../protocol/base/integers.ts";
import { optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { axisOf, finishWith, sizeAt } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const MATRICES: Readonly<Record<string, Handler>> = {
  MatMul: importMatmul,
  Gemm: importGemm,
  ReduceMean: (node, scope) => importReduction(node, scope, { op: "reduce_mean", since: 18 }),
  ReduceSum: (node, scope) => importReduction(node, scope, { op: "reduce_sum", since: 13 }),
  ReduceProd: (node, scope) => importReduction(node, scope, { op: "reduce_prod", since: 18 }),
  ReduceMax: (node, scope) => importReduction(node, scope, { op: "reduce_max", since: 18 }),
  ReduceMin: (node, scope) => importReduction(node, scope, { op: "reduce_min", since: 18 }),
  ArgMax: importArgmax,
  LayerNormalization: importLayerNorm,
  Softmax: (node, scope) => importSoftmax(node, scope, false),
  LogSoftmax: (node, scope) => importSoftmax(node, scope, true),
};

/** Vectors get the dimension that NumPy would add, and lose it again. */
function importMatmul(node: OnnxNode, scope: Scope): void {
  const [a, b] = [requiredInput(node, 0), requiredInput(node, 1)];
  const [left, right] = [scope.typeOf(node, a).shape, scope.typeOf(node, b).shape];
  if (left.length >= 2 && right.length >= 2) {
    return finishWith({ node, scope }, "matmul", { inputs: [a, b] });
  }
  const row = left.length === 1 ? reshaped(node, scope, { x: a, shape: [1, ...left] }) : a;
  const column = right.length === 1 ? reshaped(node, scope, { x: b, shape: [...right, 1] }) : b;
  const outputs = [scope.inner(node, "matmul")];
  const result = scope.emit(node, { op: "matmul", inputs: [row, column], outputs });
  const full = scope.typeOf(node, result).shape;
  const rowAxis = full.length - 2;
  const shape = full.filter((_, axis) => {
    const added = (axis === rowAxis && left.length === 1) || (axis > rowAxis && right.length === 1);
    return !added;
  });
  finishWith({ node, scope }, "reshape", { inputs: [result], attributes: { shape } });
}

function reshaped(
  node: OnnxNode,
  scope: Scope,
  request: { x: string; shape: readonly number[] },
): string {
  const outputs = [scope.inner(node, "reshape")];
  const attributes = { shape: request.shape };
  return scope.emit(node, { op: "reshape", inputs: [request.x], attributes, outputs });
}

function importGemm(node: OnnxNode, scope: Scope): void {
  const c = optionalInput(node, 2);
  const both = [requiredInput(node, 0), requiredInput(node, 1)];
  const attributes = {
    alpha: node.float("alpha", 1),
    beta: node.float("beta", 1),
    transpose_a: node.integer("transA", 0),
    transpose_b: node.integer("transB", 0),
  };
  const inputs = c === undefined ? both : [...both, c];
  finishWith({ node, scope }, "gemm", { inputs, attributes });
}

function importLayerNorm(node: OnnxNode, scope: Scope): void {
  const bias = optionalInput(node, 2);
  const both = [requiredInput(node, 0), requiredInput(node, 1)];
  const attributes = { axis: node.integer("axis", -1), epsilon: node.float("epsilon", 1e-5) };
  const inputs = bias === undefined ? both : [...both, bias];
  finishWith({ node, scope }, "layer_norm", { inputs, attributes });
}

/** Axes are an attribute in older operator sets and an input since `since`. */
function importReduction(node: OnnxNode, scope: Scope, rule: { op: string; since: number }): void {
  const x = requiredInput(node, 0);
  const rank = scope.typeOf(node, x).shape.length;
  const name = node.opset >= rule.since ? optionalInput(node, 1) : undefined;
  const given = name === undefined ? node.integers("axes", []) : scope.numbers(node, name);
  const nothing = given.length === 0 && node.integer("noop_with_empty_axes", 0) !== 0;
  if (nothing) return finishWith({ node, scope }, "identity", { inputs: [x] });
  const all = Array.from({ length: rank }, (_, axis) => axis);
  const axes = given.length === 0 ? all : given.map((axis) => axisOf(node, axis, rank));
  const attributes = { axes, keepdims: node.integer("keepdims", 1) };
  finishWith({ node, scope }, rule.op, { inputs: [x], attributes });
}

function importArgmax(node: OnnxNode, scope: Scope): void {
  if (node.integer("select_last_index", 0) !== 0) {
    node.refuse("UNSUPPORTED_OP", "select_last_index is not supported");
  }
  const x = requiredInput(node, 0);
  const axis = axisOf(node, node.integer("axis", 0), scope.typeOf(node, x).shape.length);
  const attributes = { axis, keepdims: node.integer("keepdims", 1) };
  finishWith({ node, scope }, "argmax", { inputs: [x], attributes });
}

/** Before opset 13 the softmax ran over all axes from `axis` on, flattened. */
function importSoftmax(node: OnnxNode, scope: Scope, logarithm: boolean): void {
  const x = requiredInput(node, 0);
  const { shape } = scope.typeOf(node, x);
  const axis = axisOf(node, node.integer("axis", node.opset < 13 ? 1 : -1), shape.length);
  const flat = node.opset < 13 && product(shape.slice(axis)) !== sizeAt(shape, axis);
  const rows = [product(shape.slice(0, axis)), product(shape.slice(axis))];
  const input = flat ? reshaped(node, scope, { x, shape: rows }) : x;
  const steps = [
    { op: "softmax", attributes: { axis: flat ? 1 : axis } },
    ...(logarithm ? [{ op: "log", attributes: {} }] : []),
    ...(flat ? [{ op: "reshape", attributes: { shape } }] : []),
  ];
  let value = input;
  for (const [index, step] of steps.entries()) {
    const last = index === steps.length - 1;
    if (last) finishWith({ node, scope }, step.op, { inputs: [value], ...step });
    else
      value = scope.emit(node, { inputs: [value], ...step, outputs: [scope.inner(node, step.op)] });
  }
}
