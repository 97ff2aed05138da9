/**
 * The timing rules, one cycle at a time: no events, no formulas for when something ends. Of every instruction; vector
 * runs with linear operands alone, and as if VTCM gave whatever is asked of it.
 */
import { MICRO_OPS } from "../../../../protocol/isa/index.ts";
import type {
  Instruction,
  InstructionOf,
  MicroOp,
  SocDescription,
  Stream,
} from "../../../../protocol/isa/index.ts";

interface Queue {
  readonly stream: Stream;
  next: number;
  /** Cycles until the queue can take the next instruction. */
  holdCycles: number;
  /** The transfer in its queue, behind its descriptor. */
  transfer: { issueCycles: number; bytes: number; usesDdr: boolean; progress: bigint } | undefined;
  /** Started, not yet retired; oldest first. */
  readonly flying: { instruction: Instruction; left: number }[];
  /** Cycles in which instructions retired. */
  readonly ends: number[];
}

/** By stream, the cycle in which each instruction retires. DDR copies must be one run of at least a burst. */
export function naiveEnds(
  streams: readonly Stream[],
  soc: SocDescription,
): readonly (readonly number[])[] {
  const queues = streams.map((stream): Queue => ({
    stream,
    next: 0,
    holdCycles: 0,
    transfer: undefined,
    flying: [],
    ends: [],
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
    const isStore = instruction.op.startsWith("hmx.store");
    if (isStore && output > at) return false;
    if (!isStore && "set" in instruction && sets[instruction.set]! > at) return false;
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
    queue.holdCycles = isStore ? 1 : cycles;
    if (isStore && "set" in instruction) {
      output = at + cycles;
      sets[instruction.set] = at + cycles;
    }
    queue.flying.push({ instruction, left: cycles });
    return true;
  };
  for (let cycle = 0; cycle < 1e6; cycle++) {
    for (const queue of queues) retire(queue, signals, cycle);
    if (queues.every((q) => q.flying.length === 0 && q.next === q.stream.instructions.length)) {
      return queues.map(({ ends }) => ends);
    }
    while (queues.some((queue) => start(queue, cycle)));
    step(queues, soc);
  }
  throw new Error("no end");
}

function durationOf(instruction: Instruction, soc: SocDescription): number {
  const { hmx, hvx } = soc;
  switch (instruction.op) {
    case "hmx.clear":
      return 1;
    case "hmx.load":
    case "hmx.load_f16":
    case "hmx.load_i64":
      return 2;
    case "hmx.mac":
    case "hmx.mac_zero":
      return hmx.startupCycles + tileProducts(instruction) * hmx.tileCyclesInt8;
    case "hmx.mac_f16":
      return hmx.startupCycles + tileProducts(instruction) * hmx.tileCyclesFp16;
    case "hmx.mac_i16":
      return (
        hmx.startupCycles +
        instruction.weightBytes * tileProducts(instruction) * hmx.tileCyclesInt16
      );
    case "hmx.store":
    case "hmx.store_fixed":
    case "hmx.store_f16":
    case "hmx.store_i16":
      return hmx.storeCycles;
    case "hvx.run":
    case "hvx.run16": {
      const { prologue, body, epilogue } = instruction.code;
      const once = packets(resourcesOf(prologue), soc) + packets(resourcesOf(epilogue), soc);
      const total = once + instruction.vectors * packets(resourcesOf(body), soc);
      return Math.ceil((total * hvx.packetCyclesPercent) / 100) + hvx.latencyCycles;
    }
    case "hvx.pack": {
      const total = instruction.tiles * packets(resourcesOfBlock(instruction), soc);
      return Math.ceil((total * hvx.packetCyclesPercent) / 100) + hvx.latencyCycles;
    }
    case "dma.copy":
      throw new Error("a copy takes what DDR gives it");
  }
}

function tileProducts(mac: { readonly tapCount: number; readonly tileCount: number }): number {
  return mac.tapCount * mac.tileCount;
}

type Resources = Readonly<Record<"load" | "store" | "multiply" | "alu" | "permute", number>>;

function resourcesOf(ops: readonly MicroOp[]): Resources {
  const total = { load: 0, store: 0, multiply: 0, alu: 0, permute: 0 };
  for (const { op } of ops) {
    for (const name of Object.keys(total) as (keyof Resources)[]) {
      total[name] += MICRO_OPS[op].uses[name];
    }
  }
  return total;
}

/** A block of 32 pixels: every vector in, through five stages of two-vector shuffles or one, and out. */
function resourcesOfBlock(pack: InstructionOf<"hvx.pack">): Resources {
  const vectors = (32 * 32 * pack.elementBytes) / 128;
  const stages = pack.transposed === 1 ? 5 : 1;
  return { load: vectors, store: vectors, multiply: 0, alu: 0, permute: (stages * vectors) / 2 };
}

/** The fewest packets that hold everything, tried one by one. */
function packets(needed: Resources, { hvx }: SocDescription): number {
  const all = Object.values(needed).reduce((sum, count) => sum + count, 0);
  for (let count = 0; ; count++) {
    const names = Object.keys(needed) as (keyof Resources)[];
    const fits = names.every((name) => needed[name] <= count * hvx.packet[name]);
    if (fits && all <= count * hvx.packet.slots) return count;
  }
}

function retire(queue: Queue, signals: Map<number, number>, cycle: number): void {
  while (queue.flying[0] !== undefined && queue.flying[0].left <= 0) {
    queue.ends.push(cycle);
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
