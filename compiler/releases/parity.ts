/**
 * Parity: the frozen recipe that imitates the published stack. Elementwise work is fused behind its producer,
 * activations stay in VTCM where they fit, weights stream from DDR in every inference; nothing is tiled
 * depth-first and no engine takes work from another. It is measured against silicon, never released.
 */
import type { Recipe } from "./recipe.ts";

export const PARITY: Recipe = {
  version: "parity",
  lowering: {
    homes: "vtcm",
    follow: true,
    concatInPlace: true,
    prefetch: true,
    matrixDepthwise: false,
    fillDepthwise: true,
    gatherInput: ["i8", "i16", "f16"],
    turnPlanes: true,
    phased: true,
    weightChunkBytes: 128 * 1024,
  },
};
