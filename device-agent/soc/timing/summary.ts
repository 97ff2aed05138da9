/** Folds the simulated queues into one result. */
import type { Instruction, SocDescription } from "../../../protocol/isa/index.ts";
import { originsOf } from "./lane.ts";
import type { Lane } from "./lane.ts";
import type { QueueTiming, StallCause, Timing, TimingCounters } from "./timing.ts";
import { transferOf } from "./transfer.ts";

/** Multiply-accumulates of one tile product: 64 positions x 32 channels in x 32 channels out; 16-bit, half of it. */
const TILE_MACS = 64 * 32 * 32;

export function summarize(lanes: readonly Lane[], soc: SocDescription): Timing {
  const busy = { scalar: 0, dma: 0, hmx: 0, hvx: 0 };
  const stalls = { dma: 0, hmx: 0, hvx: 0, scalar: 0, bandwidth: 0, output: 0, vtcm: 0 };
  let cycles = 0;
  for (const lane of lanes) {
    busy[lane.stream.queue.engine] += lane.busy;
    for (const cause of Object.keys(stalls) as StallCause[]) stalls[cause] += lane.stalls[cause];
    cycles = Math.max(cycles, lane.retiredAt);
  }
  return {
    cycles,
    microseconds: microsecondsOf(cycles, soc),
    queues: lanes.map(queueTiming),
    busyCycles: busy,
    stallCycles: stalls,
    origins: originsOf(lanes),
    counters: count(lanes, soc),
  };
}

/** Duration of an inference of this many cycles, with the call floor. */
export function microsecondsOf(cycles: number, soc: SocDescription): number {
  return soc.callFloorUs + (cycles * 1e6) / soc.clockHz;
}

function queueTiming(lane: Lane): QueueTiming {
  return {
    queue: lane.stream.queue,
    busyCycles: lane.busy,
    stallCycles: lane.stalls,
    startCycles: lane.starts,
    endCycles: lane.ends,
  };
}

function count(lanes: readonly Lane[], soc: SocDescription): TimingCounters {
  const total = {
    macsInt8: 0,
    macsFp16: 0,
    macsInt16: 0,
    ddrReadBytes: 0,
    ddrWriteBytes: 0,
    vtcmCopyBytes: 0,
    instructions: 0,
  };
  const add = (instruction: Instruction): void => {
    total.instructions++;
    if (instruction.op === "hmx.mac" || instruction.op === "hmx.mac_zero") {
      total.macsInt8 += instruction.tapCount * instruction.tileCount * TILE_MACS;
    } else if (instruction.op === "hmx.mac_f16") {
      total.macsFp16 += (instruction.tapCount * instruction.tileCount * TILE_MACS) / 2;
    } else if (instruction.op === "hmx.mac_i16") {
      total.macsInt16 += (instruction.tapCount * instruction.tileCount * TILE_MACS) / 2;
    } else if (instruction.op === "dma.copy") {
      const transfer = transferOf(instruction, soc);
      total.ddrReadBytes += transfer.ddrReadBytes;
      total.ddrWriteBytes += transfer.ddrWriteBytes;
      total.vtcmCopyBytes += transfer.vtcmBytes;
    }
  };
  for (const lane of lanes) lane.stream.instructions.forEach(add);
  return total;
}
