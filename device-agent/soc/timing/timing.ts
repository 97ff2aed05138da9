/** What a timing run yields: cycles by queue, stalls by cause, cycles by origin. All cycles are whole. */
import type { Engine, QueueId } from "../../../protocol/isa/index.ts";

/**
 * Why a free queue did not start its next instruction: it waited for another engine's signal, for its own output
 * path or accumulator set ("output"), a transfer was slowed down by transfers of other queues ("bandwidth"), or all
 * engines by VTCM, of which they asked more than it gives ("vtcm").
 */
export type StallCause = "dma" | "hmx" | "hvx" | "scalar" | "bandwidth" | "output" | "vtcm";

export type StallCycles = Readonly<Record<StallCause, number>>;

export interface QueueTiming {
  readonly queue: QueueId;
  /** Cycles in which the queue was occupied by an instruction. */
  readonly busyCycles: number;
  readonly stallCycles: StallCycles;
  /** By instruction: first cycle, and the cycle in which it completed and signalled. */
  readonly startCycles: Float64Array;
  readonly endCycles: Float64Array;
}

/** Cycles that the instructions of one origin occupied queues, by engine. */
export interface OriginTiming {
  readonly dma: number;
  readonly hmx: number;
  readonly hvx: number;
}

/** What the program moved and computed, counted by the chip. */
export interface TimingCounters {
  readonly macsInt8: number;
  readonly macsFp16: number;
  readonly macsInt16: number;
  readonly ddrReadBytes: number;
  readonly ddrWriteBytes: number;
  readonly vtcmCopyBytes: number;
  readonly instructions: number;
}

export interface Timing {
  /** From the first instruction to the last completion. */
  readonly cycles: number;
  /** cycles / clock, plus the chip's call floor. */
  readonly microseconds: number;
  readonly queues: readonly QueueTiming[];
  /** Summed over the engine's queues. */
  readonly busyCycles: Readonly<Record<Engine, number>>;
  readonly stallCycles: StallCycles;
  /** By index into the program's origins. */
  readonly origins: ReadonlyMap<number, OriginTiming>;
  readonly counters: TimingCounters;
}
