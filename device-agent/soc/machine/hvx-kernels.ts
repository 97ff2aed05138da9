/**
 * The vector engine in WebAssembly: one function a micro-op, each over a strip of vectors in the register file,
 * and one function that runs the micro-code of an hvx.run. Nothing but MICRO_KERNELS knows the micro-ops.
 */
import { at, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";
import { VECTOR_REGISTERS } from "../../../protocol/isa/index.ts";
import {
  MICRO_CODE,
  MICRO_OP_BYTES,
  REGISTER_BYTES,
  REGISTERS,
  RUN_COLUMNS,
  RUN_ROWS,
  RUN_WIDE,
  STRIP_VECTORS,
} from "./layout.ts";
import { MICRO_KERNELS, MICRO_KERNEL_NAMES } from "./micro-kernels.ts";

const KERNEL_PARAMETERS = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
type Kernel = FunctionHandle<typeof KERNEL_PARAMETERS, "none">;

export function addHvxKernels(module: ModuleBuilder): void {
  const kernels = MICRO_KERNEL_NAMES.map((name): Kernel =>
    module.function(
      { name, parameters: KERNEL_PARAMETERS },
      (f, [d, a, b, immediate, first, count]) =>
        MICRO_KERNELS[name](f, { d, a, b, immediate, first, count }),
    ),
  );
  addRun(module, addStrip(module, kernels), addReplicate(module));
}

type Strip = FunctionHandle<readonly ["i32", "i32", "i32", "i32"], "none">;

/** (code, codeEnd, first vector, count): every micro-op of the list over `count` vectors. */
function addStrip(module: ModuleBuilder, kernels: readonly Kernel[]): Strip {
  return module.function(
    { name: "hvx_strip", parameters: ["i32", "i32", "i32", "i32"] },
    (f, [code, codeEnd, first, count]) => {
      const micro = f.local("i32");
      f.forRange(micro, { begin: code, end: codeEnd, step: MICRO_OP_BYTES }, () => {
        const word = (index: number): Expression<"i32"> => load("i32.load", at(micro, index * 4));
        f.switch(
          word(0),
          kernels.map((kernel) => () => {
            f.call(kernel, word(1), word(2), word(3), word(4), first, count);
          }),
        );
      });
    },
  );
}

type Replicate = FunctionHandle<readonly ["i32", "i32"], "none">;

/** (registers as bits, bytes): copies vector 0 of each register to the vectors after it, `bytes` in all. */
function addReplicate(module: ModuleBuilder): Replicate {
  return module.function(
    { name: "hvx_replicate", parameters: ["i32", "i32"] },
    (f, [registers, bytes]) => {
      const [index, base, offset] = [f.local("i32"), f.local("i32"), f.local("i32")];
      f.set(base, REGISTERS);
      f.forRange(index, { begin: 0, end: VECTOR_REGISTERS, step: 1 }, () => {
        f.if(op("i32.and", op("i32.shr_u", registers, index), 1), () =>
          f.forRange(offset, { begin: REGISTER_BYTES, end: bytes, step: REGISTER_BYTES }, () =>
            f.copyBytes(op("i32.add", base, offset), base, REGISTER_BYTES),
          ),
        );
        f.increment(base, STRIP_VECTORS * REGISTER_BYTES);
      });
    },
  );
}

/** (ends of prologue, body and epilogue; registers the prologue sets, as bits; vectors; rows; columns; wide) */
function addRun(module: ModuleBuilder, strip: Strip, replicate: Replicate): void {
  module.function(
    {
      name: "hvx_run",
      parameters: ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
      exported: true,
    },
    (f, [prologueEnd, bodyEnd, epilogueEnd, constants, vectors, rows, columns, wide]) => {
      f.store("i32.store", RUN_WIDE, wide);
      f.store("i32.store", RUN_ROWS, rows);
      f.store("i32.store", RUN_COLUMNS, columns);
      f.call(strip, MICRO_CODE, prologueEnd, 0, 1);
      const first = f.local("i32");
      const count = f.local("i32");
      setMinimum(f, count, vectors);
      f.call(replicate, constants, op("i32.mul", count, REGISTER_BYTES));
      f.forRange(first, { begin: 0, end: vectors, step: STRIP_VECTORS }, () => {
        setMinimum(f, count, op("i32.sub", vectors, first));
        f.call(strip, prologueEnd, bodyEnd, first, count);
      });
      f.call(strip, bodyEnd, epilogueEnd, 0, 1);
    },
  );
}

/** count <- the smaller of the rest and a whole strip. */
function setMinimum(f: FunctionBuilder, count: Local<"i32">, rest: Expression<"i32">): void {
  f.set(count, rest);
  f.if(op("i32.gt_s", count, STRIP_VECTORS), () => f.set(count, STRIP_VECTORS));
}
