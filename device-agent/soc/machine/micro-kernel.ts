/** What a micro-op's kernel is given. */
import { op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import { REGISTER_BYTES } from "./layout.ts";

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
