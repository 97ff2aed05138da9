/** Matrix products, reductions, running sums and softmax. */
import { requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { finishWith, knownRank, knownShape, step, translated } from "./handler.ts";
import type { Handler, Target } from "./handler.ts";

export const MATRICES: Readonly<Record<string, Handler>> = {
  MatMul: importMatmul,
  Gemm: translated("gemm", {
    attributes: (node) => ({
      alpha: node.float("alpha", 1),
      beta: node.float("beta", 1),
      transpose_a: node.integer("transA", 0),
      transpose_b: node.integer("transB", 0),
    }),
  }),
  Einsum: translated("einsum", { attributes: (node) => ({ equation: node.text("equation", "") }) }),
  Det: translated("determinant"),
  ReduceMean: reduction("reduce_mean", 18),
  ReduceSum: reduction("reduce_sum", 13),
  ReduceProd: reduction("reduce_prod", 18),
  ReduceMax: reduction("reduce_max", 18),
  ReduceMin: reduction("reduce_min", 18),
  ReduceL1: reduction("reduce_l1", 18),
  ReduceL2: reduction("reduce_l2", 18),
  ReduceLogSum: reduction("reduce_log_sum", 18),
  ReduceLogSumExp: reduction("reduce_log_sum_exp", 18),
  ReduceSumSquare: reduction("reduce_sum_square", 18),
  ArgMax: translated("argmax", { attributes: choiceAttributes }),
  ArgMin: translated("argmin", { attributes: choiceAttributes }),
  CumSum: translated("cumsum", { inputs: [0], late: { axis: 1 }, attributes: runningAttributes }),
  CumProd: translated("cumprod", { inputs: [0], late: { axis: 1 }, attributes: runningAttributes }),
  Softmax: (node, scope) => importAlongAxis({ node, scope }, softmax),
  LogSoftmax: (node, scope) => importAlongAxis({ node, scope }, logSoftmax),
  Hardmax: (node, scope) => importAlongAxis({ node, scope }, hardmax),
};

/** Axes are an attribute in older operator sets and an input since `since`. */
function reduction(op: string, since: number): Handler {
  return (node, scope) => {
    const attributes = {
      none: node.integer("noop_with_empty_axes", 0),
      keepdims: node.integer("keepdims", 1),
    };
    const late = { axes: node.opset >= since ? node.inputs[1] : undefined };
    const inputs = [requiredInput(node, 0)];
    const given = node.has("axes")
      ? { axes: node.integers("axes", []), ...attributes }
      : attributes;
    finishWith({ node, scope }, op, { inputs, attributes: given, late });
  };
}

function choiceAttributes(node: OnnxNode) {
  return {
    axis: node.integer("axis", 0),
    keepdims: node.integer("keepdims", 1),
    select_last: node.integer("select_last_index", 0),
  };
}

function runningAttributes(node: OnnxNode) {
  return { exclusive: node.integer("exclusive", 0), reverse: node.integer("reverse", 0) };
}

function importMatmul(node: OnnxNode, scope: Scope): void {
  emitMatmul({ node, scope }, [requiredInput(node, 0), requiredInput(node, 1)]);
}

/** Vectors get the dimension that NumPy would add, and lose it again. */
function emitMatmul(target: Target, [a, b]: readonly [string, string]): void {
  const [rankOfA = 2, rankOfB = 2] = [knownRank(target, a), knownRank(target, b)];
  const added = { form: "add_axes" };
  const row =
    rankOfA === 1
      ? step(target, "reshape", { inputs: [a], attributes: { ...added, axes: [0] } })
      : a;
  const column =
    rankOfB === 1
      ? step(target, "reshape", { inputs: [b], attributes: { ...added, axes: [1] } })
      : b;
  const axes = [...(rankOfA === 1 ? [-2] : []), ...(rankOfB === 1 ? [-1] : [])];
  if (axes.length === 0) return finishWith(target, "matmul", { inputs: [a, b] });
  const inputs = [step(target, "matmul", { inputs: [row, column] })];
  finishWith(target, "reshape", { inputs, attributes: { form: "drop_axes", axes } });
}

/** Emits the steps along an axis and gives the last value; the last step is not emitted but named. */
type AlongAxis = (target: Target, x: string, axis: number) => Last;

interface Last {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number>>;
}

/** Before opset 13 these ran over all axes from `axis` on, flattened. */
function importAlongAxis(target: Target, rule: AlongAxis): void {
  const { node } = target;
  const x = requiredInput(node, 0);
  const older = node.opset < 13;
  const axis = node.integer("axis", older ? 1 : -1);
  const rank = knownRank(target, x);
  const isLast = axis === -1 || axis === (rank ?? NaN) - 1;
  if (!older || isLast) {
    const { op, ...operands } = rule(target, x, axis);
    return finishWith(target, op, operands);
  }
  const flat = step(target, "reshape", {
    inputs: [x],
    attributes: { form: "flatten", axes: [axis] },
  });
  const { op, ...operands } = rule(target, flat, 1);
  restored(target, step(target, op, operands), x);
}

/** The value in the shape of another. */
function restored(target: Target, value: string, like: string): void {
  const shape = knownShape(target, like);
  if (shape !== undefined) {
    return finishWith(target, "reshape", { inputs: [value], attributes: { shape } });
  }
  const sizes = step(target, "shape", { inputs: [like] });
  finishWith(target, "reshape", { inputs: [value], late: { shape: sizes } });
}

function softmax(_: Target, x: string, axis: number): Last {
  return { op: "softmax", inputs: [x], attributes: { axis } };
}

function hardmax(_: Target, x: string, axis: number): Last {
  return { op: "hardmax", inputs: [x], attributes: { axis } };
}

/** (x - max) - log of the sum of e^(x - max), which no large x makes infinite. */
function logSoftmax(target: Target, x: string, axis: number): Last {
  const attributes = { axes: [axis] };
  const largest = step(target, "reduce_max", { inputs: [x], attributes });
  const below = step(target, "sub", { inputs: [x, largest] });
  const powers = step(target, "exp", { inputs: [below] });
  const sum = step(target, "reduce_sum", { inputs: [powers], attributes });
  const logarithm = step(target, "log", { inputs: [sum] });
  return { op: "sub", inputs: [below, logarithm] };
}
