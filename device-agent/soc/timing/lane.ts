/** One queue under simulation: when it is free, what it waited for, when its instructions retired. */
import type { Instruction, Stream } from "../../../protocol/isa/index.ts";
import type { OriginTiming, StallCause, StallCycles } from "./timing.ts";

export interface Lane {
  readonly stream: Stream;
  /** Index of the instruction that comes next. */
  next: number;
  freeAt: number;
  retiredAt: number;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** Where the cycles up to `freeAt` went, by origin. */
  readonly accounts: Map<number, Account>;
}

/** Cycles of one queue for the instructions of one origin. */
export interface Account {
  /** At work at full speed. */
  busy: number;
  readonly stalls: Record<StallCause, number>;
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
    starts: new Float64Array(stream.instructions.length),
    ends: new Float64Array(stream.instructions.length),
    accounts: new Map(),
  };
}

/** Cycle in which the last instruction of all retires. */
export function lastRetired(lanes: readonly Lane[]): number {
  return lanes.reduce((last, { retiredAt }) => Math.max(last, retiredAt), 0);
}

export function noStalls(): Record<StallCause, number> {
  return { dma: 0, hmx: 0, hvx: 0, scalar: 0, bandwidth: 0, output: 0, vtcm: 0 };
}

/** That of the instruction that comes next. */
export function accountOf({ accounts, stream, next }: Lane): Account {
  const { origin } = stream.instructions[next] as Instruction;
  const known = accounts.get(origin);
  if (known !== undefined) return known;
  const account: Account = { busy: 0, stalls: noStalls() };
  accounts.set(origin, account);
  return account;
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
  if (cause !== undefined) accountOf(lane).stalls[cause] += start - lane.freeAt;
  return start;
}

/** The next instruction of the lane holds its queue from `start` to `freeAt`, of which it was slowed down for `slowed`. */
export function occupy(
  lane: Lane,
  span: { readonly start: number; readonly freeAt: number; readonly slowed?: number },
): void {
  const { start, freeAt, slowed = 0 } = span;
  lane.starts[lane.next] = start;
  lane.freeAt = freeAt;
  const account = accountOf(lane);
  account.busy += freeAt - start - slowed;
  account.stalls.bandwidth += slowed;
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

/** Occupied cycles by origin and engine, and what the origin's instructions waited for. */
export function originsOf(lanes: readonly Lane[]): Map<number, OriginTiming> {
  const origins = new Map<number, OriginTotal>();
  for (const { accounts, stream } of lanes) {
    const { engine } = stream.queue;
    for (const [origin, { busy, stalls }] of accounts) {
      const total = origins.get(origin) ?? { dma: 0, hmx: 0, hvx: 0, stallCycles: noStalls() };
      if (engine !== "scalar") total[engine] += busy + stalls.bandwidth;
      addStalls(total.stallCycles, stalls);
      origins.set(origin, total);
    }
  }
  return origins;
}

interface OriginTotal {
  dma: number;
  hmx: number;
  hvx: number;
  readonly stallCycles: Record<StallCause, number>;
}

export function addStalls(to: Record<StallCause, number>, stalls: StallCycles): void {
  for (const cause of Object.keys(to) as StallCause[]) to[cause] += stalls[cause];
}
