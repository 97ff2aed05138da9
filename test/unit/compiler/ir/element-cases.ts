/** Cases of operators on single elements and of reductions. */
import { f32, of, ROW, SQUARE } from "./op-case.ts";
import type { Case } from "./op-case.ts";

const UNARY_VALUES: Readonly<Record<string, readonly number[]>> = {
  relu: [0, 0, 0, 3],
  sigmoid: [0.1192029, 0.3775407, 0.5, 0.9525741],
  hard_sigmoid: [0.1, 0.4, 0.5, 1],
  hard_swish: [-0.3333333, -0.2083333, 0, 3],
  leaky_relu: [-0.02, -0.005, 0, 3],
  elu: [-0.8646647, -0.3934693, 0, 3],
  softplus: [0.126928, 0.474077, 0.6931472, 3.0485873],
  softsign: [-0.6666667, -0.3333333, 0, 0.75],
  gelu: [-0.0455003, -0.1542688, 0, 2.9959503],
  reciprocal: [-0.5, -2, Infinity, 0.3333333],
  tanh: [-0.9640276, -0.4621172, 0, 0.9950548],
  exp: [0.1353353, 0.6065307, 1, 20.0855369],
  erf: [-0.9953223, -0.5204999, 0, 0.9999779],
  sin: [-0.9092974, -0.4794255, 0, 0.14112],
  cos: [-0.4161468, 0.8775826, 1, -0.9899925],
  neg: [2, 0.5, 0, -3],
  abs: [2, 0.5, 0, 3],
  floor: [-2, -1, 0, 3],
  ceil: [-2, 0, 0, 3],
  round: [-2, 0, 0, 3],
  sign: [-1, -1, 0, 1],
};

const PAIR_VALUES: Readonly<Record<string, readonly number[]>> = {
  add: [0, 1.5, 2, 5],
  sub: [-4, -2.5, -2, 1],
  mul: [-4, -1, 0, 6],
  div: [-1, -0.25, 0, 1.5],
  pow: [4, 0.25, 0, 9],
  min: [-2, -0.5, 0, 2],
  max: [2, 2, 2, 3],
  mod: [0, 1.5, 0, 1],
  prelu: [-4, -1, 0, 3],
  equal: [0, 0, 0, 0],
  less: [1, 1, 1, 0],
  less_or_equal: [1, 1, 1, 0],
  greater: [0, 0, 0, 1],
  greater_or_equal: [0, 0, 0, 1],
};

export const ELEMENT_CASES: readonly Case[] = [
  ...Object.entries(UNARY_VALUES).map(([op, values]) => ({
    op,
    inputs: [ROW],
    shape: [4],
    values,
  })),
  ...Object.entries(PAIR_VALUES).map(([op, values]) => ({
    op,
    inputs: [ROW, f32([1], [2])],
    shape: [4],
    values,
  })),
  { op: "log", inputs: [f32([2], [1, 10])], shape: [2], values: [0, 2.3025851] },
  { op: "sqrt", inputs: [f32([2], [4, 2])], shape: [2], values: [2, 1.4142135] },
  {
    op: "clip",
    inputs: [ROW],
    attributes: { min: -1, max: 1 },
    shape: [4],
    values: [-1, -0.5, 0, 1],
  },
  {
    op: "add",
    inputs: [ROW, ROW],
    attributes: { clamp_max: 1 },
    shape: [4],
    values: [-4, -1, 0, 1],
  },
  {
    op: "pointwise",
    inputs: [ROW],
    attributes: { expr: "x*clamp(x+3,0,6)/6" },
    shape: [4],
    values: [-0.3333333, -0.2083333, 0, 3],
  },
  { op: "div", inputs: [of("i64", [2], [7, -7]), of("i64", [], [2])], shape: [2], values: [3, -3] },
  {
    op: "and",
    inputs: [of("bool", [2], [1, 1]), of("bool", [2], [0, 1])],
    shape: [2],
    values: [0, 1],
  },
  {
    op: "or",
    inputs: [of("bool", [2], [0, 1]), of("bool", [2], [0, 0])],
    shape: [2],
    values: [0, 1],
  },
  {
    op: "xor",
    inputs: [of("bool", [2], [1, 1]), of("bool", [2], [0, 1])],
    shape: [2],
    values: [1, 0],
  },
  {
    op: "where",
    inputs: [of("bool", [2, 1], [1, 0]), f32([2], [1, 2]), f32([], [9])],
    shape: [2, 2],
    values: [1, 2, 9, 9],
  },
];

export const REDUCTION_CASES: readonly Case[] = [
  {
    op: "reduce_mean",
    inputs: [SQUARE],
    attributes: { axes: [2, 3] },
    shape: [1, 1, 1, 1],
    values: [2.5],
  },
  {
    op: "reduce_sum",
    inputs: [SQUARE],
    attributes: { axes: [-1], keepdims: 0 },
    shape: [1, 1, 2],
    values: [3, 7],
  },
  {
    op: "reduce_prod",
    inputs: [SQUARE],
    attributes: { axes: [2] },
    shape: [1, 1, 1, 2],
    values: [3, 8],
  },
  { op: "reduce_max", inputs: [ROW], attributes: { axes: [0] }, shape: [1], values: [3] },
  { op: "reduce_min", inputs: [ROW], attributes: { axes: [0] }, shape: [1], values: [-2] },
  {
    op: "argmax",
    inputs: [f32([2, 2], [1, 1, 2, 3])],
    attributes: { axis: 1, keepdims: 0 },
    shape: [2],
    values: [0, 1],
  },
  {
    op: "softmax",
    inputs: [f32([2, 2], [0, 0, 1000, 998])],
    shape: [2, 2],
    values: [0.5, 0.5, 0.8807971, 0.1192029],
  },
];
