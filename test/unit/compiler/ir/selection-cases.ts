/** Cases of operators that pick, place, find and make elements. */
import { f32, of, ROW, SQUARE } from "./op-case.ts";
import type { Case } from "./op-case.ts";

const TABLE = f32([2, 3], [1, 2, 3, 4, 5, 6]);
const BLOCKS = f32([1, 4, 1, 1], [1, 2, 3, 4]);

export const SELECTION_CASES: readonly Case[] = [
  {
    op: "tile",
    inputs: [f32([1, 2], [1, 2])],
    attributes: { repeats: [2, 2] },
    shape: [2, 4],
    values: [1, 2, 1, 2, 1, 2, 1, 2],
  },
  {
    op: "depth_to_space",
    inputs: [BLOCKS],
    attributes: { block: 2 },
    shape: [1, 1, 2, 2],
    values: [1, 2, 3, 4],
  },
  {
    op: "space_to_depth",
    inputs: [SQUARE],
    attributes: { block: 2 },
    shape: [1, 4, 1, 1],
    values: [1, 2, 3, 4],
  },
  {
    op: "center_crop_pad",
    inputs: [TABLE],
    attributes: { sizes: [4, 1] },
    shape: [4, 1],
    values: [0, 2, 5, 0],
  },
  {
    op: "gather_elements",
    inputs: [TABLE, of("i64", [2, 1], [2, -3])],
    attributes: { axis: 1 },
    shape: [2, 1],
    values: [3, 4],
  },
  {
    op: "gather_nd",
    inputs: [TABLE, of("i64", [2, 2], [0, 1, 1, -1])],
    shape: [2],
    values: [2, 6],
  },
  {
    op: "scatter_elements",
    inputs: [TABLE, of("i64", [1, 2], [1, 0]), f32([1, 2], [10, 20])],
    attributes: { reduction: "add" },
    shape: [2, 3],
    values: [1, 22, 3, 14, 5, 6],
  },
  {
    op: "scatter_nd",
    inputs: [TABLE, of("i64", [1, 1], [1]), f32([1, 3], [7, 8, 9])],
    shape: [2, 3],
    values: [1, 2, 3, 7, 8, 9],
  },
  {
    op: "tensor_scatter",
    inputs: [f32([1, 3, 1], [1, 2, 3]), f32([1, 2, 1], [8, 9]), of("i64", [1], [2])],
    attributes: { mode: "circular" },
    shape: [1, 3, 1],
    values: [9, 2, 8],
  },
  {
    op: "onehot",
    inputs: [of("i64", [2], [1, -1]), f32([2], [0, 5])],
    attributes: { depth: 3 },
    shape: [2, 3],
    values: [0, 5, 0, 0, 0, 5],
  },
  {
    op: "compress",
    inputs: [TABLE, of("bool", [3], [1, 0, 1])],
    attributes: { axis: 1 },
    shape: [2, 2],
    values: [1, 3, 4, 6],
  },
  { op: "nonzero", inputs: [f32([2, 2], [0, 1, 2, 0])], shape: [2, 2], values: [0, 1, 1, 0] },
  { op: "unique", inputs: [f32([4], [3, 1, 3, 2])], shape: [3], values: [1, 2, 3] },
];

export const GENERATION_CASES: readonly Case[] = [
  {
    op: "range",
    inputs: [f32([], [1]), f32([], [2]), f32([], [0.5])],
    shape: [2],
    values: [1, 1.5],
  },
  { op: "fill", inputs: [f32([1], [7])], attributes: { shape: [2] }, shape: [2], values: [7, 7] },
  {
    op: "eye_like",
    inputs: [TABLE],
    attributes: { k: 1 },
    shape: [2, 3],
    values: [0, 1, 0, 0, 0, 1],
  },
  {
    op: "trilu",
    inputs: [TABLE],
    attributes: { upper: 0 },
    shape: [2, 3],
    values: [1, 0, 0, 4, 5, 0],
  },
  {
    op: "random",
    inputs: [],
    attributes: { shape: [2], low: 3, high: 3 },
    shape: [2],
    values: [3, 3],
  },
  {
    op: "random_like",
    inputs: [ROW],
    attributes: { kind: "normal", mean: 2, deviation: 0 },
    shape: [4],
    values: [2, 2, 2, 2],
  },
  { op: "bernoulli", inputs: [f32([2], [0, 1])], shape: [2], values: [0, 1] },
  {
    op: "dropout",
    inputs: [ROW, f32([], [0]), of("bool", [], [1])],
    shape: [4],
    values: [-2, -0.5, 0, 3],
  },
  {
    op: "multinomial",
    inputs: [f32([1, 2], [-1000, 0])],
    attributes: { count: 3 },
    shape: [1, 3],
    values: [1, 1, 1],
  },
  {
    op: "window",
    inputs: [],
    attributes: { shape: "hann", size: 4 },
    shape: [4],
    values: [0, 0.5, 1, 0.5],
  },
  {
    op: "mel_weights",
    inputs: [],
    attributes: { bins: 1, length: 4, rate: 4000, lowest: 0, highest: 2000 },
    shape: [3, 1],
    values: [1, 0, 0],
  },
];
