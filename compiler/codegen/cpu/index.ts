/** The fp32 CPU path: graph to WebAssembly program, and a runner for it. */
export { compileCpu } from "./compile.ts";
export type { CompileCpuCode } from "./compile.ts";
export type { CpuPort, CpuProgram, CpuValue, ImagePart, Layout } from "./program.ts";
export { cpuProgramFile } from "./program-file.ts";
export type { ProgramIdentity } from "./program-file.ts";
export { cpuRunner, runCpu } from "./run.ts";
export type { CpuRunner } from "./run.ts";
export { cpuSegment } from "./segment.ts";
export type { SegmentWithWeights } from "./segment.ts";
