/** The SIMD machine against the naive model, instruction by instruction, on random fields and random memory. */
import { test } from "@jest/globals";
import fc from "fast-check";
import { seededRandom } from "../../../../protocol/base/random.ts";
import type { Random } from "../../../../protocol/base/random.ts";
import { MICRO_OPS, printInstruction } from "../../../../protocol/isa/index.ts";
import type { Instruction, MicroOp, MicroOpName, Operand } from "../../../../protocol/isa/index.ts";
import { createMachine } from "../../../../device-agent/soc/index.ts";
import type { VerifiedHtpSegment } from "../../../../device-agent/soc/index.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { naiveChip } from "./naive-chip.ts";
import { programOf, SCRATCH, unverified } from "./programs.ts";
import {
  clearOrLoad,
  CROUTONS,
  FIXED_MULTIPLIERS,
  FREE,
  INDICES,
  mac,
  MULTIPLIERS,
  packing,
  store,
  TABLE,
  tail,
  vectorRun,
  vtcm,
  VTCM_BYTES,
} from "./random-instructions.ts";
import type { ProductKind } from "./random-instructions.ts";

const SCRATCH_BYTES = 8192;

/** Runs the instructions on both chips from the same random memory and compares every byte. */
function check(make: (random: Random) => Instruction[], seed: number): void {
  const random = seededRandom(seed);
  const instructions = make(random);
  const program = programOf({ streams: [], vtcmBytes: VTCM_BYTES, scratchBytes: SCRATCH_BYTES });
  const verified = unverified(program, instructions);
  const machine = unwrap(createMachine(verified));
  const regions = [0, SCRATCH].map((index) => machine.region(index));
  // Often without the largest exponents of fp16, which would leave nothing but NaN.
  const mask = random.below(4) === 0 ? -1 : 0xbfffbfff;
  for (const region of regions) {
    const words = new Uint32Array(region.buffer, region.byteOffset, region.length / 4);
    let word = random.uint32();
    // Quicker than the generator: the multiplier and increment of Numerical Recipes.
    for (let at = 0; at < words.length; at++) {
      word = Math.imul(word, 1664525) + 1013904223;
      words[at] = word & mask;
    }
  }
  // Weights that end in zeros.
  const zeros = FREE + 512 * random.below(8);
  regions[0]!.fill(0, zeros, zeros + 512 * random.below(6));
  const table = new DataView(regions[0]!.buffer, regions[0]!.byteOffset);
  for (let entry = 0; entry < 256; entry++) {
    table.setUint32(TABLE + entry * 4, CROUTONS + random.below(16) * 2048, true);
  }
  for (let word = 0; word < 32; word++) {
    table.setFloat32(MULTIPLIERS + word * 4, random.normal() * 0.01, true);
    table.setInt32(FIXED_MULTIPLIERS + word * 4, random.uint32() >>> 1, true);
    table.setInt32(FIXED_MULTIPLIERS + 128 + word * 4, random.below(39) - 31, true);
  }
  for (let at = 0; at < 64; at++) table.setUint8(INDICES + at, random.below(48));
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

const KINDS: readonly ProductKind[] = [
  { load: "hmx.load", mac: "hmx.mac", store: "hmx.store" },
  { load: "hmx.load", mac: "hmx.mac", store: "hmx.store_fixed" },
  { load: "hmx.load", mac: "hmx.mac_zero", store: "hmx.store" },
  { load: "hmx.load_f16", mac: "hmx.mac_f16", store: "hmx.store_f16" },
  { load: "hmx.load_i64", mac: "hmx.mac_i16", store: "hmx.store_i16" },
];

function copies(effort: number): void {
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
    }, 10 * effort);
  });
}

/** `effort` multiplies the number of random programs. */
export function machineProperties(effort: number): void {
  copies(effort);
  test.each(KINDS)("$mac: load, products and store give the naive model's bits", (kind) => {
    property(
      (random) => [
        clearOrLoad(random, kind, 0),
        mac(random, kind, 0),
        mac(random, kind, 0),
        store(random, kind, 0),
      ],
      4 * effort,
    );
  });

  test("the accumulator sets are apart", () => {
    property((random) => {
      const [one, other] = [KINDS[random.below(5)]!, KINDS[random.below(5)]!];
      return [
        clearOrLoad(random, one, 0),
        clearOrLoad(random, other, 1),
        mac(random, other, 1),
        mac(random, one, 0),
        store(random, one, 0),
        store(random, other, 1),
      ];
    }, 2 * effort);
  });

  test("hvx.pack gives the naive model's bits", () => {
    property((random) => [packing(random)], 4 * effort);
  });

  test.each(Object.keys(MICRO_OPS) as MicroOpName[])("%s gives the naive model's bits", (op) => {
    property((random) => [vectorRun(random, op)], effort);
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
