/** The dynamic part of the verifier: every access of a segment, in an order its semaphores allow. */
import { accessesOf } from "../../../protocol/isa/index.ts";
import type { Instruction, Span } from "../../../protocol/isa/index.ts";
import type { HtpSegment, Program } from "../../../protocol/program/index.ts";
import { accumulators } from "./accumulators.ts";
import type { Ends } from "./flow.ts";
import { lineShadow } from "./line-shadow.ts";
import { SPANS_MAX } from "./limits.ts";
import { walkInOrder } from "./order.ts";
import type { Step } from "./order.ts";
import { checkOverlap, writtenExactly } from "./overlap.ts";
import { rangeShadow } from "./range-shadow.ts";
import { placeName, refuse } from "./refusal.ts";
import type { Place, VerifyCode } from "./refusal.ts";
import type { Hazard, Shadow } from "./shadow.ts";
import { pointerTables } from "./tables.ts";
import type { PointerTables } from "./tables.ts";
import { CodedError } from "../../../protocol/base/result.ts";

/** What the program's memory looks like between segments. Index = region; weights and inputs have none. */
export type ProgramShadow = readonly (Shadow | undefined)[];

export function programShadow(program: Program): ProgramShadow {
  const lanes = Math.max(
    1,
    ...program.segments.map((segment) => (segment.kind === "htp" ? segment.streams.length : 1)),
  );
  return program.regions.map((region) => {
    if (region.kind === "vtcm") return lineShadow(region.bytes, lanes);
    if (region.kind === "weights" || region.kind === "input") return undefined;
    return rangeShadow(region.bytes, lanes);
  });
}

/** Checks the segment and returns its instructions in an order in which they may run one after another. */
export function checkHazards(
  program: Program,
  segment: HtpSegment,
  { shadow, ends }: { readonly shadow: ProgramShadow; readonly ends: Ends },
): readonly Instruction[] {
  const reach = reachOf(ends);
  const tables = pointerTables(program, segment);
  const sets = accumulators(segment.streams.length);
  const order: Instruction[] = [];
  let spans = 0;
  for (const region of shadow) region?.settle();
  walkInOrder(segment.streams, program.origins, (step) => {
    const place = { ...segment, origins: program.origins, lane: step.lane, index: step.index };
    order.push(step.instruction);
    sets.check(step.instruction, place);
    spans += checkStep(step, { program, shadow, reach, tables, place });
    if (spans > SPANS_MAX) refuse("PROGRAM_TOO_LARGE", place, `is beyond ${SPANS_MAX} accesses`);
  });
  tables.checkLoaded();
  return order;
}

/** Regions of ports and tensors that a segment may touch. */
interface Reach {
  readonly reads: ReadonlySet<number>;
  readonly writes: ReadonlySet<number>;
}

/** What a segment has written it may read again. */
function reachOf({ reads, writes }: Ends): Reach {
  const written = new Set(writes.map(({ region }) => region));
  return { writes: written, reads: new Set([...reads.map(({ region }) => region), ...written]) };
}

interface Context {
  readonly program: Program;
  readonly shadow: ProgramShadow;
  readonly reach: Reach;
  readonly tables: PointerTables;
  readonly place: Place;
}

/** Returns how many spans the instruction touches. */
function checkStep(step: Step, context: Context): number {
  const { instruction } = step;
  const { place, tables } = context;
  const accesses = accessesOf(instruction, tables.pointer);
  if (accesses === undefined) {
    return refuse("BAD_POINTER", place, "reads a window outside the pointer tables");
  }
  for (const span of accesses.reads) checkBounds(span, "reads", context);
  for (const span of accesses.writes) checkBounds(span, "writes", context);
  checkOverlap(instruction, accesses, { place, pointer: tables.pointer });
  tables.checkWrites(instruction, accesses.writes, place);
  for (const span of accesses.reads) {
    const hazard = context.shadow[span.region]?.read(span.offset, span.bytes, step);
    if (hazard !== undefined) refuseHazard(hazard, { span, verb: "reads" }, context);
  }
  for (const span of accesses.writes) {
    const hazard = context.shadow[span.region]?.write(span.offset, span.bytes, step);
    if (hazard !== undefined) refuseHazard(hazard, { span, verb: "writes" }, context);
  }
  for (const { region, offset, bytes } of writtenExactly(instruction, accesses.writes)) {
    context.shadow[region]?.initialise(offset, bytes);
  }
  return accesses.reads.length + accesses.writes.length;
}

function checkBounds(span: Span, verb: "reads" | "writes", context: Context): void {
  const region = context.program.regions[span.region];
  const isWithin = span.offset >= 0 && span.offset + span.bytes <= (region?.bytes ?? 0);
  const isConstant = region?.kind === "weights" || region?.kind === "input";
  const isBetween = isConstant || region?.kind === "output" || region?.kind === "tensor";
  const isNamed = region?.kind === "weights" || context.reach[verb].has(span.region);
  if (isWithin && !(isConstant && verb === "writes") && (!isBetween || isNamed)) return;
  const what = `${verb} ${span.bytes} bytes at ${addressName(span)}`;
  if (isWithin && isConstant && verb === "writes") {
    refuse("WRITE_TO_CONSTANT", context.place, `${what}, which holds ${region.kind}`);
  }
  if (isWithin) refuse("NOT_IN_FLOW", context.place, `${what}, which its segment does not name`);
  refuse("OUT_OF_BOUNDS", context.place, `${what}; the region has ${region?.bytes ?? 0} bytes`);
}

function addressName(span: Pick<Span, "region" | "offset">): string {
  return `r${span.region}+0x${span.offset.toString(16)}`;
}

function refuseHazard(
  hazard: Hazard,
  access: { readonly span: Span; readonly verb: string },
  { place }: Context,
): never {
  const { span, verb } = access;
  const at = addressName({ region: span.region, offset: hazard.offset });
  if (hazard.kind === "uninitialised") {
    return refuse("UNINITIALISED_READ", place, `reads ${at}, which nothing has written`);
  }
  const other = placeName({ ...place, lane: hazard.lane, index: hazard.index });
  return refuse(
    "RACE",
    place,
    `${verb} ${at}; ${other} ${hazard.earlier} it, and no semaphore orders them`,
  );
}

/** Refuses outputs of which some byte is never written. */
export function checkOutputs(program: Program, shadow: ProgramShadow): void {
  program.regions.forEach((region, index) => {
    if (region.kind === "output") checkWritten(index, shadow, "OUTPUT_NOT_WRITTEN");
  });
}

/** Refuses tensors that their segment leaves in part as they were. */
export function checkTensors(program: Program, ends: Ends, shadow: ProgramShadow): void {
  for (const { region } of ends.writes) {
    const isTensor = program.regions[region]?.kind === "tensor";
    if (isTensor) checkWritten(region, shadow, "TENSOR_NOT_WRITTEN");
  }
}

function checkWritten(region: number, shadow: ProgramShadow, code: VerifyCode): void {
  const offset = shadow[region]?.firstUnwritten();
  if (offset === undefined) return;
  const at = addressName({ region, offset });
  throw new CodedError<VerifyCode>(code, `nothing writes what is read at ${at}`);
}

/** What a CPU module writes is its own affair: it cannot leave its memory, and its results are taken as they are. */
export function writeAll(program: Program, ends: Ends, shadow: ProgramShadow): void {
  for (const { region } of ends.writes) {
    shadow[region]?.initialise(0, program.regions[region]?.bytes ?? 0);
  }
}
