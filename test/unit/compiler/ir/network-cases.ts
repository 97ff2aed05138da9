/** Cases of larger operators: recurrent layers, attention, sampling, transforms, losses, trees. */
import { f32, IMAGE, of, SQUARE } from "./op-case.ts";
import type { Case } from "./op-case.ts";

const one = (rank: number, value: number) => f32(new Array<number>(rank).fill(1), [value]);
const SIGMOID_OF_ONE = 1 / (1 + Math.exp(-1));

export const RECURRENT_CASES: readonly Case[] = [
  {
    op: "rnn",
    inputs: [f32([2, 1, 1], [1, 1]), one(3, 1), one(3, 0)],
    shape: [2, 1, 1, 1],
    values: [Math.tanh(1), Math.tanh(1)],
  },
  {
    op: "lstm",
    inputs: [one(3, 1), f32([1, 4, 1], [1, 1, 1, 1]), f32([1, 4, 1], [0, 0, 0, 0])],
    shape: [1, 1, 1, 1],
    values: [SIGMOID_OF_ONE * Math.tanh(SIGMOID_OF_ONE * Math.tanh(1))],
  },
  {
    op: "gru",
    inputs: [one(3, 1), f32([1, 3, 1], [1, 1, 1]), f32([1, 3, 1], [0, 0, 0])],
    shape: [1, 1, 1, 1],
    values: [(1 - SIGMOID_OF_ONE) * Math.tanh(1)],
  },
  {
    op: "lstm_layer",
    inputs: [
      ...[one(3, 1), one(2, 1), one(2, 1), one(2, 1), one(2, 1)],
      ...[one(2, 0), one(2, 0), one(2, 0), one(2, 0)],
      ...[undefined, undefined, undefined, one(1, 0), one(1, 0), one(1, 0), one(1, 0)],
      ...[undefined, undefined, one(2, 0), one(2, 0)],
    ],
    shape: [1, 1, 1],
    values: [SIGMOID_OF_ONE * Math.tanh(SIGMOID_OF_ONE * Math.tanh(1))],
  },
  {
    op: "svdf",
    inputs: [one(2, 2), one(2, 3), f32([1, 2], [10, 1]), undefined, f32([1, 2], [5, 7])],
    shape: [1, 1],
    values: [76],
  },
];

export const ATTENTION_CASES: readonly Case[] = [
  {
    op: "attention",
    inputs: [one(4, 0), f32([1, 1, 2, 1], [5, 9]), f32([1, 1, 2, 1], [2, 4])],
    shape: [1, 1, 1, 1],
    values: [3],
  },
  {
    op: "rotary_embedding",
    inputs: [f32([1, 1, 1, 2], [1, 2]), f32([1, 1, 1], [0]), f32([1, 1, 1], [1])],
    shape: [1, 1, 1, 2],
    values: [-2, 1],
  },
  {
    op: "linear_attention",
    inputs: [f32([1, 2, 1], [1, 1]), f32([1, 2, 1], [1, 2]), f32([1, 2, 1], [3, 4])],
    attributes: { q_heads: 1, kv_heads: 1, rule: "linear" },
    shape: [1, 2, 1],
    values: [3, 11],
  },
  {
    op: "causal_conv",
    inputs: [f32([1, 1, 3], [1, 2, 3]), f32([1, 1, 2], [10, 1]), undefined, one(3, 5)],
    shape: [1, 1, 3],
    values: [51, 12, 23],
  },
  {
    op: "einsum",
    inputs: [f32([2, 2], [1, 2, 3, 4])],
    attributes: { equation: "ii" },
    shape: [],
    values: [5],
  },
];

export const PATCH_CASES: readonly Case[] = [
  {
    op: "deform_conv",
    inputs: [SQUARE, one(4, 1), f32([1, 2, 2, 2], [0, 0, 0, 0, 0.5, 0, 0, 0])],
    shape: [1, 1, 2, 2],
    values: [1.5, 2, 3, 4],
  },
  {
    op: "col2im",
    inputs: [f32([1, 2, 2], [1, 2, 3, 4])],
    attributes: { sizes: [3], block: [2] },
    shape: [1, 1, 3],
    values: [1, 5, 4],
  },
  { op: "determinant", inputs: [f32([2, 2], [1, 2, 3, 4])], shape: [], values: [-2] },
  {
    op: "lp_pool",
    inputs: [f32([1, 1, 1, 2], [3, 4])],
    attributes: { kernel: [1, 2] },
    shape: [1, 1, 1, 1],
    values: [5],
  },
  { op: "global_lp_pool", inputs: [f32([1, 1, 2], [3, 4])], shape: [1, 1, 1], values: [5] },
  {
    op: "max_pool_places",
    inputs: [IMAGE],
    attributes: { kernel: [2, 2] },
    shape: [1, 1, 2, 2],
    values: [5, 6, 8, 9],
  },
  {
    op: "max_unpool",
    inputs: [one(4, 9), of("i64", [1, 1, 1, 1], [2])],
    attributes: { kernel: [2, 2], strides: [2, 2] },
    shape: [1, 1, 2, 2],
    values: [0, 0, 9, 0],
  },
  {
    op: "grid_sample",
    inputs: [SQUARE, f32([1, 1, 1, 2], [0, 0])],
    shape: [1, 1, 1, 1],
    values: [2.5],
  },
  {
    op: "affine_grid",
    inputs: [f32([1, 2, 3], [1, 0, 0, 0, 1, 0])],
    attributes: { sizes: [1, 1, 1, 2], align_corners: 1 },
    shape: [1, 1, 2, 2],
    values: [-1, -1, 1, -1],
  },
  {
    op: "roi_align",
    inputs: [SQUARE, f32([1, 4], [0, 0, 2, 2]), of("i64", [1], [0])],
    shape: [1, 1, 1, 1],
    values: [2.5],
  },
  {
    op: "non_max_suppression",
    inputs: [
      f32([1, 3, 4], [0, 0, 1, 1, 0, 0, 1, 1.1, 5, 5, 6, 6]),
      f32([1, 1, 3], [0.8, 0.9, 0.7]),
      of("i64", [1], [3]),
      f32([1], [0.5]),
    ],
    shape: [2, 3],
    values: [0, 0, 1, 0, 0, 2],
  },
  {
    op: "anchored_detection",
    inputs: [f32([1, 1, 4], [0, 0, 0, 0]), one(3, 0.9), f32([1, 4], [0.5, 0.5, 1, 1])],
    attributes: { scales: [1, 1, 1, 1], classes: 1, detections: 1, overlap_threshold: 0.5 },
    shape: [1, 1, 4],
    values: [0, 0, 1, 1],
  },
];

const SCORES = f32([1, 2], [Math.LN2, 0]);

export const LEARNED_CASES: readonly Case[] = [
  {
    op: "negative_log_likelihood",
    inputs: [f32([2, 2], [-1, -2, -3, -4]), of("i64", [2], [0, 1])],
    shape: [],
    values: [2.5],
  },
  {
    op: "softmax_cross_entropy",
    inputs: [SCORES, of("i64", [1], [0])],
    shape: [],
    values: [Math.log(1.5)],
  },
  {
    op: "label_map",
    inputs: [of("i64", [2], [5, 6]), of("i64", [1], [5]), f32([1], [0.5]), f32([1], [-1])],
    shape: [2],
    values: [0.5, -1],
  },
  {
    op: "pick_features",
    inputs: [f32([2, 2], [1, 2, 3, 4]), of("i64", [1], [1])],
    shape: [2, 1],
    values: [2, 4],
  },
  {
    op: "tree_ensemble",
    inputs: [f32([2, 1], [1, 3])],
    attributes: {
      ...{
        roots: [0],
        features: [0],
        splits: [2],
        modes: ["leq"],
        true_nodes: [0],
        true_leaves: [1],
      },
      ...{ false_nodes: [1], false_leaves: [1], leaf_targets: [0, 0], leaf_weights: [10, 20] },
    },
    shape: [2, 1],
    values: [10, 20],
  },
  { op: "dft", inputs: [f32([1, 2, 1], [1, 3])], shape: [1, 2, 2], values: [4, 0, -2, 0] },
  {
    op: "stft",
    inputs: [f32([1, 4, 1], [1, 3, 5, 5]), f32([2], [1, 1])],
    attributes: { step: 2 },
    shape: [1, 2, 2, 2],
    values: [4, 0, -2, 0, 10, 0, 0, 0],
  },
];
