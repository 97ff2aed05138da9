/** Accesses of one instruction that must not touch the same bytes: what it wrote would depend on its inner order. */
import { accessesOf, isHvxRun, spansMeet } from "../../../protocol/isa/index.ts";
import type {
  Accesses,
  HvxRun,
  Instruction,
  InstructionOf,
  ReadPointer,
  Span,
} from "../../../protocol/isa/index.ts";
import { refuse } from "./refusal.ts";
import type { Place } from "./refusal.ts";

export function checkOverlap(
  instruction: Instruction,
  accesses: Accesses,
  at: { readonly place: Place; readonly pointer: ReadPointer },
): void {
  const { place } = at;
  if (instruction.op === "dma.copy") return checkCopy(instruction, accesses, place);
  if (isHvxRun(instruction)) return checkRun(instruction, accesses, at);
  if (accesses.writes.some((write) => accesses.reads.some((read) => spansMeet(read, write)))) {
    refuse("OVERLAP", place, "writes what it reads");
  }
}

type Copy = InstructionOf<"dma.copy">;

/** Spans join runs with small gaps between them: what they show disjoint is; the rest is looked at run by run. */
function checkCopy(copy: Copy, accesses: Accesses, place: Place): void {
  const runs = (side: "source" | "destination"): Run[] => runsOf(copy, side);
  if (accesses.reads[0]?.region === accesses.writes[0]?.region && hull(accesses)) {
    const both = [...runs("source"), ...runs("destination")];
    if (anyOverlap(both, true)) refuse("OVERLAP", place, "copies onto its own source");
  }
  if (!isOrdered(copy) && anyOverlap(runs("destination"), false)) {
    refuse("OVERLAP", place, "writes some destination bytes twice");
  }
}

/** Whether the areas from the first to the last byte of both sides meet. */
function hull(accesses: Accesses): boolean {
  const ends = (spans: readonly Span[]): Span => {
    let begin = Infinity;
    let end = 0;
    for (const span of spans) {
      begin = Math.min(begin, span.offset);
      end = Math.max(end, span.offset + span.bytes);
    }
    return { region: 0, offset: begin, bytes: end - begin };
  };
  return spansMeet(ends(accesses.reads), ends(accesses.writes));
}

/** Destination runs that plainly come one after another. */
function isOrdered(copy: Copy): boolean {
  const { bytes, rows, planes, destinationRowStride, destinationPlaneStride } = copy;
  const planeBytes = (rows - 1) * destinationRowStride + bytes;
  const rowsApart = rows === 1 || destinationRowStride >= bytes;
  return rowsApart && (planes === 1 || destinationPlaneStride >= planeBytes);
}

/** Bytes that the instruction really writes, where the spans of its accesses cover gaps between them. */
export function writtenExactly(instruction: Instruction, writes: readonly Span[]): readonly Span[] {
  if (instruction.op !== "dma.copy") return writes;
  const { rows, bytes, destination, destinationRowStride } = instruction;
  if (rows === 1 || destinationRowStride === bytes) return writes;
  return runsOf(instruction, "destination").map(({ begin }) => ({
    region: destination.region,
    offset: begin,
    bytes,
  }));
}

interface Run {
  readonly begin: number;
  readonly end: number;
  readonly isSource: boolean;
}

function runsOf(copy: Copy, side: "source" | "destination"): Run[] {
  const isSource = side === "source";
  const rowStride = isSource ? copy.sourceRowStride : copy.destinationRowStride;
  const planeStride = isSource ? copy.sourcePlaneStride : copy.destinationPlaneStride;
  const runs: Run[] = [];
  for (let plane = 0; plane < copy.planes; plane++) {
    for (let row = 0; row < copy.rows; row++) {
      const begin = copy[side].offset + plane * planeStride + row * rowStride;
      runs.push({ begin, end: begin + copy.bytes, isSource });
    }
  }
  return runs;
}

/** Whether two runs share a byte; with `acrossSides`, only a source run and a destination run. */
function anyOverlap(runs: Run[], acrossSides: boolean): boolean {
  runs.sort((a, b) => a.begin - b.begin);
  let sourceEnd = -1;
  let destinationEnd = -1;
  for (const run of runs) {
    const [own, other] = run.isSource ? [sourceEnd, destinationEnd] : [destinationEnd, sourceEnd];
    if ((acrossSides ? other : own) > run.begin) return true;
    if (run.isSource) sourceEnd = Math.max(sourceEnd, run.end);
    else destinationEnd = Math.max(destinationEnd, run.end);
  }
  return false;
}

/** The body may store only where it does not load, or vector by vector exactly where it loads. */
function checkRun(
  run: HvxRun,
  accesses: Accesses,
  { place, pointer }: { readonly place: Place; readonly pointer: ReadPointer },
): void {
  if (clashOf(run, accesses) === undefined) return;
  // Prologue and epilogue run apart from the body: only what the body does by itself counts.
  const alone = { ...run, code: { prologue: [], body: run.code.body, epilogue: [] } };
  const body = accessesOf(alone, pointer);
  const clash = body === undefined ? undefined : clashOf(alone, body);
  if (clash !== undefined) refuse("OVERLAP", place, clash);
}

function clashOf(run: HvxRun, accesses: Accesses): string | undefined {
  for (const [first, write] of accesses.writes.entries()) {
    if (accesses.writes.some((other, index) => index > first && spansMeet(write, other))) {
      return "stores to the same bytes twice";
    }
    if (accesses.reads.some((read) => spansMeet(read, write) && !isInPlace(run, read, write))) {
      return "stores where it loads, not vector by vector";
    }
  }
  return undefined;
}

function isInPlace(run: HvxRun, read: Span, write: Span): boolean {
  if (read.offset !== write.offset || read.bytes !== write.bytes) return false;
  if (run.vectors === 1) return true;
  const there = run.operands.filter(
    (operand) => operand.kind === "linear" && operand.address.offset === write.offset,
  );
  return there.every(
    (operand) => operand.kind === "linear" && operand.strideBytes * run.vectors === write.bytes,
  );
}
