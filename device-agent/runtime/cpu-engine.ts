/** What runs generated WebAssembly for a session: somewhere else than in this thread, where it can be killed. */
import type { Result } from "../../protocol/base/result.ts";
import type { Port } from "../../protocol/program/index.ts";

/** A port or tensor, which lies in the module's memory as float32, and the bytes that it is handed over in. */
export interface MemoryWindow {
  readonly port: Pick<Port, "name" | "shape" | "storage">;
  readonly memoryOffset: number;
  /** As the port's storage says. */
  readonly bytes: number;
}

/** A CPU segment that has been verified: its module imports its memory and nothing else. */
export interface CpuJob {
  readonly module: Uint8Array;
  /** The memory has this size from the first to the last run. */
  readonly memoryPages: number;
  readonly stages: number;
  /** Placed once, before the first run. */
  readonly image: readonly { readonly memoryOffset: number; readonly content: Uint8Array }[];
  readonly inputs: readonly MemoryWindow[];
  readonly outputs: readonly MemoryWindow[];
}

/** `CPU_TRAP`: stage `details.stage` stopped by itself; `CPU_TIMEOUT`: it was killed. */
export type CpuCode = "CPU_TRAP" | "CPU_TIMEOUT" | "DOES_NOT_FIT";

export interface CpuTask {
  /** One inference: what the inputs' windows get, and what the outputs' hold afterwards, in the job's order. */
  run(inputs: readonly Uint8Array[]): Result<CpuRan, CpuCode>;
}

export interface CpuRan {
  readonly outputs: readonly Uint8Array[];
  /** Of all stages and of what is converted before and behind them, by the host's clock. */
  readonly microseconds: number;
}

export interface CpuEngine {
  /** Nothing runs yet. */
  place(job: CpuJob): CpuTask;
}
