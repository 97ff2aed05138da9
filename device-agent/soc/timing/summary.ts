/** Folds the simulated queues into one result. */
import { isProduct, macsOf, productForm } from "../../../protocol/isa/index.ts";
import type { Instruction, SocDescription } from "../../../protocol/isa/index.ts";
import { addStalls, lastRetired, noStalls, originsOf } from "./lane.ts";
import type { Lane } from "./lane.ts";
import type { QueueTiming, Timing, TimingCounters } from "./timing.ts";
import { transferOf } from "./transfer.ts";

const MAC_COUNTERS = { int8: "macsInt8", int16: "macsInt16", fp16: "macsFp16" } as const;

/** `slowedCycles`: what all engines together lost to VTCM, which is in the lanes' times already but in no account. */
export function summarize(
  lanes: readonly Lane[],
  soc: SocDescription,
  slowedCycles: number,
): Timing {
  const cycles = lastRetired(lanes);
  const queues = lanes.map((lane) => queueTiming(lane, { cycles, slowedCycles }));
  const busyCycles = { scalar: 0, dma: 0, hmx: 0, hvx: 0 };
  const stallCycles = noStalls();
  for (const queue of queues) {
    busyCycles[queue.queue.engine] += queue.busyCycles;
    addStalls(stallCycles, queue.stallCycles);
  }
  const origins = originsOf(lanes);
  const microseconds = microsecondsOf(cycles, soc);
  const counters = count(lanes, soc);
  return { cycles, microseconds, queues, busyCycles, stallCycles, origins, counters };
}

/** Duration of an inference of this many cycles, with the call floor. */
function microsecondsOf(cycles: number, soc: SocDescription): number {
  return soc.callFloorUs + (cycles * 1e6) / soc.clockHz;
}

function queueTiming(
  lane: Lane,
  whole: { readonly cycles: number; readonly slowedCycles: number },
): QueueTiming {
  let busyCycles = 0;
  const stallCycles = { ...noStalls(), vtcm: whole.slowedCycles };
  for (const { busy, stalls } of lane.accounts.values()) {
    busyCycles += busy;
    addStalls(stallCycles, stalls);
  }
  return {
    queue: lane.stream.queue,
    busyCycles,
    stallCycles,
    idleCycles: whole.cycles - whole.slowedCycles - lane.freeAt,
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
    if (isProduct(instruction)) {
      total[MAC_COUNTERS[productForm(instruction).numbers]] += macsOf(instruction);
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
