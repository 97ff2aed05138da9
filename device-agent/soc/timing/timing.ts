/** What a timing run yields: cycles by queue, stalls by cause, cycles by origin. All cycles are whole. */
import type { Engine, QueueId } from "../../../protocol/isa/index.ts";

/**
 * Why a queue got no further: it waited for another engine's signal, for its own output path or accumulator set
 * ("output"), a transfer was slowed down by transfers of other queues ("bandwidth"), or all engines alike by VTCM, of
 * which they asked more than it gives ("vtcm": time itself runs slower, so every queue loses the same).
 */
export type StallCause = "dma" | "hmx" | "hvx" | "scalar" | "bandwidth" | "output" | "vtcm";

export type StallCycles = Readonly<Record<StallCause, number>>;

/** Every cycle of the whole is in exactly one of `busyCycles`, `stallCycles` and `idleCycles`. */
export interface QueueTiming {
  readonly queue: QueueId;
  /** An instruction occupied the queue, at full speed. */
  readonly busyCycles: number;
  readonly stallCycles: StallCycles;
  /** Behind the queue's last instruction. */
  readonly idleCycles: number;
  /** By instruction: first cycle, and the cycle in which it completed and signalled. */
  readonly startCycles: Float64Array;
  readonly endCycles: Float64Array;
}

/** Cycles that the instructions of one origin occupied queues, by engine. */
export interface OriginTiming {
  readonly dma: number;
  readonly hmx: number;
  readonly hvx: number;
  /** What they waited for; "vtcm" belongs to no origin. */
  readonly stallCycles: StallCycles;
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
