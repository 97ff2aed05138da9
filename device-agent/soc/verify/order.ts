/**
 * Walks a segment in an order that its queues and semaphores allow, with a vector clock: for each queue, how many
 * of its instructions are known to have completed before this one starts.
 */
import type { Instruction, Stream } from "../../../protocol/isa/index.ts";
import { refuse } from "./refusal.ts";
import type { Place } from "./refusal.ts";

export interface Step {
  readonly instruction: Instruction;
  /** Index of its queue among the segment's streams. */
  readonly lane: number;
  readonly index: number;
  /** Valid during the visit. clock[lane] = index + 1: a queue is in order, an instruction with itself. */
  readonly clock: Int32Array;
}

interface WalkLane {
  readonly stream: Stream;
  next: number;
  readonly clock: Int32Array;
}

/** The vector clock behind the first, second, … signal of each semaphore. */
type Signalled = Map<number, Int32Array[]>;

/** Refuses `SHARED_SEMAPHORE` and `DEADLOCK`. */
export function walkInOrder(
  streams: readonly Stream[],
  origins: readonly string[],
  visit: (step: Step) => void,
): void {
  checkSignallers(streams, origins);
  const lanes = streams.map((stream): WalkLane => ({
    stream,
    next: 0,
    clock: new Int32Array(streams.length),
  }));
  const signalled: Signalled = new Map();
  let progressed = true;
  while (progressed) {
    progressed = false;
    lanes.forEach((lane, index) => {
      while (step(lane, index, { signalled, visit })) progressed = true;
    });
  }
  checkAllDone(lanes, signalled, { streams, origins });
}

function checkSignallers(streams: readonly Stream[], origins: readonly string[]): void {
  const owner = new Map<number, number>();
  streams.forEach((stream, lane) => {
    stream.instructions.forEach((instruction, index) => {
      for (const semaphore of instruction.signals) {
        const known = owner.get(semaphore) ?? lane;
        owner.set(semaphore, known);
        if (known === lane) continue;
        const place: Place = { streams, origins, lane, index };
        refuse("SHARED_SEMAPHORE", place, `signals semaphore ${semaphore} of another queue`);
      }
    });
  });
}

interface Walk {
  readonly signalled: Signalled;
  readonly visit: (step: Step) => void;
}

/** Visits the lane's next instruction unless it has to wait. */
function step(lane: WalkLane, number: number, walk: Walk): boolean {
  const instruction = lane.stream.instructions[lane.next];
  if (instruction === undefined) return false;
  if (!joinWaits(lane.clock, instruction, walk.signalled)) return false;
  // In order with itself: whether its own accesses clash is judged apart.
  const index = lane.next++;
  lane.clock[number] = lane.next;
  walk.visit({ instruction, lane: number, index, clock: lane.clock });
  for (const semaphore of instruction.signals) {
    const clocks = walk.signalled.get(semaphore);
    if (clocks === undefined) walk.signalled.set(semaphore, [lane.clock.slice()]);
    else clocks.push(lane.clock.slice());
  }
  return true;
}

/** False, with the clock untouched, when a wait does not hold yet. */
function joinWaits(clock: Int32Array, instruction: Instruction, signalled: Signalled): boolean {
  for (const { semaphore, value } of instruction.waits) {
    if ((signalled.get(semaphore)?.length ?? 0) < value) return false;
  }
  for (const { semaphore, value } of instruction.waits) {
    const known = signalled.get(semaphore)?.[value - 1];
    if (known === undefined) continue;
    for (let lane = 0; lane < clock.length; lane++) {
      const count = known[lane] ?? 0;
      if (count > (clock[lane] ?? 0)) clock[lane] = count;
    }
  }
  return true;
}

function checkAllDone(
  lanes: readonly WalkLane[],
  signalled: Signalled,
  from: Pick<Place, "streams" | "origins">,
): void {
  lanes.forEach((lane, number) => {
    const blocked = lane.stream.instructions[lane.next];
    if (blocked === undefined) return;
    const wait = blocked.waits.find(
      ({ semaphore, value }) => (signalled.get(semaphore)?.length ?? 0) < value,
    );
    const count = signalled.get(wait?.semaphore ?? 0)?.length ?? 0;
    const what = `waits for signal ${wait?.value} of semaphore ${wait?.semaphore}, which gets ${count}`;
    refuse("DEADLOCK", { ...from, lane: number, index: lane.next }, what);
  });
}
