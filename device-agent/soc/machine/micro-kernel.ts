/** What a micro-op's kernel is given. */
import { at, load, op, select } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import { REGISTER_BYTES, RUN_WIDE } from "./layout.ts";

/** d, a and b are addresses of registers or of operand descriptions. */
export interface KernelArguments {
  readonly d: Local<"i32">;
  readonly a: Local<"i32">;
  readonly b: Local<"i32">;
  readonly immediate: Local<"i32">;
  /** Number of the strip's first vector. */
  readonly first: Local<"i32">;
  readonly count: Local<"i32">;
}

export type Kernel = (f: FunctionBuilder, p: KernelArguments) => void;

export type Vector = Expression<"v128">;

/** Runs `body` for each vector of the strip, with the byte offset of the vector in a register. */
export function eachVector(
  f: FunctionBuilder,
  p: KernelArguments,
  body: (offset: Local<"i32">) => void,
): void {
  const offset = f.local("i32");
  const end = op("i32.mul", p.count, REGISTER_BYTES);
  const limit = f.local("i32");
  f.set(limit, end);
  f.forRange(offset, { begin: 0, end: limit, step: REGISTER_BYTES }, () => body(offset));
}

/** Row and column of the vector's first pixel in the row of croutons that the run visits. */
export function vectorPlace(vector: Local<"i32">): {
  readonly row: Expression<"i32">;
  readonly column: Expression<"i32">;
} {
  const isWide = load("i32.load", RUN_WIDE);
  const halfRow = op("i32.shr_u", op("i32.and", vector, 15), 1);
  const crouton = op("i32.shl", op("i32.shr_u", vector, 4), 3);
  const column = op("i32.or", crouton, op("i32.shl", op("i32.and", vector, 1), 2));
  return {
    row: select(isWide, op("i32.and", vector, 7), halfRow),
    column: select(isWide, op("i32.shl", op("i32.shr_u", vector, 3), 2), column),
  };
}

const QUADS_PER_STEP = 4;

/** d[i] <- value(i), four lanes at a time. */
export function eachQuad(
  f: FunctionBuilder,
  p: KernelArguments,
  value: (quad: (base: Expression<"i32">) => Vector) => Vector,
): void {
  const offset = f.local("i32");
  const limit = f.local("i32");
  f.set(limit, op("i32.mul", p.count, REGISTER_BYTES));
  f.forRange(offset, { begin: 0, end: limit, step: 16 * QUADS_PER_STEP }, () => {
    for (let step = 0; step < QUADS_PER_STEP; step++) {
      const quad = (base: Expression<"i32">): Vector =>
        load("v128.load", at(op("i32.add", base, offset), step * 16));
      f.store("v128.store", at(op("i32.add", p.d, offset), step * 16), value(quad));
    }
  });
}

/** d <- combine(a, b). */
export const binary =
  (combine: (a: Vector, b: Vector, f: FunctionBuilder) => Vector): Kernel =>
  (f, p) =>
    eachQuad(f, p, (quad) => combine(quad(p.a), quad(p.b), f));

/** d <- map(a). */
export const unary =
  (map: (a: Vector, f: FunctionBuilder) => Vector): Kernel =>
  (f, p) =>
    eachQuad(f, p, (quad) => map(quad(p.a), f));

/** d's vector 0 takes in every vector of a. */
export const reduction =
  (combine: (d: Vector, a: Vector, f: FunctionBuilder) => Vector): Kernel =>
  (f, p) =>
    eachVector(f, p, (offset) => {
      for (let byte = 0; byte < REGISTER_BYTES; byte += 16) {
        const next = load("v128.load", at(op("i32.add", p.a, offset), byte));
        f.store("v128.store", at(p.d, byte), combine(load("v128.load", at(p.d, byte)), next, f));
      }
    });
