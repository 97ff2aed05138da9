/** The SIMD machine against the naive model, instruction by instruction, on random fields and random memory. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { seededRandom } from "../../../../protocol/base/random.ts";
import type { Random } from "../../../../protocol/base/random.ts";
import { MICRO_OPS, printInstruction, tapImmediate } from "../../../../protocol/isa/index.ts";
import type {
  Address,
  Instruction,
  MicroOp,
  MicroOpName,
  Operand,
  Window,
} from "../../../../protocol/isa/index.ts";
import { createMachine } from "../../../../device-agent/soc/index.ts";
import type { VerifiedHtpSegment } from "../../../../device-agent/soc/index.ts";
import { WORD_ROWS } from "../../../../protocol/isa/micro-words.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { naiveChip } from "./naive-chip.ts";
import { programOf, SCRATCH, unverified } from "./programs.ts";

const SCRATCH_BYTES = 8192;
/** VTCM: pointer table, 16 croutons, then everything else. */
const TABLE = 0;
const CROUTONS = 1024;
const FREE = CROUTONS + 16 * 2048;
const VTCM_BYTES = FREE + 32 * 1024;

/** Runs the instructions on both chips from the same random memory and compares every byte. */
function check(make: (random: Random) => Instruction[], seed: number): void {
  const random = seededRandom(seed);
  const instructions = make(random);
  const program = programOf({ streams: [], vtcmBytes: VTCM_BYTES, scratchBytes: SCRATCH_BYTES });
  const verified = unverified(program, instructions);
  const machine = unwrap(createMachine(verified));
  const regions = [0, SCRATCH].map((index) => machine.region(index));
  for (const region of regions) {
    const words = new Uint32Array(region.buffer, region.byteOffset, region.length / 4);
    let word = random.uint32();
    // Quicker than the generator: the multiplier and increment of Numerical Recipes.
    for (let at = 0; at < words.length; at++)
      words[at] = word = Math.imul(word, 1664525) + 1013904223;
  }
  const table = new DataView(regions[0]!.buffer, regions[0]!.byteOffset);
  for (let entry = 0; entry < 256; entry++) {
    table.setUint32(TABLE + entry * 4, CROUTONS + random.below(16) * 2048, true);
  }
  for (let word = 0; word < 64; word++) {
    table.setFloat32(FREE + 31 * 1024 + word * 4, random.normal() * 0.01, true);
  }
  const naive = naiveChip(regions.map((region) => region.slice()));
  instructions.forEach((instruction) => naive.run(instruction));
  machine.run(verified.segments[0] as VerifiedHtpSegment);
  regions.forEach((region, index) => {
    if (Buffer.compare(region, naive.regions[index]!) === 0) return;
    const at = region.findIndex((byte, offset) => byte !== naive.regions[index]![offset]);
    const bytes = `${region[at]}, not ${naive.regions[index]![at]}`;
    const text = instructions.map(printInstruction).join("\n").slice(0, 4000);
    throw new Error(`seed ${seed}: region ${index} at ${at} holds ${bytes} after\n${text}`);
  });
}

function property(make: (random: Random) => Instruction[], runs: number): void {
  fc.assert(
    fc.property(fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 })), (seed) => check(make, seed)),
    { numRuns: runs },
  );
}

const vtcm = (offset: number): Address => ({ region: 0, offset });
const tail = { waits: [], signals: [], origin: 0 };

describe("machine", () => {
  test("dma.copy moves what the naive model moves", () => {
    property((random) => {
      const [bytes, rows, planes] = [
        1 + random.below(70),
        1 + random.below(5),
        1 + random.below(4),
      ];
      const gap = random.below(3) * 7;
      return [
        {
          op: "dma.copy",
          destination: { region: SCRATCH, offset: random.below(64) },
          source: vtcm(random.below(4096)),
          ...{ bytes, rows, planes },
          destinationRowStride: bytes + gap,
          sourceRowStride: random.below(200),
          destinationPlaneStride: rows * (bytes + gap) + random.below(9),
          sourcePlaneStride: random.below(300),
          ...tail,
        },
      ];
    }, 30);
  });

  test("hmx.clear, load, mac and store give the naive model's bits", () => {
    property(
      (random) => [clearOrLoad(random, 0), mac(random, 0), mac(random, 0), store(random, 0)],
      12,
    );
  });

  test("the accumulator sets are apart", () => {
    property(
      (random) => [
        ...[0, 1].map((set) => clearOrLoad(random, set)),
        ...[1, 0].map((set) => mac(random, set)),
        ...[0, 1].map((set) => store(random, set)),
      ],
      5,
    );
  });

  test("hvx.run gives the naive model's bits for every micro-op", () => {
    const seen = new Set<MicroOpName>();
    property((random) => {
      const run = vectorRun(random);
      for (const part of Object.values(run.code) as MicroOp[][])
        part.forEach(({ op }) => seen.add(op));
      return [run];
    }, 40);
    expect([...seen].sort()).toEqual(Object.keys(WORD_ROWS).sort());
  });

  test("float32 corner values survive every float micro-op", () => {
    const corners = [
      NaN,
      Infinity,
      -Infinity,
      -0,
      0,
      1e-45,
      3e38,
      -3e38,
      2147483648,
      0.5,
      1.5,
      -2.5,
    ];
    for (const a of corners) {
      check(() => corners.map((b, index) => floatRun([a, b], FREE + index * 1024)), 1);
    }
  });
});

function randomWindow(random: Random): Window {
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

const clearOrLoad = (random: Random, set: number): Instruction =>
  random.below(2) === 0
    ? { op: "hmx.clear", set, ...tail }
    : { op: "hmx.load", set, bias: vtcm(FREE + 4 * random.below(500)), ...tail };

function mac(random: Random, set: number): Instruction {
  return {
    op: "hmx.mac",
    set,
    rows: 1 + random.below(8),
    columns: 1 + random.below(8),
    tapColumns: 1 + random.below(3),
    activations: randomWindow(random),
    tapBegin: random.below(4),
    tapCount: 1 + random.below(3),
    dilationY: 1 + random.below(2),
    dilationX: 1 + random.below(2),
    tileBegin: random.below(3),
    tileCount: 1 + random.below(2),
    weights: vtcm(FREE + random.below(2048)),
    weightTapPitch: random.below(3) * 1024,
    weightTilePitch: random.below(3) * 512,
    ...tail,
  };
}

function store(random: Random, set: number): Instruction {
  const [a, b] = [random.below(256) - 128, random.below(256) - 128];
  return {
    op: "hmx.store",
    set,
    mode: 0,
    rows: 1 + random.below(8),
    columns: 1 + random.below(8),
    destination: vtcm(FREE + 8192),
    multipliers: vtcm(FREE + 31 * 1024),
    zeroPoint: random.below(256) - 128,
    low: Math.min(a, b),
    high: Math.max(a, b),
    ...tail,
  };
}

/** Operands: 0 and 1 are read (0 a window in half of the runs), 2 is written. */
const READ_OPERANDS = 2;
const WRITTEN = 2;
/** Registers of the declared reductions. */
const SUM = 14;
const MAXIMUM = 15;

function vectorRun(random: Random): Extract<Instruction, { op: "hvx.run" }> {
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
  ];
  const names = Object.keys(WORD_ROWS) as MicroOpName[];
  const set = new Set<number>();
  const pick = (): MicroOp => {
    for (;;) {
      const op = names[random.below(names.length)]!;
      const micro = randomMicroOp(random, op, { isWindow, set });
      if (micro !== undefined) return micro;
    }
  };
  const begin: MicroOp[] = [0, 1, SUM, MAXIMUM].map((d) => ({
    ...{ op: "splat_i32", d, a: 0, b: 0 },
    immediate: random.uint32() | 0,
  }));
  // Registers 0 and 1 stay as the prologue sets them; the body writes 2 to 13 before it reads them.
  [0, 1].forEach((register) => set.add(register));
  const body = Array.from({ length: 12 }, pick);
  const epilogue: MicroOp[] = [
    { op: "add_i32", d: 2, a: SUM, b: MAXIMUM, immediate: 0 },
    { op: "store_channel_i32", d: 0, a: 2, b: WRITTEN, immediate: 0 },
  ];
  return {
    ...{ op: "hvx.run", vectors, rows: 1 + random.below(8), columns: 1 + random.below(16) },
    ...{ operands, code: { prologue: begin, body, epilogue }, ...tail },
  };
}

interface Choice {
  readonly isWindow: boolean;
  /** Registers that may be read. */
  readonly set: Set<number>;
}

function randomMicroOp(random: Random, op: MicroOpName, choice: Choice): MicroOp | undefined {
  const row = MICRO_OPS[op];
  const readable = [...choice.set];
  const register = (): number => readable[random.below(readable.length)]!;
  const isStore = op.startsWith("store");
  const reduces = op.startsWith("accumulate");
  const d = reduces ? (op === "accumulate_add" ? SUM : MAXIMUM) : 2 + random.below(12);
  if (op === "multiply_add_i8" && !choice.set.has(d)) return undefined;
  const operand = isStore ? WRITTEN : op === "load_i8" ? random.below(READ_OPERANDS) : 1;
  const place = (use: string): number =>
    use === "operand" ? operand : use === "register" ? register() : 0;
  const [a, b] = [place(row.a), place(row.b)];
  const hasTap = row.immediate === "tap" && choice.isWindow && operand === 0;
  const immediate: Record<string, () => number> = {
    tap: () => (hasTap ? tapImmediate(random.below(4), random.below(4)) : 0),
    i32: () => (isStore ? random.below(256) - 128 : random.uint32() | 0),
    f32: () => Math.fround(random.normal() * 100),
    "-": () => 0,
  };
  if (row.d === "register" && !reduces) choice.set.add(d);
  return { op, d: row.d === "register" ? d : 0, a, b, immediate: immediate[row.immediate]!() };
}

const FLOAT_OPS = [
  "add_f32",
  "subtract_f32",
  "multiply_f32",
  "divide_f32",
  "minimum_f32",
  "maximum_f32",
  "f32_to_i32",
] as const satisfies readonly MicroOpName[];

/** Every float micro-op on (a, b), stored as bits from `offset` on. */
function floatRun([a, b]: readonly [number, number], offset: number): Instruction {
  const splat = (d: number, immediate: number): MicroOp => ({
    ...{ op: "splat_f32", d, a: 0, b: 0 },
    immediate,
  });
  const operands = FLOAT_OPS.map((_, index): Operand => ({
    kind: "linear",
    address: vtcm(offset + index * 128),
    strideBytes: 0,
  }));
  const body = FLOAT_OPS.flatMap((op, index): MicroOp[] => [
    { op, d: 2, a: 0, b: 1, immediate: 0 },
    { op: "store_channel_i32", d: 0, a: 2, b: index, immediate: 0 },
  ]);
  return {
    ...{ op: "hvx.run", vectors: 1, rows: 8, columns: 8, operands },
    code: { prologue: [splat(0, a), splat(1, b)], body, epilogue: [] },
    ...tail,
  };
}
