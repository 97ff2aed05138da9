/** Cases of functions of one element, of bits, and of running sums, choices and norms along axes. */
import { f32, of, ROW } from "./op-case.ts";
import type { Case } from "./op-case.ts";

function unary(op: string, [x, y]: readonly [number, number], attributes = {}): Case {
  return { op, inputs: [f32([1], [x])], attributes, shape: [1], values: [y] };
}

export const FUNCTION_CASES: readonly Case[] = [
  unary("gelu_tanh", [1, 0.841192]),
  unary("swish", [2, 1.761594]),
  unary("mish", [1, 0.865098]),
  unary("selu", [-1, -1.1113307]),
  unary("celu", [-2, -2 * (1 - Math.exp(-1))], { alpha: 2 }),
  unary("tan", [0.5, 0.5463025]),
  unary("asin", [0.5, Math.PI / 6]),
  unary("acos", [0.5, Math.PI / 3]),
  unary("atan", [1, Math.PI / 4]),
  unary("sinh", [1, 1.1752012]),
  unary("cosh", [1, 1.5430806]),
  unary("asinh", [0.75, Math.LN2]),
  unary("acosh", [1.25, Math.LN2]),
  unary("atanh", [0.6, Math.LN2]),
  {
    op: "thresholded_relu",
    inputs: [ROW],
    attributes: { alpha: 1 },
    shape: [4],
    values: [0, 0, 0, 3],
  },
  {
    op: "shrink",
    inputs: [ROW],
    attributes: { lambd: 1, bias: 0.5 },
    shape: [4],
    values: [-1.5, 0, 0, 2.5],
  },
  {
    op: "binarize",
    inputs: [ROW],
    attributes: { threshold: -1 },
    shape: [4],
    values: [0, 1, 1, 1],
  },
  { op: "isnan", inputs: [f32([2], [NaN, 1])], shape: [2], values: [1, 0] },
  {
    op: "isinf",
    inputs: [f32([3], [Infinity, -Infinity, 1])],
    attributes: { negative: 0 },
    shape: [3],
    values: [1, 0, 0],
  },
];

const [SIX, THREE] = [of("u8", [2], [6, 255]), of("u8", [2], [3, 1])];

export const BIT_CASES: readonly Case[] = [
  { op: "fmod", inputs: [f32([1], [-7]), f32([1], [3])], shape: [1], values: [-1] },
  { op: "bitwise_and", inputs: [SIX, THREE], shape: [2], values: [2, 1] },
  { op: "bitwise_or", inputs: [SIX, THREE], shape: [2], values: [7, 255] },
  { op: "bitwise_xor", inputs: [SIX, THREE], shape: [2], values: [5, 254] },
  { op: "shift_left", inputs: [SIX, THREE], shape: [2], values: [48, 254] },
  { op: "shift_right", inputs: [SIX, THREE], shape: [2], values: [0, 127] },
  { op: "bitwise_not", inputs: [SIX], shape: [2], values: [249, 0] },
  {
    op: "bitcast",
    inputs: [f32([1], [1])],
    attributes: { to: "i32" },
    shape: [1],
    values: [0x3f800000],
  },
  { op: "cast_like", inputs: [ROW, of("i8", [], [0])], shape: [4], values: [-2, 0, 0, 3] },
];

const SQUARE = f32([2, 2], [3, 4, -1, 2]);

export const AXIS_CASES: readonly Case[] = [
  { op: "reduce_l1", inputs: [SQUARE], attributes: { axes: [1] }, shape: [2, 1], values: [7, 3] },
  {
    op: "reduce_l2",
    inputs: [SQUARE],
    attributes: { axes: [-1], keepdims: 0 },
    shape: [2],
    values: [5, Math.sqrt(5)],
  },
  { op: "reduce_sum_square", inputs: [SQUARE], shape: [1, 1], values: [30] },
  {
    op: "reduce_log_sum",
    inputs: [SQUARE],
    attributes: { axes: [0] },
    shape: [1, 2],
    values: [Math.LN2, Math.log(6)],
  },
  {
    op: "reduce_log_sum_exp",
    inputs: [f32([2], [20, 20])],
    shape: [1],
    values: [20 + Math.LN2],
  },
  {
    op: "cumsum",
    inputs: [f32([3], [1, 2, 3])],
    attributes: { axis: 0, exclusive: 1 },
    shape: [3],
    values: [0, 1, 3],
  },
  {
    op: "cumprod",
    inputs: [f32([3], [1, 2, 3])],
    attributes: { axis: 0, reverse: 1 },
    shape: [3],
    values: [6, 6, 3],
  },
  { op: "hardmax", inputs: [SQUARE], shape: [2, 2], values: [0, 1, 0, 1] },
  {
    op: "argmin",
    inputs: [SQUARE],
    attributes: { axis: 1, keepdims: 0 },
    shape: [2],
    values: [0, 0],
  },
  { op: "topk", inputs: [ROW], attributes: { k: 2 }, shape: [2], values: [3, 0] },
  {
    op: "reverse_sequence",
    inputs: [f32([3, 2], [1, 2, 3, 4, 5, 6]), of("i64", [2], [2, 3])],
    shape: [3, 2],
    values: [3, 6, 1, 4, 5, 2],
  },
];

const CHANNELS = f32([1, 2, 2], [1, 3, 2, 6]);
const [ONES, ZEROS] = [f32([2], [1, 1]), f32([2], [0, 0])];

export const NORM_CASES: readonly Case[] = [
  {
    op: "batch_norm_training",
    inputs: [CHANNELS, ONES, ZEROS, ZEROS, ONES],
    attributes: { epsilon: 0 },
    shape: [1, 2, 2],
    values: [-1, 1, -1, 1],
  },
  {
    op: "instance_norm",
    inputs: [CHANNELS, f32([2], [1, 2]), ZEROS],
    attributes: { epsilon: 0 },
    shape: [1, 2, 2],
    values: [-1, 1, -2, 2],
  },
  {
    op: "group_norm",
    inputs: [CHANNELS, ONES, ONES],
    attributes: { epsilon: 0, groups: 2 },
    shape: [1, 2, 2],
    values: [0, 2, 0, 2],
  },
  {
    op: "layer_norm",
    inputs: [CHANNELS, f32([2], [1, 3]), ZEROS],
    attributes: { epsilon: 0 },
    shape: [1, 2, 2],
    values: [-1, 3, -1, 3],
  },
  {
    op: "rms_norm",
    inputs: [f32([1, 2], [1, 7]), ONES],
    attributes: { epsilon: 0 },
    shape: [1, 2],
    values: [0.2, 1.4],
  },
  {
    op: "mean_variance_norm",
    inputs: [CHANNELS],
    attributes: { axes: [2] },
    shape: [1, 2, 2],
    values: [-1, 1, -1, 1],
  },
  {
    op: "lp_norm",
    inputs: [f32([2], [3, 4])],
    attributes: { axis: 0 },
    shape: [2],
    values: [0.6, 0.8],
  },
  {
    op: "lrn",
    inputs: [f32([1, 2, 1], [1, 2])],
    attributes: { size: 3, alpha: 3, beta: 1 },
    shape: [1, 2, 1],
    values: [1 / 6, 2 / 6],
  },
];
