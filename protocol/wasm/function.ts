/** Writes the body of one WebAssembly function: locals, assignments, stores and structured control. */
import { assert } from "../base/assert.ts";
import type { Address, Expression, Operand } from "./expression.ts";
import { assemble, expression, memoryArgument, op, place, TYPE_CODE } from "./expression.ts";
import type { StoreLaneMnemonic, StoreMnemonic, Takes, ValueType } from "./table.ts";
import { unsigned } from "./table.ts";

/** A local variable or parameter. It is an expression too: using it reads it. */
export interface Local<T extends ValueType = ValueType> extends Expression<T> {
  readonly index: number;
}

export interface FunctionHandle<
  P extends readonly ValueType[] = readonly ValueType[],
  R extends ValueType | "none" = ValueType | "none",
> {
  readonly index: number;
  readonly name: string;
  readonly parameters: P;
  readonly result: R;
}

/** Where a branch goes: behind its block, or to the start of its loop. */
export interface Label {
  readonly depth: number;
}

/** begin, begin + step, … while less than end (signed). `end` is evaluated before every turn. */
export interface Range {
  readonly begin: Operand<"i32">;
  readonly end: Operand<"i32">;
  /** Greater than zero. */
  readonly step: number;
}

type Arguments<P extends readonly ValueType[]> = { [Index in keyof P]: Operand<P[Index]> };
type StoredValue<M extends StoreMnemonic> =
  Takes<M> extends [string, infer V extends ValueType] ? Operand<V> : never;

export interface FunctionBuilder {
  /** A new local, zero at entry of the function (not at entry of a loop). */
  local<T extends ValueType>(type: T): Local<T>;
  set<T extends ValueType>(local: Local<T>, value: Operand<NoInfer<T>>): void;
  /** Adds to an i32 local. */
  increment(local: Local<"i32">, by: Operand<"i32">): void;
  /** Assigns and is the assigned value. */
  tee<T extends ValueType>(local: Local<T>, value: Operand<NoInfer<T>>): Expression<T>;
  store<M extends StoreMnemonic>(mnemonic: M, address: Address, value: StoredValue<M>): void;
  storeLane(
    mnemonic: StoreLaneMnemonic,
    to: { readonly address: Address; readonly lane: number },
    vector: Expression<"v128">,
  ): void;
  /** memory.copy; the areas may overlap. */
  copyBytes(to: Operand<"i32">, from: Operand<"i32">, byteCount: Operand<"i32">): void;
  /** memory.fill with the low byte of `byte`. */
  fillBytes(to: Operand<"i32">, byte: Operand<"i32">, byteCount: Operand<"i32">): void;
  /** Calls a function; a result is dropped. */
  call<P extends readonly ValueType[]>(
    callee: FunctionHandle<P>,
    ...values: Arguments<NoInfer<P>>
  ): void;
  block(body: (end: Label) => void): void;
  loop(body: (start: Label) => void): void;
  branch(label: Label): void;
  branchIf(label: Label, condition: Operand<"i32">): void;
  if(condition: Operand<"i32">, then: () => void, otherwise?: () => void): void;
  forRange(counter: Local<"i32">, range: Range, body: () => void): void;
  /** Runs the case with the number `index`; traps when there is none. */
  switch(index: Operand<"i32">, cases: readonly (() => void)[]): void;
  return(value?: Expression): void;
  trap(): void;
}

/** The value of a call; use FunctionBuilder.call where there is none. */
export function call<P extends readonly ValueType[], R extends ValueType>(
  callee: FunctionHandle<P, R>,
  ...values: Arguments<NoInfer<P>>
): Expression<R> {
  const code = callCode(callee, values as readonly Operand[]);
  return { type: callee.result, code };
}

const OPCODE = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  branchTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  noResult: 0x40,
} as const;

/** For moduleBuilder: the builder, the parameters as locals, and the encoder of the finished body. */
export function functionBuilder(parameters: readonly ValueType[]): {
  builder: FunctionBuilder;
  locals: readonly Local[];
  finish(result: Expression | undefined): number[];
} {
  const types: ValueType[] = [...parameters];
  const sink: number[] = [];
  const emit = (...parts: readonly (readonly number[])[]): void => {
    for (const part of parts) for (const byte of part) sink.push(byte);
  };
  const local = <T extends ValueType>(type: T): Local<T> => {
    types.push(type);
    return localAt(type, types.length - 1);
  };
  const builder: FunctionBuilder = {
    local,
    ...assignments(emit),
    ...memoryStatements(emit),
    ...controlStatements(emit),
  };
  const locals = parameters.map((type, index) => localAt(type, index));
  const finish = (result: Expression | undefined): number[] => {
    const declared = types.slice(parameters.length);
    const body = runs(declared).concat(sink, result?.code ?? [], [OPCODE.end]);
    return unsigned(body.length).concat(body);
  };
  return { builder, locals, finish };
}

type Emit = (...parts: readonly (readonly number[])[]) => void;

function assignments(
  emit: Emit,
): Pick<FunctionBuilder, "set" | "increment" | "tee" | "call" | "return" | "trap"> {
  const set = (target: Local, value: Operand): void => {
    emit(typed(target, value), [OPCODE.set], unsigned(target.index));
  };
  return {
    set: set as FunctionBuilder["set"],
    increment: (target, by) => set(target, op("i32.add", target, by)),
    tee: (target, value) => ({
      type: target.type,
      code: typed(target, value as Operand).concat([OPCODE.tee], unsigned(target.index)),
    }),
    call: (callee, ...values) => {
      emit(callCode(callee, values as readonly Operand[]));
      if (callee.result !== "none") emit([OPCODE.drop]);
    },
    return: (value) => emit(value?.code ?? [], [OPCODE.return]),
    trap: () => emit([OPCODE.unreachable]),
  };
}

function memoryStatements(
  emit: Emit,
): Pick<FunctionBuilder, "store" | "storeLane" | "copyBytes" | "fillBytes"> {
  return {
    store: (mnemonic, address, value) => {
      const { base, offset } = place(address);
      emit(assemble(mnemonic, [base, value as Operand], memoryArgument(offset)).code);
    },
    storeLane: (mnemonic, to, value) => {
      const { base, offset } = place(to.address);
      emit(assemble(mnemonic, [base, value], [...memoryArgument(offset), to.lane]).code);
    },
    copyBytes: (to, from, byteCount) =>
      emit(...[to, from, byteCount].map((value) => expression(value).code), [0xfc, 10, 0, 0]),
    fillBytes: (to, byte, byteCount) =>
      emit(...[to, byte, byteCount].map((value) => expression(value).code), [0xfc, 11, 0]),
  };
}

function controlStatements(
  emit: Emit,
): Pick<FunctionBuilder, "block" | "loop" | "branch" | "branchIf" | "if" | "forRange" | "switch"> {
  let depth = 0;
  const nested = (opcode: number, body: (label: Label) => void): void => {
    emit([opcode, OPCODE.noResult]);
    depth++;
    body({ depth });
    depth--;
    emit([OPCODE.end]);
  };
  const block: FunctionBuilder["block"] = (body) => nested(OPCODE.block, body);
  const loop: FunctionBuilder["loop"] = (body) => nested(OPCODE.loop, body);
  const branch: FunctionBuilder["branch"] = (label) =>
    emit([OPCODE.branch], unsigned(depth - label.depth));
  const branchIf: FunctionBuilder["branchIf"] = (label, condition) =>
    emit(expression(condition).code, [OPCODE.branchIf], unsigned(depth - label.depth));
  return {
    block,
    loop,
    branch,
    branchIf,
    if: (condition, then, otherwise) => {
      emit(expression(condition).code);
      nested(OPCODE.if, () => {
        then();
        if (otherwise === undefined) return;
        emit([OPCODE.else]);
        otherwise();
      });
    },
    forRange: (counter, range, body) => {
      const { begin, end, step } = range;
      assert(step > 0, "a range steps upwards");
      emit(typed(counter, begin), [OPCODE.set], unsigned(counter.index));
      block((done) => {
        const runsOnce = typeof begin === "number" && typeof end === "number" && begin < end;
        if (!runsOnce) branchIf(done, op("i32.ge_s", counter, end));
        loop((again) => {
          body();
          const next = typed(counter, op("i32.add", counter, step));
          emit(next, [OPCODE.set], unsigned(counter.index));
          branchIf(again, op("i32.lt_s", counter, end));
        });
      });
    },
    switch: (index, cases) => {
      block((done) => {
        const open = (remaining: number): void => {
          if (remaining < 0) {
            emit(expression(index).code, [OPCODE.branchTable], unsigned(cases.length));
            for (let at = 0; at <= cases.length; at++) emit(unsigned(at));
            return;
          }
          block(() => open(remaining - 1));
          if (remaining === cases.length) emit([OPCODE.unreachable]);
          else {
            cases[remaining]!();
            branch(done);
          }
        };
        open(cases.length);
      });
    },
  };
}

function localAt<T extends ValueType>(type: T, index: number): Local<T> {
  return { type, index, code: [OPCODE.get, ...unsigned(index)] };
}

function typed(target: Local, value: Operand): number[] {
  const { type, code } = expression(value);
  assert(type === target.type, `a local of type ${target.type} cannot hold ${type}`);
  return [...code];
}

function callCode(callee: FunctionHandle, values: readonly Operand[]): number[] {
  const given = values.map(expression);
  assert(
    given.length === callee.parameters.length &&
      given.every(({ type }, index) => type === callee.parameters[index]),
    `${callee.name} takes ${callee.parameters.join(" ")}`,
  );
  return [...given.flatMap(({ code }) => code), OPCODE.call, ...unsigned(callee.index)];
}

/** Locals are declared as runs of equal types. */
function runs(types: readonly ValueType[]): number[] {
  const groups: { type: ValueType; count: number }[] = [];
  for (const type of types) {
    const last = groups.at(-1);
    if (last?.type === type) last.count++;
    else groups.push({ type, count: 1 });
  }
  return [
    ...unsigned(groups.length),
    ...groups.flatMap(({ type, count }) => [...unsigned(count), TYPE_CODE[type]]),
  ];
}
