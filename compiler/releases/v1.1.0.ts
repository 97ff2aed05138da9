/** 1.1.0: activations stay in VTCM, elementwise work follows its producer, weights arrive ahead of their use. */
import type { Recipe } from "./recipe.ts";

export const V1_1_0: Recipe = {
  version: "1.1.0",
  lowering: {
    homes: "vtcm",
    follow: true,
    concatInPlace: true,
    prefetch: true,
    matrixDepthwise: true,
    fillDepthwise: false,
    gatherInput: ["i8", "i16", "f16"],
    turnPlanes: false,
    phased: true,
    weightChunkBytes: 128 * 1024,
  },
};
