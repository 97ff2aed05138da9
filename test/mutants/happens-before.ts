/** Who happens before whom, told naively: sets of predecessors, and every pair of accesses that conflict. */
import { accessesOf, VTCM_REGION } from "../../protocol/isa/index.ts";
import type { Instruction, InstructionOf, ReadPointer, Span } from "../../protocol/isa/index.ts";
import type { HtpSegment, Program } from "../../protocol/program/index.ts";
import { present } from "../../protocol/base/assert.ts";

/** Instructions by number, in an order that queues and semaphores allow. */
export interface Ordering {
  readonly order: readonly number[];
  readonly before: (earlier: number, later: number) => boolean;
}

export function instructionsOf(segment: HtpSegment): Instruction[] {
  return segment.streams.flatMap(({ instructions }) => instructions);
}

/** Undefined when some wait never holds. Numbers count through the streams, one after another. */
export function orderingOf(segment: HtpSegment): Ordering | undefined {
  const all = instructionsOf(segment);
  const starts: number[] = [];
  let count = 0;
  for (const { instructions } of segment.streams) {
    starts.push(count);
    count += instructions.length;
  }
  const signallers = new Map<number, number[]>();
  all.forEach(({ signals }, id) => {
    for (const s of signals) signallers.set(s, [...(signallers.get(s) ?? []), id]);
  });
  const predecessors: (Uint8Array | undefined)[] = all.map(() => undefined);
  const order: number[] = [];
  const directOf = (id: number): number[] | undefined => {
    const direct = starts.includes(id) ? [] : [id - 1];
    for (const { semaphore, value } of all[id]!.waits) {
      const signaller = value === 0 ? undefined : signallers.get(semaphore)?.[value - 1];
      if (value > 0 && signaller === undefined) return undefined;
      if (signaller !== undefined) direct.push(signaller);
    }
    return direct;
  };
  for (let progressed = true; progressed;) {
    progressed = false;
    for (let id = 0; id < all.length; id++) {
      if (predecessors[id] !== undefined) continue;
      const direct = directOf(id);
      if (direct === undefined || direct.some((other) => !predecessors[other])) continue;
      const set = new Uint8Array(all.length);
      for (const other of direct) {
        set[other] = 1;
        predecessors[other]!.forEach((is, index) => (set[index]! |= is));
      }
      predecessors[id] = set;
      order.push(id);
      progressed = true;
    }
  }
  if (order.length < all.length) return undefined;
  return { order, before: (earlier, later) => predecessors[later]![earlier] === 1 };
}

interface Access extends Span {
  readonly id: number;
  readonly writes: boolean;
}

export type Pair = readonly [number, number];

/** Pairs of instructions that touch a byte in common, at least one writing it; undefined where an access is no access. */
export function conflictsOf(program: Program, segment: HtpSegment): Pair[] | undefined {
  const pointer = pointersOf(program, segment);
  const accesses: Access[] = [];
  const instructions = instructionsOf(segment);
  for (let id = 0; id < instructions.length; id++) {
    const found = exactAccesses(instructions[id]!, pointer);
    if (found === undefined) return undefined;
    for (const span of merged(found.reads)) accesses.push({ ...span, id, writes: false });
    for (const span of merged(found.writes)) accesses.push({ ...span, id, writes: true });
  }
  accesses.sort((a, b) => a.region - b.region || a.offset - b.offset);
  const pairs = new Map<number, Pair>();
  let active: Access[] = [];
  for (const access of accesses) {
    active = active.filter(
      (other) => other.region === access.region && other.offset + other.bytes > access.offset,
    );
    for (const other of active) {
      if (other.id === access.id || !(other.writes || access.writes)) continue;
      const [a, b] = [Math.min(other.id, access.id), Math.max(other.id, access.id)];
      pairs.set(a * instructions.length + b, [a, b]);
    }
    active.push(access);
  }
  return [...pairs.values()];
}

function merged(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((a, b) => a.region - b.region || a.offset - b.offset);
  const result: Span[] = [];
  for (const span of sorted) {
    const last = result.at(-1);
    const end = last === undefined ? -1 : last.offset + last.bytes;
    if (last !== undefined && last.region === span.region && end >= span.offset) {
      const bytes = Math.max(end, span.offset + span.bytes) - last.offset;
      result[result.length - 1] = { ...last, bytes };
    } else result.push(span);
  }
  return result;
}

/** accessesOf may join the runs of a copy over the gaps between them: here they are apart. */
function exactAccesses(
  instruction: Instruction,
  pointer: ReadPointer,
): { readonly reads: readonly Span[]; readonly writes: readonly Span[] } | undefined {
  if (instruction.op !== "dma.copy") return accessesOf(instruction, pointer);
  return { reads: runs(instruction, "source"), writes: runs(instruction, "destination") };
}

function runs(copy: InstructionOf<"dma.copy">, side: "source" | "destination"): Span[] {
  const isSource = side === "source";
  const [rowStride, planeStride] = isSource
    ? [copy.sourceRowStride, copy.sourcePlaneStride]
    : [copy.destinationRowStride, copy.destinationPlaneStride];
  const { region, offset } = copy[side];
  return Array.from({ length: copy.rows * copy.planes }, (_, run) => ({
    region,
    offset: offset + Math.floor(run / copy.rows) * planeStride + (run % copy.rows) * rowStride,
    bytes: copy.bytes,
  }));
}

function pointersOf(program: Program, { tables }: HtpSegment): ReadPointer {
  const home = program.regions[tables.region];
  if (home?.kind !== "weights") return () => undefined;
  const blob = present(program.blobs.get(home.sha256), "weights");
  const view = new DataView(blob.buffer, blob.byteOffset + tables.regionOffset, tables.bytes);
  return (vtcmOffset) => {
    const at = vtcmOffset - tables.vtcmOffset;
    const isEntry = at >= 0 && at + 4 <= tables.bytes && at % 4 === 0;
    return isEntry ? view.getUint32(at, true) : undefined;
  };
}

/** Whether spans of an access lie within their regions. */
export function staysInside(program: Program, segment: HtpSegment): boolean {
  const pointer = pointersOf(program, segment);
  return instructionsOf(segment).every((instruction) => {
    const found = exactAccesses(instruction, pointer);
    if (found === undefined) return false;
    return [...found.reads, ...found.writes].every(({ region, offset, bytes }) => {
      const size = program.regions[region]?.bytes ?? 0;
      return offset >= 0 && offset + bytes <= size && region >= VTCM_REGION;
    });
  });
}
