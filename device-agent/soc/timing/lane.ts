/** One queue under simulation: when it is free, what it waited for, when its instructions retired. */
import type { Instruction, Stream } from "../../../protocol/isa/index.ts";
import type { OriginTiming, StallCause } from "./timing.ts";

export interface Lane {
  readonly stream: Stream;
  /** Index of the instruction that comes next. */
  next: number;
  freeAt: number;
  retiredAt: number;
  busy: number;
  readonly stalls: Record<StallCause, number>;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** Occupied cycles by origin. */
  readonly origins: Map<number, number>;
}

interface Semaphore {
  readonly engine: StallCause;
  /** Cycle of the first, second, … signal. */
  readonly signalledAt: number[];
}

export interface Lanes {
  readonly all: readonly Lane[];
  readonly semaphores: Map<number, Semaphore>;
}

export function createLanes(streams: readonly Stream[]): Lanes {
  return { all: streams.map(createLane), semaphores: new Map() };
}

function createLane(stream: Stream): Lane {
  return {
    stream,
    next: 0,
    freeAt: 0,
    retiredAt: 0,
    busy: 0,
    stalls: { dma: 0, hmx: 0, hvx: 0, scalar: 0, bandwidth: 0, output: 0, vtcm: 0 },
    starts: new Float64Array(stream.instructions.length),
    ends: new Float64Array(stream.instructions.length),
    origins: new Map(),
  };
}

/** The first cycle in which the queue is free and all waits hold; undefined when one is not known yet. */
export function earliestStart(
  lanes: Lanes,
  lane: Lane,
  instruction: Instruction,
): number | undefined {
  let start = lane.freeAt;
  let cause: StallCause | undefined;
  for (const wait of instruction.waits) {
    if (wait.value === 0) continue;
    const semaphore = lanes.semaphores.get(wait.semaphore);
    const at = semaphore?.signalledAt[wait.value - 1];
    if (semaphore === undefined || at === undefined) return undefined;
    if (at <= start) continue;
    start = at;
    cause = semaphore.engine;
  }
  if (cause !== undefined) lane.stalls[cause] += start - lane.freeAt;
  return start;
}

/** The next instruction of the lane holds its queue from `start` to `freeAt`. */
export function occupy(
  lane: Lane,
  span: { readonly start: number; readonly freeAt: number },
): void {
  const { start, freeAt } = span;
  lane.starts[lane.next] = start;
  lane.freeAt = freeAt;
  lane.busy += freeAt - start;
  const { origin } = lane.stream.instructions[lane.next] as Instruction;
  lane.origins.set(origin, (lane.origins.get(origin) ?? 0) + freeAt - start);
}

/** The next instruction of the lane has its results at `completeAt`: it retires, and the one after it is next. */
export function signal(
  lanes: Lanes,
  lane: Lane,
  done: { readonly instruction: Instruction; readonly completeAt: number },
): void {
  lane.retiredAt = Math.max(lane.retiredAt, done.completeAt);
  lane.ends[lane.next] = lane.retiredAt;
  lane.next++;
  for (const number of done.instruction.signals) {
    const known = lanes.semaphores.get(number);
    if (known !== undefined) known.signalledAt.push(lane.retiredAt);
    else {
      const { engine } = lane.stream.queue;
      lanes.semaphores.set(number, { engine, signalledAt: [lane.retiredAt] });
    }
  }
}

/** Occupied cycles by origin and engine. */
export function originsOf(lanes: readonly Lane[]): Map<number, OriginTiming> {
  const origins = new Map<number, { dma: number; hmx: number; hvx: number }>();
  for (const lane of lanes) {
    const { engine } = lane.stream.queue;
    if (engine === "scalar") continue;
    for (const [origin, cycles] of lane.origins) {
      const entry = origins.get(origin) ?? { dma: 0, hmx: 0, hvx: 0 };
      entry[engine] += cycles;
      origins.set(origin, entry);
    }
  }
  return origins;
}
