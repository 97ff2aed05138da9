/**
 * What the end of a run waited for: from the instruction that ends last, back to the one whose signal, or whose
 * place in the queue, let it start, and so on to the first. The chain divides the whole time among operators.
 */
import type { HtpSegment } from "../../../protocol/program/index.ts";
import type { Timing } from "./timing.ts";

/** Cycles of the chain, by engine. */
export interface PathCycles {
  readonly dma: number;
  readonly hmx: number;
  readonly hvx: number;
  readonly scalar: number;
}

/** By index into the program's origins; all of them together are `timing.cycles`. */
export function criticalPath(
  { streams }: HtpSegment,
  timing: Timing,
): ReadonlyMap<number, PathCycles> {
  const shares = new Map<number, { dma: number; hmx: number; hvx: number; scalar: number }>();
  const signallers = signallersOf(streams);
  let at = lastPlace(timing);
  for (let until = timing.cycles; at !== undefined;) {
    const { queue, instructions } = streams[at.lane]!;
    const instruction = instructions[at.index]!;
    const start = timing.queues[at.lane]!.startCycles[at.index]!;
    const released = instruction.waits.flatMap(({ semaphore, value }) => {
      const place = signallers.get(semaphore)?.[value - 1];
      return place !== undefined && endOf(timing, place) === start ? [place] : [];
    });
    const share = shares.get(instruction.origin) ?? { dma: 0, hmx: 0, hvx: 0, scalar: 0 };
    shares.set(instruction.origin, share);
    share[queue.engine] += until - start;
    until = start;
    at = released[0] ?? (at.index === 0 ? undefined : { lane: at.lane, index: at.index - 1 });
  }
  return shares;
}

interface InstructionPlace {
  readonly lane: number;
  readonly index: number;
}

/** Who signals each semaphore, in order. */
function signallersOf(streams: HtpSegment["streams"]): Map<number, InstructionPlace[]> {
  const signallers = new Map<number, InstructionPlace[]>();
  streams.forEach(({ instructions }, lane) => {
    instructions.forEach(({ signals }, index) => {
      for (const semaphore of signals) {
        const places = signallers.get(semaphore);
        if (places === undefined) signallers.set(semaphore, [{ lane, index }]);
        else places.push({ lane, index });
      }
    });
  });
  return signallers;
}

function endOf(timing: Timing, { lane, index }: InstructionPlace): number {
  return timing.queues[lane]!.endCycles[index]!;
}

/** The instruction that retires last; queues retire in order. */
function lastPlace({ queues, cycles }: Timing): InstructionPlace | undefined {
  const lane = queues.findIndex(({ endCycles }) => endCycles.at(-1) === cycles);
  return lane < 0 ? undefined : { lane, index: queues[lane]!.endCycles.length - 1 };
}
