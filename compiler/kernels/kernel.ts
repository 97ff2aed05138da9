/**
 * Kernels: micro-op programs with named operands, registers and parameters, and their instantiation.
 * A name with [] inside a repeat is one of a family, picked by the repeat's index.
 */
import { assert, present } from "../../protocol/base/assert.ts";
import { CodedError } from "../../protocol/base/result.ts";
import { MICRO_OPS, OPERAND_SLOTS, VECTOR_REGISTERS } from "./micro-ops.ts";
import type { MicroCode, MicroOp, MicroOpName, Operand } from "../../protocol/isa/index.ts";

/** A literal number, a name, or one of a family of names. */
export type Term =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "indexed"; readonly name: string };

export type Line =
  | { readonly kind: "micro"; readonly op: MicroOpName; readonly terms: readonly Term[] }
  | { readonly kind: "repeat"; readonly count: string; readonly lines: readonly Line[] };

/** `count` names how many there are of a family; undefined for a single one. */
export interface Declaration {
  readonly name: string;
  readonly count: string | undefined;
}

export interface Kernel {
  readonly name: string;
  readonly operands: readonly Declaration[];
  readonly parameters: readonly Declaration[];
  readonly prologue: readonly Line[];
  readonly body: readonly Line[];
  readonly epilogue: readonly Line[];
}

/** How often each repeat runs (0 leaves it out) and the immediates. */
export interface Shape {
  readonly counts?: Readonly<Record<string, number>>;
  readonly parameters?: Readonly<Record<string, number | readonly number[]>>;
}

/** Throws CodedError `BAD_KERNEL` when names or counts do not fit the kernel. */
export function instantiate(kernel: Kernel, shape: Shape): MicroCode {
  const registers = new Map<string, number>();
  const operands = operandNumbers(kernel, shape);
  const scope: Scope = { kernel, shape, registers, operands };
  return {
    prologue: expand(kernel.prologue, scope),
    body: expand(kernel.body, scope),
    epilogue: expand(kernel.epilogue, scope),
  };
}

/** The operand list in the kernel's declared order. */
export function operandList(
  kernel: Kernel,
  given: Readonly<Record<string, Operand | readonly Operand[]>>,
): Operand[] {
  return kernel.operands.flatMap(({ name }) => {
    const operand = given[name];
    if (operand === undefined) throw broken(kernel, `operand ${name} is missing`);
    return operand;
  });
}

interface Scope {
  readonly kernel: Kernel;
  readonly shape: Shape;
  readonly registers: Map<string, number>;
  /** Index of the first operand of each name. */
  readonly operands: ReadonlyMap<string, number>;
}

function operandNumbers(kernel: Kernel, shape: Shape): Map<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const { name, count } of kernel.operands) {
    numbers.set(name, next);
    next += count === undefined ? 1 : countOf(kernel, shape, count);
  }
  return numbers;
}

function countOf(kernel: Kernel, shape: Shape, name: string): number {
  const count = shape.counts?.[name];
  if (count === undefined) throw broken(kernel, `count ${name} is missing`);
  return count;
}

function expand(lines: readonly Line[], scope: Scope, index?: number): MicroOp[] {
  return lines.flatMap((line) => {
    if (line.kind === "micro") return [microOp(line, scope, index)];
    const count = countOf(scope.kernel, scope.shape, line.count);
    return Array.from({ length: count }, (_, i) => expand(line.lines, scope, i)).flat();
  });
}

function microOp(
  line: Extract<Line, { kind: "micro" }>,
  scope: Scope,
  index: number | undefined,
): MicroOp {
  const row = MICRO_OPS[line.op];
  const terms = [...line.terms];
  const value = { d: 0, a: 0, b: 0, immediate: 0 };
  for (const slot of OPERAND_SLOTS) {
    const rule = row[slot];
    if (rule === "-") continue;
    // The tap of a linear load may be left out.
    if ((rule === "tap" || rule === "place") && terms.length === 0) continue;
    value[slot] = resolve(present(terms.shift(), "term"), { rule, scope, index });
  }
  assert(terms.length === 0, `${line.op} has a term too many`);
  return { op: line.op, ...value };
}

interface Slot {
  readonly rule: "register" | "operand" | "i32" | "f32" | "tap" | "place";
  readonly scope: Scope;
  readonly index: number | undefined;
}

function resolve(term: Term, slot: Slot): number {
  const { kernel, shape } = slot.scope;
  if (term.kind === "number") return term.value;
  const index = term.kind === "indexed" ? slot.index : 0;
  if (index === undefined) throw broken(kernel, `${term.name}[] stands outside a repeat`);
  if (slot.rule === "register") {
    return registerOf(term.kind === "indexed" ? `${term.name}[${index}]` : term.name, slot.scope);
  }
  if (slot.rule === "operand") {
    const first = slot.scope.operands.get(term.name);
    if (first === undefined) throw broken(kernel, `there is no operand ${term.name}`);
    return first + index;
  }
  const given = shape.parameters?.[term.name];
  const value = typeof given === "number" ? given : given?.[index];
  if (value === undefined) throw broken(kernel, `parameter ${term.name} is missing`);
  return value;
}

function registerOf(name: string, scope: Scope): number {
  const known = scope.registers.get(name);
  if (known !== undefined) return known;
  const next = scope.registers.size;
  if (next >= VECTOR_REGISTERS)
    throw broken(scope.kernel, `more than ${VECTOR_REGISTERS} registers`);
  scope.registers.set(name, next);
  return next;
}

export function broken(kernel: { readonly name: string }, what: string): CodedError<"BAD_KERNEL"> {
  return new CodedError("BAD_KERNEL", `kernel ${kernel.name}: ${what}`, { kernel: kernel.name });
}
