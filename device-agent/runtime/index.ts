/** Runs compiled programs: backends, devices, contexts and graphs; sessions underneath. */
export { htpBackend } from "./backend.ts";
export type { Backend, Context, Device, Graph } from "./backend.ts";
export type { CpuCode, CpuEngine, CpuJob, CpuRan, CpuTask, MemoryWindow } from "./cpu-engine.ts";
export { openProgram, openSession } from "./session.ts";
export type { OpenCode, RunCode, RunResult, Session } from "./session.ts";
export { hasCpuSegments, timeProgram } from "./timing.ts";
export type { ProgramTiming, SegmentTiming } from "./timing.ts";
export { runTrace } from "./trace.ts";
export { elementCount, quantized, readPort, writePort } from "./port.ts";
