/** Cases of operators that sum over windows and matrices. */
import { f32, IMAGE, SQUARE } from "./op-case.ts";
import type { Case } from "./op-case.ts";

export const WINDOW_CASES: readonly Case[] = [
  {
    op: "conv",
    inputs: [IMAGE, f32([1, 1, 2, 2], [1, 0, 0, 1]), f32([1], [10])],
    shape: [1, 1, 2, 2],
    values: [16, 18, 22, 24],
  },
  {
    op: "conv",
    inputs: [IMAGE, f32([1, 1, 3, 3], [0, 0, 0, 0, 1, 0, 0, 0, 1]), undefined],
    attributes: { pads: [1, 1, 1, 1], strides: [2, 2], clamp_min: 4, clamp_max: 12 },
    shape: [1, 1, 2, 2],
    values: [6, 4, 7, 9],
  },
  {
    op: "conv",
    inputs: [f32([1, 2, 1, 2], [1, 2, 3, 4]), f32([2, 1, 1, 1], [10, 100])],
    attributes: { group: 2 },
    shape: [1, 2, 1, 2],
    values: [10, 20, 300, 400],
  },
  {
    op: "conv",
    inputs: [IMAGE, f32([1, 1, 2, 2], [1, 1, 1, 1])],
    attributes: { dilations: [2, 2] },
    shape: [1, 1, 1, 1],
    values: [20],
  },
  {
    op: "conv_transpose",
    inputs: [f32([1, 1, 1, 2], [1, 2]), f32([1, 2, 1, 2], [1, 10, 100, 1000])],
    attributes: { strides: [1, 2] },
    shape: [1, 2, 1, 4],
    values: [1, 10, 2, 20, 100, 1000, 200, 2000],
  },
  {
    op: "conv_transpose",
    inputs: [f32([1, 1, 2, 1], [1, 2]), f32([1, 1, 3, 1], [1, 10, 100]), f32([1], [0.5])],
    attributes: { pads: [1, 0, 0, 0] },
    shape: [1, 1, 3, 1],
    values: [12.5, 120.5, 200.5],
  },
  {
    op: "max_pool",
    inputs: [IMAGE],
    attributes: { kernel: [2, 2], strides: [2, 2], ceil_mode: 1 },
    shape: [1, 1, 2, 2],
    values: [5, 6, 8, 9],
  },
  {
    op: "max_pool",
    inputs: [f32([1, 1, 1, 2], [-3, -4])],
    attributes: { kernel: [1, 2], pads: [0, 1, 0, 1] },
    shape: [1, 1, 1, 3],
    values: [-3, -3, -4],
  },
  {
    op: "average_pool",
    inputs: [SQUARE],
    attributes: { kernel: [2, 2], pads: [1, 1, 0, 0] },
    shape: [1, 1, 2, 2],
    values: [1, 1.5, 2, 2.5],
  },
  {
    op: "average_pool",
    inputs: [SQUARE],
    attributes: { kernel: [2, 2], pads: [1, 1, 0, 0], count_include_pad: 1 },
    shape: [1, 1, 2, 2],
    values: [0.25, 0.75, 1, 2.5],
  },
  { op: "global_average_pool", inputs: [IMAGE], shape: [1, 1, 1, 1], values: [5] },
  { op: "global_max_pool", inputs: [IMAGE], shape: [1, 1, 1, 1], values: [9] },
  {
    op: "resize",
    inputs: [SQUARE],
    attributes: { sizes: [2, 4], scales: [1, 2], coordinates: "asymmetric", nearest: "floor" },
    shape: [1, 1, 2, 4],
    values: [1, 1, 2, 2, 3, 3, 4, 4],
  },
  {
    op: "resize",
    inputs: [f32([1, 1, 1, 2], [0, 4])],
    attributes: { sizes: [1, 4], scales: [1, 2], mode: "linear" },
    shape: [1, 1, 1, 4],
    values: [0, 1, 3, 4],
  },
  {
    op: "batch_norm",
    inputs: [
      f32([1, 2, 1, 1], [5, 6]),
      f32([2], [2, 1]),
      f32([2], [1, 0]),
      f32([2], [3, 6]),
      f32([2], [4, 1]),
    ],
    attributes: { epsilon: 0 },
    shape: [1, 2, 1, 1],
    values: [3, 0],
  },
];

export const MATRIX_CASES: readonly Case[] = [
  {
    op: "matmul",
    inputs: [f32([2, 2], [1, 2, 3, 4]), f32([2, 2], [5, 6, 7, 8]), f32([2], [1, -100])],
    attributes: { clamp_min: 0 },
    shape: [2, 2],
    values: [20, 0, 44, 0],
  },
  {
    op: "matmul",
    inputs: [f32([2, 1, 2], [1, 2, 3, 4]), f32([2, 1], [10, 1])],
    shape: [2, 1, 1],
    values: [12, 34],
  },
  {
    op: "gemm",
    inputs: [f32([2, 1], [1, 2]), f32([1, 2], [3, 4]), f32([1], [10])],
    attributes: { alpha: 2, beta: 0.5, transpose_a: 1, transpose_b: 1 },
    shape: [1, 1],
    values: [27],
  },
];
