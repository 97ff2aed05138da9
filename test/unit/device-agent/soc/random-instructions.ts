/** Random instructions over a small VTCM that the verifier would accept but for their lack of context. */
import type { Random } from "../../../../protocol/base/random.ts";
import {
  MICRO_OPS,
  placeImmediate,
  tapImmediate,
  VECTOR_REGISTERS,
} from "../../../../protocol/isa/index.ts";
import type {
  Address,
  Instruction,
  MicroOp,
  MicroOpName,
  Operand,
  Window,
} from "../../../../protocol/isa/index.ts";

/** VTCM: pointer table, 16 croutons, then everything else: results, weights, indices, multipliers. */
export const TABLE = 0;
export const CROUTONS = 1024;
export const FREE = CROUTONS + 16 * 2048;
/** 64 bytes, many of them below 32. */
export const INDICES = FREE + 30 * 1024;
/** float32, then int32 multipliers of at least zero, then shifts. */
export const MULTIPLIERS = FREE + 31 * 1024;
export const FIXED_MULTIPLIERS = MULTIPLIERS + 256;
export const VTCM_BYTES = FREE + 32 * 1024;

export const vtcm = (offset: number): Address => ({ region: 0, offset });
export const tail = { waits: [], signals: [], origin: 0 };

export function randomWindow(random: Random): Window {
  return {
    table: vtcm(TABLE + 4 * random.below(8)),
    originY: random.below(9),
    originX: random.below(9),
    rowPitch: 1 + random.below(6),
    tilePitch: random.below(20),
    strideY: 1 + random.below(2),
    strideX: 1 + random.below(2),
  };
}

/** What products of one kind are made of. */
export interface ProductKind {
  readonly load: "hmx.load" | "hmx.load_f16" | "hmx.load_i64";
  readonly mac: "hmx.mac" | "hmx.mac_zero" | "hmx.mac_f16" | "hmx.mac_i16";
  readonly store: "hmx.store" | "hmx.store_fixed" | "hmx.store_f16" | "hmx.store_i16";
}

export function clearOrLoad(random: Random, kind: ProductKind, set: number): Instruction {
  if (random.below(2) === 0) return { op: "hmx.clear", set, ...tail };
  return { op: kind.load, set, bias: vtcm(FREE + 8 * random.below(500)), ...tail };
}

export function mac(random: Random, kind: ProductKind, set: number): Instruction {
  const isWide = kind.mac === "hmx.mac_f16" || kind.mac === "hmx.mac_i16";
  const fields = {
    set,
    rows: 1 + random.below(8),
    columns: 1 + random.below(isWide ? 4 : 8),
    tapColumns: 1 + random.below(3),
    activations: randomWindow(random),
    tapBegin: random.below(4),
    tapCount: 1 + random.below(3),
    dilationY: 1 + random.below(2),
    dilationX: 1 + random.below(2),
    tileBegin: random.below(3),
    tileCount: 1 + random.below(2),
    weights: vtcm(FREE + 2 * random.below(1024)),
    weightTapPitch: random.below(3) * 1024,
    weightTilePitch: random.below(3) * 512,
    ...tail,
  };
  if (kind.mac === "hmx.mac_zero") {
    return { op: kind.mac, ...fields, weightZero: random.below(256) - 128 };
  }
  if (kind.mac === "hmx.mac_i16") {
    return { op: kind.mac, ...fields, weightBytes: 1 + random.below(2) };
  }
  return { op: kind.mac, ...fields };
}

export function store(random: Random, kind: ProductKind, set: number): Instruction {
  const isWide = kind.store === "hmx.store_f16" || kind.store === "hmx.store_i16";
  const bits = isWide ? 65_536 : 256;
  const [a, b] = [random.below(bits) - bits / 2, random.below(bits) - bits / 2];
  const [low, high] = [Math.min(a, b), Math.max(a, b)];
  const area = {
    set,
    rows: 1 + random.below(8),
    columns: 1 + random.below(isWide ? 4 : 8),
    destination: vtcm(FREE + 8192),
    ...tail,
  };
  if (kind.store === "hmx.store_f16") {
    return {
      op: kind.store,
      ...area,
      low: 0x8000 + random.below(0x7c01),
      high: random.below(0x7c01),
    };
  }
  const mode = kind.store === "hmx.store_i16" ? random.below(3) : 0;
  const isFixed = mode !== 0 || kind.store === "hmx.store_fixed";
  const multipliers = vtcm(isFixed ? FIXED_MULTIPLIERS : MULTIPLIERS);
  const zeroPoint = random.below(bits) - bits / 2;
  if (kind.store === "hmx.store_fixed") {
    return { op: kind.store, ...area, multipliers, zeroPoint, low, high };
  }
  return { op: kind.store, ...area, mode, multipliers, zeroPoint, low, high };
}

export function packing(random: Random): Instruction {
  const elementBytes = 1 + random.below(2);
  return {
    op: "hvx.pack",
    elementBytes,
    transposed: random.below(2),
    tiles: 1 + random.below(3),
    source: vtcm(CROUTONS + 32 * random.below(64)),
    destination: vtcm(FREE + 128 * random.below(8)),
    sourcePitch: 64 * random.below(64),
    destinationPitch: 1024 * elementBytes + 128 * random.below(3),
    ...tail,
  };
}

/** Operands of a run: 0 a window or linear, 1 linear, 2 written, 3 pixels, 4 indices of channels. */
const WRITTEN = 2;
const INDEX_OPERAND = 4;
/** Registers of the declared reductions. */
const REDUCTIONS: Partial<Record<MicroOpName, number>> = {
  accumulate_add: 12,
  accumulate_max: 13,
  accumulate_add_f32: 14,
  accumulate_max_f32: 15,
};
const REGISTERS_FREE = VECTOR_REGISTERS - Object.keys(REDUCTIONS).length;

export type VectorRun = Extract<Instruction, { op: "hvx.run" | "hvx.run16" }>;

/** A run whose body has the micro-op `first` among others chosen at random. */
export function vectorRun(random: Random, first: MicroOpName): VectorRun {
  const vectors = 1 + random.below(24);
  const linear = (offset: number, strideBytes: number): Operand => ({
    kind: "linear",
    address: vtcm(offset),
    strideBytes,
  });
  const isWindow = random.below(2) === 0;
  const operands: Operand[] = [
    isWindow ? { kind: "window", window: randomWindow(random) } : linear(CROUTONS, 128),
    linear(CROUTONS + random.below(64), random.below(3) * 64),
    linear(FREE, 512),
    {
      kind: "pixels",
      table: vtcm(TABLE + 4 * random.below(16)),
      offsetBytes: random.below(15) * 128 + 2 * random.below(2),
    },
    linear(INDICES + random.below(32), 0),
  ];
  const set = new Set<number>([0, 1]);
  const names = Object.keys(MICRO_OPS) as MicroOpName[];
  const pick = (_: unknown, index: number): MicroOp => {
    for (;;) {
      const op = index === 5 ? first : names[random.below(names.length)]!;
      // A second float32 sum in one register would depend on the order of the strips.
      if (index !== 5 && op === "accumulate_add_f32") continue;
      const micro = randomMicroOp(random, op, { isWindow, set });
      if (micro !== undefined) return micro;
    }
  };
  const begin = [0, 1, ...Object.values(REDUCTIONS)].map((d): MicroOp => ({
    ...{ op: "splat_i32", d, a: 0, b: 0 },
    immediate: random.uint32() | 0,
  }));
  // Registers 0 and 1 stay as the prologue sets them; the body writes the others before it reads them.
  const body = Array.from({ length: 12 }, pick);
  const epilogue = Object.values(REDUCTIONS).flatMap((register, index): MicroOp[] => [
    { op: "store_channel_i32", d: 0, a: register, b: 5 + index, immediate: 0 },
  ]);
  operands.push(...[0, 1, 2, 3].map((at) => linear(FREE + 24 * 512 + at * 128, 0)));
  return {
    op: random.below(2) === 0 ? "hvx.run" : "hvx.run16",
    ...{ vectors, rows: 1 + random.below(8), columns: 1 + random.below(16) },
    ...{ operands, code: { prologue: begin, body, epilogue }, ...tail },
  };
}

interface Choice {
  readonly isWindow: boolean;
  /** Registers that may be read. */
  readonly set: Set<number>;
}

/** Undefined where the micro-op reads its destination and the one drawn has no value yet. */
function randomMicroOp(random: Random, op: MicroOpName, choice: Choice): MicroOp | undefined {
  const row = MICRO_OPS[op];
  const readable = [...choice.set];
  const register = (): number => readable[random.below(readable.length)]!;
  const isStore = row.access?.kind === "store";
  const d = REDUCTIONS[op] ?? 2 + random.below(REGISTERS_FREE - 2);
  if (row.destination === "accumulates" && !choice.set.has(d)) {
    if (choice.set.size > 2) return undefined;
    return randomMicroOp(random, "splat_f32", choice);
  }
  const operand = operandOf(random, op);
  const place = (use: string): number =>
    use === "operand" ? operand : use === "register" ? register() : 0;
  const [a, b] = [place(row.a), place(row.b)];
  const hasTap = choice.isWindow && operand === 0;
  const [dy, dx] = [random.below(4), random.below(4)];
  const immediate: Record<string, () => number> = {
    tap: () => (hasTap ? tapImmediate(dy, dx) : 0),
    place: () => (hasTap ? placeImmediate({ tile: random.below(3), dy, dx }) : 0),
    i32: () => {
      if (row.access?.counted) return 1 + random.below(500);
      if (isStore) return random.below(256) - 128;
      return random.uint32() | 0;
    },
    f32: () => Math.fround(random.normal() * 100),
    "-": () => 0,
  };
  if (row.d === "register" && row.destination !== "reduces") choice.set.add(d);
  return { op, d: row.d === "register" ? d : 0, a, b, immediate: immediate[row.immediate]!() };
}

function operandOf(random: Random, op: MicroOpName): number {
  const { access } = MICRO_OPS[op];
  if (access?.kind === "store") return WRITTEN;
  if (op === "shuffle_channels") return INDEX_OPERAND;
  return access?.pixelBits === undefined ? 1 : [0, 1, 3][random.below(3)]!;
}
