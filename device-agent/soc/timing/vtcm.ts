/**
 * VTCM's bandwidth, which all engines share: where those at work ask for more bytes a cycle than it gives, time runs
 * slower for all of them alike. Applied to the finished simulation as a map of times: it keeps every order, so waits
 * hold as before. Each instruction's bytes are spread evenly over the time from its start to its end.
 */
import { unreachable } from "../../../protocol/base/assert.ts";
import {
  CROUTON_BYTES,
  productForm,
  usesOf,
  VECTOR_BYTES,
  VTCM_REGION,
  WEIGHT_TILE_BYTES,
} from "../../../protocol/isa/index.ts";
import type {
  Instruction,
  InstructionOf,
  MicroOp,
  Product,
  SocDescription,
} from "../../../protocol/isa/index.ts";
import { lastRetired } from "./lane.ts";
import type { Lane } from "./lane.ts";

/** Rates are whole numbers of this fraction of a byte a cycle: adding and removing them leaves no rest. */
const RATE_UNITS = 1024;

/** Moves the times of the lanes' instructions; returns by how many cycles the whole takes longer. */
export function shareVtcm(lanes: readonly Lane[], soc: SocDescription): number {
  const warp = warpOf(lanes, soc.vtcmBytesPerCycle * RATE_UNITS);
  if (warp === undefined) return 0;
  const before = lastRetired(lanes);
  for (const lane of lanes) {
    for (let index = 0; index < lane.starts.length; index++) {
      lane.starts[index] = warp(lane.starts[index]!);
      lane.ends[index] = warp(lane.ends[index]!);
    }
    lane.retiredAt = warp(lane.retiredAt);
  }
  return lastRetired(lanes) - before;
}

/** Instructions begin and end to ask for bytes: by how much the demand changes, in order of time. */
interface Changes {
  readonly times: Float64Array;
  readonly rates: Float64Array;
}

/** From time without contention to time with it; undefined when they are the same. */
function warpOf(lanes: readonly Lane[], budget: number): ((time: number) => number) | undefined {
  const { times, rates } = allMerged(lanes.flatMap(changesOf));
  // Stretches of contention: from `at` on, time runs `slower` times as slow.
  const stretches: { readonly at: number; readonly added: number; readonly slower: number }[] = [];
  let demand = 0;
  let slower = 1;
  let [at, added] = [0, 0];
  for (let index = 0; index < times.length;) {
    const time = times[index]!;
    added += (time - at) * (slower - 1);
    at = time;
    for (; times[index] === time; index++) demand += rates[index]!;
    const next = Math.max(1, demand / budget);
    if (next === slower) continue;
    slower = next;
    stretches.push({ at, added, slower });
  }
  if (stretches.length === 0) return undefined;
  return (time) => {
    let low = 0;
    let high = stretches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (stretches[middle]!.at <= time) low = middle + 1;
      else high = middle;
    }
    const stretch = stretches[low - 1];
    if (stretch === undefined) return time;
    return Math.ceil(time + stretch.added + (time - stretch.at) * (stretch.slower - 1));
  };
}

function changesOf(lane: Lane): [Changes, Changes] {
  const { starts, ends } = lane;
  const rates = new Float64Array(starts.length);
  lane.stream.instructions.forEach((instruction, index) => {
    const cycles = ends[index]! - starts[index]!;
    if (cycles > 0) rates[index] = Math.ceil((vtcmBytes(instruction) * RATE_UNITS) / cycles);
  });
  return [
    { times: starts, rates },
    { times: ends, rates: rates.map((rate) => -rate) },
  ];
}

/** Pair by pair, so that every change is moved once for each doubling of the number of lists. */
function allMerged(lists: readonly Changes[]): Changes {
  const [first = { times: new Float64Array(0), rates: new Float64Array(0) }, second] = lists;
  if (second === undefined) return first;
  const middle = lists.length >> 1;
  return merged(allMerged(lists.slice(0, middle)), allMerged(lists.slice(middle)));
}

function merged(a: Changes, b: Changes): Changes {
  const count = a.times.length + b.times.length;
  const times = new Float64Array(count);
  const rates = new Float64Array(count);
  for (let [at, i, j] = [0, 0, 0]; at < count; at++) {
    const isOfA = j === b.times.length || a.times[i]! <= b.times[j]!;
    times[at] = isOfA ? a.times[i]! : b.times[j]!;
    rates[at] = isOfA ? a.rates[i++]! : b.rates[j++]!;
  }
  return { times, rates };
}

/** Bytes that the instruction reads from VTCM and writes to it. */
function vtcmBytes(instruction: Instruction): number {
  switch (instruction.op) {
    case "dma.copy":
      return copyBytes(instruction);
    case "hmx.clear":
      return 0;
    case "hmx.load":
    case "hmx.load_f16":
    case "hmx.load_i64":
      return VECTOR_BYTES;
    case "hmx.mac":
    case "hmx.mac_zero":
    case "hmx.mac_f16":
    case "hmx.mac_i16":
      return productBytes(instruction);
    case "hmx.store":
    case "hmx.store_fixed":
    case "hmx.store_f16":
    case "hmx.store_i16":
      return CROUTON_BYTES;
    case "hvx.pack":
      return 2 * instruction.tiles * instruction.elementBytes * WEIGHT_TILE_BYTES;
    case "hvx.run":
    case "hvx.run16":
      return runBytes(instruction);
    default:
      return unreachable(instruction);
  }
}

function copyBytes({
  source,
  destination,
  bytes,
  rows,
  planes,
}: InstructionOf<"dma.copy">): number {
  const sides = [source, destination].filter(({ region }) => region === VTCM_REGION).length;
  return sides * bytes * rows * planes;
}

function productBytes(product: Product): number {
  const { weightTileBytes } = productForm(product);
  return product.tapCount * product.tileCount * (CROUTON_BYTES + weightTileBytes);
}

function runBytes(run: Pick<InstructionOf<"hvx.run">, "code" | "operands" | "vectors">): number {
  const vectors = (ops: readonly MicroOp[]): number =>
    ops.reduce((sum, op) => {
      const { load, store } = usesOf(op, run.operands);
      return sum + load + store;
    }, 0);
  const { prologue, body, epilogue } = run.code;
  return VECTOR_BYTES * (vectors(prologue) + run.vectors * vectors(body) + vectors(epilogue));
}
