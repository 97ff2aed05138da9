/** Cases of the operators on fp16; values that fp16 holds exactly. */
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
];
