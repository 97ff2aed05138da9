/** The simulated chip. */
export { FITTED, SOCS, socNamed, socsFittedWith } from "./descriptions/index.ts";
export type { Fitted } from "./descriptions/index.ts";
export { simulateTiming } from "./timing/simulate.ts";
export type * from "./timing/timing.ts";
export { criticalPath } from "./timing/critical-path.ts";
export type { PathCycles } from "./timing/critical-path.ts";
export { chromeTrace } from "./timing/trace.ts";
export type { Trace, TraceEvent, TraceSource } from "./timing/trace.ts";
export { verifyProgram } from "./verify/verify.ts";
export type {
  VerifiedCpuSegment,
  VerifiedHtpSegment,
  VerifiedProgram,
  VerifiedSegment,
} from "./verify/verify.ts";
export type { VerifyCode } from "./verify/refusal.ts";
export { createMachine } from "./machine/machine.ts";
export type { Machine } from "./machine/machine.ts";
