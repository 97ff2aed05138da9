/**
 * Turns a sequential listing into synchronised queues. The listing reads as if one engine did everything
 * in order; whatever two queues may not reorder is found from the memory accesses and tied by semaphores.
 * Programs are therefore free of hazards by construction, and every engine runs as far ahead as data allow.
 */
import { assert, present } from "../../../protocol/base/assert.ts";
import { accessesOf } from "../../../protocol/isa/index.ts";
import { WAITS_MAX } from "../../../protocol/isa/codec.ts";
import type { Instruction, Stream, Wait } from "../../../protocol/isa/index.ts";
import type { Listing } from "../../lower/listing.ts";
import { hazardTracker } from "./hazards.ts";

/** One stream a queue that has work. Semaphore n belongs to stream n. */
export function assemble(listing: Listing): Stream[] {
  const ties = findTies(listing);
  const streamOf = numberStreams(listing);
  const instructions = listing.queues.map((): Instruction[] => []);
  const signalCounts = new Int32Array(listing.queues.length);
  const valueOf = new Int32Array(listing.sequence.length);
  listing.sequence.forEach(({ queue, draft }, index) => {
    const waits = ties.waits[index]?.map((other): Wait => {
      const semaphore = streamOf[queueAt(listing, other)] ?? 0;
      return { semaphore, value: valueOf[other] ?? 0 };
    });
    const signals = ties.signals[index] === 1 ? [streamOf[queue] ?? 0] : NONE;
    if (signals.length > 0) {
      signalCounts[queue] = (signalCounts[queue] ?? 0) + 1;
      valueOf[index] = signalCounts[queue] ?? 0;
    }
    assert((waits?.length ?? 0) <= WAITS_MAX, "one wait a queue fits");
    present(instructions[queue], "queue").push({
      ...draft,
      waits: waits ?? NONE,
      signals,
    } as Instruction);
  });
  return listing.queues.flatMap((queue, index) => {
    const own = instructions[index] ?? [];
    return own.length > 0 ? [{ queue, instructions: own }] : [];
  });
}

/** Most instructions wait for nobody: they share it. */
const NONE: readonly never[] = [];

function queueAt(listing: Listing, index: number): number {
  return listing.sequence[index]?.queue ?? 0;
}

function numberStreams(listing: Listing): number[] {
  const used = new Set(listing.sequence.map(({ queue }) => queue));
  let count = 0;
  return listing.queues.map((_, queue) => (used.has(queue) ? count++ : -1));
}

interface Ties {
  /** Emission indices that each instruction waits for; undefined where there are none. */
  readonly waits: readonly (readonly number[] | undefined)[];
  /** 1 where somebody waits for the instruction. */
  readonly signals: Uint8Array;
}

/**
 * Vector clocks: `clocks` holds, per instruction, the latest instruction of every queue (index plus one)
 * that is certain to have completed when it has. A conflict inside that is no new tie.
 */
function findTies(listing: Listing): Ties {
  const count = listing.sequence.length;
  const queueCount = listing.queues.length;
  const clocks = new Int32Array(count * queueCount);
  const known = listing.queues.map(() => new Int32Array(queueCount));
  const waits = new Array<readonly number[] | undefined>(count);
  const signals = new Uint8Array(count);
  const queueOf = (index: number): number => queueAt(listing, index);
  const tracker = hazardTracker(listing.regionBytes, queueOf, queueCount);
  const conflicts = new Int32Array(queueCount);
  listing.sequence.forEach(({ queue, draft }, index) => {
    // What an instruction touches does not depend on its synchronisation.
    const accesses = accessesOf(draft as unknown as Instruction, listing.pointer);
    assert(accesses !== undefined, `instruction ${index} (${draft.op}) stays inside its tables`);
    conflicts.fill(0);
    tracker.visit({ index, queue, accesses }, conflicts);
    const own = present(known[queue], "queue");
    conflicts[queue] = 0;
    const needed = minimalWaits(conflicts, own, clocks);
    for (const other of needed) {
      signals[other] = 1;
      for (let q = 0; q < queueCount; q++) {
        own[q] = Math.max(own[q] ?? 0, clocks[other * queueCount + q] ?? 0);
      }
    }
    if (needed.length > 0) waits[index] = needed;
    own[queue] = index + 1;
    clocks.set(own, index * queueCount);
  });
  return { waits, signals };
}

/** The conflicts that neither this queue nor another conflict's completion implies. */
function minimalWaits(conflicts: Int32Array, known: Int32Array, clocks: Int32Array): number[] {
  const queueCount = known.length;
  const open: number[] = [];
  for (let queue = 0; queue < queueCount; queue++) {
    if ((conflicts[queue] ?? 0) > (known[queue] ?? 0)) open.push(queue);
  }
  if (open.length === 0) return open;
  const isImplied = (queue: number): boolean =>
    open.some((other) => {
      if (other === queue) return false;
      const entry = ((conflicts[other] ?? 0) - 1) * queueCount + queue;
      return (clocks[entry] ?? 0) >= (conflicts[queue] ?? 0);
    });
  return open.filter((queue) => !isImplied(queue)).map((queue) => (conflicts[queue] ?? 0) - 1);
}
