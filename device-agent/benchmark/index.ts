/** Measures, scores, compares: the ruler, which no driver ships. */
export * from "./compare.ts";
export * from "./measure.ts";
export * from "./snr.ts";
export * from "./temperature.ts";
export * from "./verdict.ts";
