/** The timing rules, one cycle at a time: no events, no formulas for when something ends. */
import { hvxCycles } from "../../../../protocol/isa/index.ts";
import type { Instruction, SocDescription, Stream } from "../../../../protocol/isa/index.ts";

interface Queue {
  readonly stream: Stream;
  next: number;
  /** Cycles until the queue can take the next instruction. */
  holdCycles: number;
  /** The transfer in its queue, behind its descriptor. */
  transfer: { issueCycles: number; bytes: number; usesDdr: boolean; progress: bigint } | undefined;
  /** Started, not yet retired; oldest first. */
  readonly flying: { instruction: Instruction; left: number }[];
}

/** Cycle in which the last instruction retires. DDR copies must be one run of at least a burst. */
export function naiveCycles(streams: readonly Stream[], soc: SocDescription): number {
  const queues = streams.map((stream): Queue => ({
    stream,
    next: 0,
    holdCycles: 0,
    transfer: undefined,
    flying: [],
  }));
  const signals = new Map<number, number>();
  // One set or path in use until the cycle named.
  const sets = [0, 0];
  let output = 0;
  const start = (queue: Queue, at: number): boolean => {
    const instruction = queue.stream.instructions[queue.next];
    if (instruction === undefined || queue.holdCycles > 0 || queue.transfer) return false;
    const isHeld = instruction.waits.some((w) => (signals.get(w.semaphore) ?? 0) < w.value);
    if (isHeld) return false;
    if (instruction.op === "hmx.store" && output > at) return false;
    const usesSet = "set" in instruction && instruction.op !== "hmx.store";
    if (usesSet && sets[instruction.set]! > at) return false;
    queue.next++;
    if (instruction.op === "dma.copy") {
      const { bytes, source, destination } = instruction;
      const usesDdr = source.region !== 0 || destination.region !== 0;
      const issueCycles = soc.dma.descriptorCycles;
      queue.transfer = { issueCycles, bytes, usesDdr, progress: 0n };
      queue.flying.push({ instruction, left: Infinity });
      return true;
    }
    const cycles = durationOf(instruction, soc);
    queue.holdCycles = instruction.op === "hmx.store" ? 1 : cycles;
    if (instruction.op === "hmx.store") {
      output = at + cycles;
      sets[instruction.set] = at + cycles;
    }
    queue.flying.push({ instruction, left: cycles });
    return true;
  };
  for (let cycle = 0; cycle < 1e6; cycle++) {
    for (const queue of queues) retire(queue, signals);
    if (queues.every((q) => q.flying.length === 0 && q.next === q.stream.instructions.length)) {
      return cycle;
    }
    while (queues.some((queue) => start(queue, cycle)));
    step(queues, soc);
  }
  throw new Error("no end");
}

function durationOf(instruction: Instruction, soc: SocDescription): number {
  switch (instruction.op) {
    case "hmx.clear":
      return 1;
    case "hmx.load":
      return 2;
    case "hmx.mac": {
      const { tapCount, tileCount } = instruction;
      return soc.hmx.startupCycles + tapCount * tileCount * soc.hmx.tileCyclesInt8;
    }
    case "hmx.store":
      return soc.hmx.storeCycles;
    case "hvx.run":
      return hvxCycles(instruction, soc);
    default:
      throw new Error(`no duration of ${instruction.op}`);
  }
}

function retire(queue: Queue, signals: Map<number, number>): void {
  while (queue.flying[0] !== undefined && queue.flying[0].left <= 0) {
    for (const s of queue.flying.shift()!.instruction.signals) {
      signals.set(s, (signals.get(s) ?? 0) + 1);
    }
  }
}

/** One cycle passes. A transfer that shares DDR with n others gets 1 / n of the bytes of a cycle. */
function step(queues: readonly Queue[], soc: SocDescription): void {
  const moving = queues.filter(
    ({ transfer }) => transfer?.usesDdr === true && transfer.issueCycles === 0,
  );
  for (const queue of queues) {
    if (queue.holdCycles > 0) queue.holdCycles--;
    for (const flight of queue.flying) flight.left--;
    const { transfer } = queue;
    if (transfer === undefined) continue;
    if (transfer.issueCycles > 0) {
      transfer.issueCycles--;
      continue;
    }
    const bytesPerSecond = transfer.usesDdr
      ? BigInt(soc.dma.ddrBytesPerSecond * 12) / BigInt(moving.length)
      : BigInt(soc.dma.vtcmBytesPerCycle * 12) * BigInt(soc.clockHz);
    transfer.progress += bytesPerSecond;
    if (transfer.progress < BigInt(transfer.bytes) * BigInt(soc.clockHz) * 12n) continue;
    queue.transfer = undefined;
    queue.flying.at(-1)!.left = soc.dma.latencyCycles;
  }
}
