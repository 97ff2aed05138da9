/** What stays on the device when its driver changes. */
export { createAgent, type Agent, type AgentStatus } from "./shell/agent.ts";
export type { AgentProgress, LogEntry } from "./shell/context.ts";
export type { AgentOptions } from "./shell/options.ts";
export type { PollOutcome } from "./shell/update-cycle.ts";
export type { ModelRow, UpdateSummary } from "./shell/update-summary.ts";
export type { ModelToRegister, RegisteredModel } from "./workload/index.ts";
