/** Ways to damage a program: a semaphore dropped, an address moved, two tiles exchanged, a copy cut short. */
import { brand } from "../../protocol/base/brand.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { hex } from "../../protocol/base/bytes.ts";
import { sha256 } from "../../protocol/crypto/index.ts";
import type { Random } from "../../protocol/base/random.ts";
import type { Address, Instruction } from "../../protocol/isa/index.ts";
import type { HtpSegment, Program } from "../../protocol/program/index.ts";

export const DAMAGES = ["semaphore", "address", "tiles", "copy"] as const;
export type Damage = (typeof DAMAGES)[number];

/** Undefined where the place drawn offers nothing to damage. */
export function mutate(program: Program, damage: Damage, random: Random): Program | undefined {
  const segment = program.segments[0] as HtpSegment;
  switch (damage) {
    case "semaphore":
      return changed(program, random, (instruction) => withoutSemaphore(instruction, random));
    case "address":
      return changed(program, random, (instruction) => withMovedAddress(instruction, random));
    case "tiles":
      return random.below(2) === 0
        ? withSwappedPointers(program, segment, random)
        : withSwappedWeights(program, segment, random);
    case "copy":
      return changed(program, random, (instruction) => shortened(instruction, random));
  }
}

/** One instruction, drawn at random, replaced. */
function changed(
  program: Program,
  random: Random,
  change: (instruction: Instruction) => Instruction | undefined,
): Program | undefined {
  const segment = program.segments[0] as HtpSegment;
  const lane = random.below(segment.streams.length);
  const stream = segment.streams[lane]!;
  const index = random.below(Math.max(1, stream.instructions.length));
  const old = stream.instructions[index];
  const next = old === undefined ? undefined : change(old);
  return next === undefined ? undefined : replaced(program, new Map([[old!, next]]));
}

function replaced(program: Program, by: ReadonlyMap<Instruction, Instruction>): Program {
  const segment = program.segments[0] as HtpSegment;
  const streams = segment.streams.map((stream) => ({
    ...stream,
    instructions: stream.instructions.map((instruction) => by.get(instruction) ?? instruction),
  }));
  return { ...program, segments: [{ ...segment, streams }] };
}

function withoutSemaphore(instruction: Instruction, random: Random): Instruction | undefined {
  const { waits, signals } = instruction;
  const total = waits.length + signals.length;
  if (total === 0) return undefined;
  const chosen = random.below(total);
  return {
    ...instruction,
    waits: waits.filter((_, index) => index !== chosen),
    signals: signals.filter((_, index) => waits.length + index !== chosen),
  };
}

const STEPS = [-2048, -1024, -128, -64, -32, -4, -1, 1, 4, 32, 64, 128, 1024, 2048];

/** Any address of the instruction, however deep, moved by a usual distance. */
function withMovedAddress(instruction: Instruction, random: Random): Instruction | undefined {
  const found: Address[] = [];
  collect(instruction, found);
  if (found.length === 0) return undefined;
  const chosen = found[random.below(found.length)]!;
  const offset = chosen.offset + STEPS[random.below(STEPS.length)]!;
  if (offset < 0) return undefined;
  return substituted(instruction, chosen, { ...chosen, offset }) as Instruction;
}

function isAddress(value: unknown): value is Address {
  return typeof value === "object" && value !== null && "region" in value && "offset" in value;
}

function collect(value: unknown, found: Address[]): void {
  if (isAddress(value)) found.push(value);
  else if (typeof value === "object" && value !== null) {
    Object.values(value).forEach((part) => collect(part, found));
  }
}

/** The value with one object in it, by identity, replaced. */
function substituted(value: unknown, old: unknown, next: unknown): unknown {
  if (value === old) return next;
  if (Array.isArray(value)) return value.map((part) => substituted(part, old, next));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, substituted(part, old, next)]),
  );
}

function withSwappedPointers(
  program: Program,
  { tables }: HtpSegment,
  random: Random,
): Program | undefined {
  const home = program.regions[tables.region];
  if (home?.kind !== "weights" || tables.bytes < 8) return undefined;
  const blob = program.blobs.get(home.sha256)!.slice();
  const view = new DataView(blob.buffer, tables.regionOffset, tables.bytes);
  const [a, b] = [0, 1].map(() => 4 * random.below(tables.bytes / 4)) as [number, number];
  const [first, second] = [view.getUint32(a, true), view.getUint32(b, true)];
  if (first === second) return undefined;
  view.setUint32(a, second, true);
  view.setUint32(b, first, true);
  const hash = brand<Sha256>(hex(sha256(blob)));
  const regions = program.regions.map((region, index) =>
    index === tables.region ? { ...home, sha256: hash } : region,
  );
  return { ...program, regions, blobs: new Map([[hash, blob]]) };
}

type Product = Extract<Instruction, { readonly op: `hmx.mac${string}` }>;

function withSwappedWeights(
  program: Program,
  segment: HtpSegment,
  random: Random,
): Program | undefined {
  const products = segment.streams
    .flatMap(({ instructions }) => instructions)
    .filter((instruction): instruction is Product => instruction.op.startsWith("hmx.mac"));
  if (products.length < 2) return undefined;
  const [a, b] = [0, 1].map(() => products[random.below(products.length)]!) as [Product, Product];
  if (a.weights.offset === b.weights.offset) return undefined;
  const by = new Map<Instruction, Instruction>([
    [a, { ...a, weights: b.weights }],
    [b, { ...b, weights: a.weights }],
  ]);
  return replaced(program, by);
}

function shortened(instruction: Instruction, random: Random): Instruction | undefined {
  if (instruction.op !== "dma.copy") return undefined;
  const { bytes, rows, planes } = instruction;
  const kind = random.below(3);
  if (kind === 0 && rows > 1) return { ...instruction, rows: rows - 1 };
  if (kind === 1 && planes > 1) return { ...instruction, planes: planes - 1 };
  const less = [1, 4, 32, 128, bytes >> 1][random.below(5)]!;
  return bytes > less && less > 0 ? { ...instruction, bytes: bytes - less } : undefined;
}
