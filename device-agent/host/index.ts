/** Runs a driver in a sandboxed child process with budgets. */
export * from "./call.ts";
export * from "./driver.ts";
export * from "./ports.ts";
export * from "./sandbox.ts";
