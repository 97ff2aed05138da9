/** 1.0.0: layer by layer through DDR, with double-buffered rows and all engines overlapping inside a layer. */
import type { Recipe } from "./recipe.ts";

export const V1_0_0: Recipe = {
  version: "1.0.0",
  lowering: {
    homes: "ddr",
    follow: false,
    concatInPlace: false,
    prefetch: false,
    matrixDepthwise: false,
    fillDepthwise: false,
    gatherInput: [],
    turnPlanes: false,
    phased: false,
    weightChunkBytes: 128 * 1024,
  },
};
