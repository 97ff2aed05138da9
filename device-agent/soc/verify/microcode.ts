/**
 * Checks the micro-ops of one hvx.run: indices, operand kinds, and that vectors do not depend on each other.
 * Micro-ops run strip-wise, so a body register is either set in the prologue and only read, set in the body
 * before it is read, or a declared reduction.
 */
import { MICRO_OPS, PHASES, VECTOR_REGISTERS } from "../../../protocol/isa/index.ts";
import type { HvxRun, MicroOp, MicroOpName } from "../../../protocol/isa/index.ts";
import { GATHERED_MAX } from "./limits.ts";
import { refuse } from "./refusal.ts";
import type { Place } from "./refusal.ts";

type Phase = keyof HvxRun["code"];

export function checkMicroCode(run: HvxRun, place: Place): void {
  for (const phase of PHASES) {
    run.code[phase].forEach((micro, index) => checkMicroOp(run, micro, { place, phase, index }));
  }
  checkRegisters(run, place);
}

interface At {
  readonly place: Place;
  readonly phase: Phase;
  readonly index: number;
}

function refuseMicro(at: At, what: string): never {
  return refuse("BAD_MICRO_CODE", at.place, `${at.phase} micro-op ${at.index} ${what}`);
}

function checkMicroOp(run: HvxRun, micro: MicroOp, at: At): void {
  const row = MICRO_OPS[micro.op];
  const fields = [
    ["d", row.d, micro.d],
    ["a", row.a, micro.a],
    ["b", row.b, micro.b],
  ] as const;
  for (const [name, use, index] of fields) {
    if (use === "register" && index >= VECTOR_REGISTERS) {
      refuseMicro(at, `has no register ${index} (${name})`);
    }
    if (use !== "operand") continue;
    const operand = run.operands[index];
    if (operand === undefined) return refuseMicro(at, `has no operand ${index} (${name})`);
    if (operand.kind !== "linear" && row.access?.pixelBits === undefined) {
      refuseMicro(at, "needs a linear operand");
    }
    const isPlace = row.immediate === "tap" || row.immediate === "place";
    if (operand.kind !== "window" && isPlace && micro.immediate !== 0) {
      refuseMicro(at, `has a tap but a ${operand.kind} operand`);
    }
  }
  checkImmediate(micro, at);
  if (isReduction(micro) && at.phase !== "body") refuseMicro(at, "reduces outside the body");
}

/** Values that a store writes outside the image, by bits. */
const FILL_BITS: Partial<Record<MicroOpName, number>> = { store_i8: 8, store_i16: 16 };

function checkImmediate(micro: MicroOp, at: At): void {
  const { immediate, access } = MICRO_OPS[micro.op];
  const isPlace = immediate === "tap" || immediate === "place";
  if (isPlace && micro.immediate < 0) refuseMicro(at, "has a negative tap");
  const bits = FILL_BITS[micro.op];
  if (bits !== undefined && (micro.immediate << (32 - bits)) >> (32 - bits) !== micro.immediate) {
    refuseMicro(at, `fills with a value that is no int${bits}`);
  }
  const isCount = micro.immediate >= 1 && micro.immediate <= GATHERED_MAX;
  if (access?.counted && !isCount) refuseMicro(at, `gathers from ${micro.immediate} elements`);
}

function isReduction(micro: MicroOp): boolean {
  return MICRO_OPS[micro.op].destination === "reduces";
}

/** Registers that the micro-op reads; accumulations and reductions read their destination too. */
function readsOf(micro: MicroOp): number[] {
  const row = MICRO_OPS[micro.op];
  const reads: number[] = [];
  if (row.a === "register") reads.push(micro.a);
  if (row.b === "register") reads.push(micro.b);
  if (row.destination !== undefined) reads.push(micro.d);
  return reads;
}

function checkRegisters(run: HvxRun, place: Place): void {
  const { prologue, body, epilogue } = run.code;
  const reductions = new Set(body.filter(isReduction).map((micro) => micro.d));
  const bodyWrites = new Set(body.filter((micro) => writes(micro)).map((micro) => micro.d));
  for (const register of reductions) bodyWrites.delete(register);
  const set = new Set<number>();
  checkPhase(prologue, set, { place, phase: "prologue", index: 0 });
  const constant = new Set([...set].filter((register) => !bodyWrites.has(register)));
  checkReductions(body, { reductions, constant, place });
  const inBody = new Set([...constant].filter((register) => !reductions.has(register)));
  const plain = body.filter((micro) => !isReduction(micro));
  checkPhase(plain, inBody, { place, phase: "body", index: 0 });
  checkPhase(epilogue, constant, { place, phase: "epilogue", index: 0 });
}

function writes(micro: MicroOp): boolean {
  return MICRO_OPS[micro.op].d === "register";
}

/** Adds what the phase writes to `set`, and refuses reads of anything that is not in it yet. */
function checkPhase(ops: readonly MicroOp[], set: Set<number>, at: At): void {
  ops.forEach((micro, index) => {
    for (const register of readsOf(micro)) {
      if (!set.has(register)) {
        refuseMicro(
          { ...at, index },
          `(${micro.op}) reads register ${register}, not set for this vector`,
        );
      }
    }
    if (writes(micro)) set.add(micro.d);
  });
}

interface Reductions {
  readonly reductions: ReadonlySet<number>;
  /** Set in the prologue. */
  readonly constant: ReadonlySet<number>;
  readonly place: Place;
}

function checkReductions(body: readonly MicroOp[], from: Reductions): void {
  const written = new Set(from.constant);
  const kinds = new Map<number, MicroOpName>();
  body.forEach((micro, index) => {
    const at: At = { place: from.place, phase: "body", index };
    if (isReduction(micro)) {
      // A strip adds all its vectors before it compares any: only reductions of one kind commute.
      const kind = kinds.get(micro.d);
      if (kind === "accumulate_add_f32") refuseMicro(at, "reduces float32 twice into one register");
      kinds.set(micro.d, micro.op);
      if (kind !== undefined && kind !== micro.op)
        refuseMicro(at, "mixes two kinds of reduction in one register");
      if (!from.constant.has(micro.d))
        refuseMicro(at, "reduces into a register the prologue does not set");
      if (!written.has(micro.a) || from.reductions.has(micro.a)) {
        refuseMicro(at, `reduces register ${micro.a}, not set for this vector`);
      }
    } else {
      if (writes(micro) && from.reductions.has(micro.d)) refuseMicro(at, "overwrites a reduction");
      if (writes(micro)) written.add(micro.d);
    }
  });
}
