/** Registered models, their goldens and their compiled programs. */
export * from "./compile.ts";
export * from "./model.ts";
export * from "./programs.ts";
export * from "./reachable.ts";
export * from "./register.ts";
export * from "./runs.ts";
