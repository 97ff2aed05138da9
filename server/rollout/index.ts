/** Cohorts, gates and decisions: pure. */
export * from "./cohort.ts";
export * from "./confidence.ts";
export * from "./decide.ts";
export * from "./gate.ts";
export * from "./lifecycle.ts";
export * from "./model.ts";
export * from "./reach.ts";
