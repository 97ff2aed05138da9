/** What stays on the device when its driver changes. */
export { createAgent, type Agent } from "./shell/agent.ts";
export type { AgentStatus } from "./shell/agent-status.ts";
export { workerEngine } from "./shell/cpu/engine.ts";
export { OWNER_DEFAULTS, type OwnerSettings } from "./shell/owner-settings.ts";
export type { AgentProgress, LogEntry } from "./shell/context.ts";
export type { AgentOptions } from "./shell/options.ts";
export { pollUntilAborted, type PollLoop } from "./shell/poll-loop.ts";
export { machineClock } from "./shell/clock.ts";
export type { PollOutcome } from "./shell/poll-outcome.ts";
export type { ModelRow, UpdateSummary } from "./shell/update-summary.ts";
export { DEFAULT_POLICY, type BenchmarkPolicy } from "./benchmark/index.ts";
export { DEFAULT_BUDGETS, type DriverBudgets } from "./host/index.ts";
export type { ModelToRegister, RegisteredModel } from "./workload/index.ts";
