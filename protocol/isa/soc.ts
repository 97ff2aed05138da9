/** A chip as data: what a driver may know and what the simulator charges. */
import type { Feature, Resources } from "./table.ts";

export interface SocDescription {
  /** For instance "sm8650": the hardware id that bundles are published for. */
  readonly name: string;
  /** HTP architecture, for instance "v75". */
  readonly family: string;
  readonly marketingName: string;
  /** Parts of the instruction set beyond its core that the chip has. */
  readonly features: readonly Feature[];
  readonly vtcmBytes: number;
  /** What VTCM gives to all engines together. */
  readonly vtcmBytesPerCycle: number;
  readonly clockHz: number;
  /** Time from the application's call to the first instruction and back, without any work. */
  readonly callFloorUs: number;
  readonly dma: {
    readonly queues: number;
    readonly ddrBytesPerSecond: number;
    readonly latencyCycles: number;
    /** Cycles to issue one descriptor. */
    readonly descriptorCycles: number;
    /** Smallest piece that memory moves: shorter runs are charged as this many bytes. */
    readonly burstBytes: number;
    readonly vtcmBytesPerCycle: number;
  };
  readonly hmx: {
    readonly queues: number;
    /** Cycles for one 64-position x 32-channel tile product of one tap (65,536 int8 multiply-accumulates). */
    readonly tileCyclesInt8: number;
    /** Cycles for one 32-position x 32-channel tile product of one tap (32,768 multiply-accumulates) in fp16. */
    readonly tileCyclesFp16: number;
    /** Likewise, int16 activations by int8 weights; int16 weights take twice as long. */
    readonly tileCyclesInt16: number;
    readonly startupCycles: number;
    /** Cycles to requantise and write one crouton; overlaps products into the other accumulator set. */
    readonly storeCycles: number;
  };
  readonly hvx: {
    readonly queues: number;
    /** What one packet can do, in native vector operations. */
    readonly packet: Resources & { readonly slots: number };
    /** Cycles from the start of a run to its first packet, and from its last packet to its end, together. */
    readonly latencyCycles: number;
    /** Cycles that a hundred packets take: what stalls on average add to one cycle a packet. */
    readonly packetCyclesPercent: number;
  };
}
