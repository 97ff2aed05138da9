/** Cases of the operators with roundings of their own, on values that fp16 holds exactly. */
import { of } from "./op-case.ts";
import type { Case } from "./op-case.ts";

export const HALF_CASES: readonly Case[] = [
  {
    op: "half_function",
    inputs: [of("f16", [4], [-4, -1, 0.5, 4])],
    attributes: { expr: "x*max(x+1,0)" },
    shape: [4],
    values: [-0, -0, 0.75, 20],
  },
  {
    op: "lane_norm",
    inputs: [of("f16", [1, 2], [-2, 2]), of("f32", [2], [1, 3]), of("f32", [2], [0, 0.5])],
    attributes: { epsilon: 0 },
    shape: [1, 2],
    values: [-1, 3.5],
  },
  {
    op: "lerp_resize",
    inputs: [of("f16", [1, 1, 2, 2], [0, 4, 8, 12])],
    attributes: { sizes: [4, 2], scales: [2, 1] },
    shape: [1, 1, 4, 2],
    values: [0, 4, 2, 6, 6, 10, 8, 12],
  },
  { op: "lane_softmax", inputs: [of("f16", [1, 2], [3, 3])], shape: [1, 2], values: [0.5, 0.5] },
];
