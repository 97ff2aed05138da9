/** Instructions of every engine as text, and random streams of them. */
import { present } from "../../../../protocol/base/assert.ts";
import type { Random } from "../../../../protocol/base/random.ts";
import type { Mnemonic, Stream } from "../../../../protocol/isa/index.ts";
import { streamsOf } from "./programs.ts";

type Fields = Readonly<Record<string, string | number>>;

function line(queue: string, op: Mnemonic, fields: Fields): string {
  const all = { wait: "", signal: "", origin: 0, ...fields };
  const text = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  return `${queue}: ${op} ${text.join(" ")}\n`;
}

export function copy(queue: string, fields: Fields): string {
  return line(queue, "dma.copy", {
    ...{ destination: "r0+0x0", source: "r4+0x0", bytes: 3200, rows: 1 },
    ...{ destinationRowStride: 0, sourceRowStride: 0, planes: 1 },
    ...{ destinationPlaneStride: 0, sourcePlaneStride: 0 },
    ...fields,
  });
}

const LOADS = ["hmx.load", "hmx.load_f16", "hmx.load_i64"] as const;
const PRODUCTS = ["hmx.mac", "hmx.mac_zero", "hmx.mac_f16", "hmx.mac_i16"] as const;
const STORES = ["hmx.store", "hmx.store_fixed", "hmx.store_f16", "hmx.store_i16"] as const;

export function load(set: number, op: (typeof LOADS)[number] = "hmx.load"): string {
  return line("hmx0", op, { set, bias: "r0+0x0", origin: 1 });
}

/** Ten tile products. */
export function mac(
  set: number,
  op: (typeof PRODUCTS)[number] = "hmx.mac",
  weightBytes = 1,
): string {
  return line("hmx0", op, {
    ...{ set, rows: 8, columns: 4, tapColumns: 1, activations: "<r0+0x0,0,0,1,1,1,1>" },
    ...{ tapBegin: 0, tapCount: 5, dilationY: 1, dilationX: 1, tileBegin: 0, tileCount: 2 },
    ...{ weights: "r0+0x0", weightTapPitch: 0, weightTilePitch: 0, weightZero: 1, weightBytes },
    origin: 1,
  });
}

export function store(set: number, op: (typeof STORES)[number] = "hmx.store"): string {
  return line("hmx0", op, {
    ...{ set, mode: 0, rows: 8, columns: 4, destination: "r0+0x0", multipliers: "r0+0x0" },
    ...{ zeroPoint: 0, low: 0, high: 1, origin: 1 },
  });
}

const MICRO_OPS = [
  "load_i32:r0,@0",
  "store_i32:r0,@0",
  "add_i32:r1,r0,r0",
  "multiply_i32:r1,r0,r0",
];

function matrix(random: Random): string {
  const of = <T>(all: readonly T[]): T => present(all[random.below(all.length)], "one of them");
  const set = random.below(2);
  switch (random.below(4)) {
    case 0:
      return load(set, of(LOADS));
    case 1:
      return store(set, of(STORES));
    default:
      return mac(set, of(PRODUCTS), 1 + random.below(2));
  }
}

function vector(queue: string, random: Random): string {
  if (random.below(4) === 0) {
    return line(queue, "hvx.pack", {
      ...{ elementBytes: 1 + random.below(2), transposed: random.below(2) },
      ...{ tiles: 1 + random.below(9), source: "r0+0x0", destination: "r0+0x8000" },
      ...{ sourcePitch: 2048, destinationPitch: 2048 },
    });
  }
  const body = MICRO_OPS.filter(() => random.below(2) === 0);
  return line(queue, random.below(2) === 0 ? "hvx.run" : "hvx.run16", {
    ...{ vectors: 1 + random.below(30), rows: 8, columns: 8, operands: "[r0+0x0:512]" },
    code: `{splat_i32:r0,#1|${body.join(";")}|}`,
  });
}

/** Instructions on random queues; each may wait for signals of those drawn before it, so none waits for ever. */
export function randomStreams(random: Random): Stream[] {
  const queues = ["dma0", "dma1", "hmx0", "hvx0", "hvx1"];
  const signalled = queues.map(() => 0);
  let text = "";
  for (let count = 5 + random.below(30); count > 0; count--) {
    const number = random.below(queues.length);
    const queue = queues[number]!;
    const other = random.below(queues.length);
    const wait = random.below(2) === 0 ? "" : `${other}>=${random.below(signalled[other]! + 1)}`;
    const signal = random.below(2) === 0 ? "" : String(number);
    if (signal !== "") signalled[number]!++;
    const source = ["r4+0x0", "r0+0x2000"][random.below(2)]!;
    const drawn = queue.startsWith("dma")
      ? copy(queue, { bytes: 64 + random.below(5000), source })
      : queue.startsWith("hvx")
        ? vector(queue, random)
        : matrix(random);
    text += drawn.replace("wait=", `wait=${wait}`).replace("signal=", `signal=${signal}`);
  }
  return streamsOf(text);
}
