/** Cases of operators that move, convert or look up elements. */
import { f32, IMAGE, of, ROW, SQUARE } from "./op-case.ts";
import type { Case } from "./op-case.ts";

export const MOVEMENT_CASES: readonly Case[] = [
  {
    op: "shape",
    inputs: [IMAGE],
    attributes: { start: -3, end: 9 },
    shape: [3],
    values: [1, 3, 3],
  },
  { op: "size", inputs: [IMAGE], shape: [], values: [9] },
  { op: "identity", inputs: [ROW], shape: [4], values: [-2, -0.5, 0, 3] },
  {
    op: "reshape",
    inputs: [ROW],
    attributes: { shape: [2, 2] },
    shape: [2, 2],
    values: [-2, -0.5, 0, 3],
  },
  {
    op: "transpose",
    inputs: [f32([1, 2, 3], [1, 2, 3, 4, 5, 6])],
    attributes: { perm: [2, 0, 1] },
    shape: [3, 1, 2],
    values: [1, 4, 2, 5, 3, 6],
  },
  {
    op: "concat",
    inputs: [SQUARE, f32([1, 1, 2, 1], [8, 9])],
    attributes: { axis: -1 },
    shape: [1, 1, 2, 3],
    values: [1, 2, 8, 3, 4, 9],
  },
  {
    op: "slice",
    inputs: [IMAGE],
    attributes: { starts: [0, 0, 2, 0], ends: [1, 1, -4, 3], steps: [1, 1, -2, 2] },
    shape: [1, 1, 2, 2],
    values: [7, 9, 1, 3],
  },
  {
    op: "pad",
    inputs: [f32([2], [1, 2])],
    attributes: { before: [1], after: [2], value: 7 },
    shape: [5],
    values: [7, 1, 2, 7, 7],
  },
  {
    op: "pad",
    inputs: [f32([3], [1, 2, 3])],
    attributes: { before: [2], after: [1], mode: "reflect" },
    shape: [6],
    values: [3, 2, 1, 2, 3, 2],
  },
  {
    op: "pad",
    inputs: [f32([2], [1, 2])],
    attributes: { before: [1], after: [1], mode: "edge" },
    shape: [4],
    values: [1, 1, 2, 2],
  },
  {
    op: "gather",
    inputs: [f32([2, 2], [1, 2, 3, 4]), of("i64", [3], [1, 0, -1])],
    attributes: { axis: 1 },
    shape: [2, 3],
    values: [2, 1, 2, 4, 3, 4],
  },
  {
    op: "expand",
    inputs: [f32([2, 1], [1, 2])],
    attributes: { shape: [2, 2] },
    shape: [2, 2],
    values: [1, 1, 2, 2],
  },
  { op: "cast", inputs: [ROW], attributes: { to: "i64" }, shape: [4], values: [-2, 0, 0, 3] },
  { op: "cast", inputs: [ROW], attributes: { to: "f16" }, shape: [4], values: [-2, -0.5, 0, 3] },
  {
    op: "quantize",
    inputs: [ROW],
    attributes: { scales: [0.5], zero_points: [1] },
    shape: [4],
    values: [-3, 0, 1, 7],
  },
  {
    op: "dequantize",
    inputs: [of("u8", [2, 1], [3, 3])],
    attributes: { scales: [1, 2], zero_points: [1, 2], axis: 0 },
    shape: [2, 1],
    values: [2, 2],
  },
  {
    op: "lut_pair",
    inputs: [
      of("u8", [2, 1], [3, 255]),
      of("i8", [1, 2], [-128, 127]),
      of(
        "i32",
        [65536],
        Array.from({ length: 65536 }, (_, index) => index),
      ),
    ],
    shape: [2, 2],
    values: [3 * 256, 3 * 256 + 255, 255 * 256, 65535],
  },
  {
    op: "lut",
    inputs: [
      of("i8", [3], [-128, 0, 127]),
      of(
        "i8",
        [256],
        [5, ...new Array<number>(127).fill(0), 6, ...new Array<number>(126).fill(0), 7],
      ),
    ],
    shape: [3],
    values: [5, 6, 7],
  },
];
