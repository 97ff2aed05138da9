/** Kernels over single elements: functions of one tensor, and pairs of tensors. */
import { f32x4, load, op } from "../../../../protocol/wasm/expression.ts";
import type { Expression as Code } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle } from "../../../../protocol/wasm/function.ts";
import type { BinaryName, Expression } from "../../../ir/expression.ts";
import { printExpression } from "../../../ir/expression.ts";
import type { KernelStore } from "./copy.ts";
import { clamped } from "./gemm.ts";
import { pairCode, vectorCode } from "./math.ts";

const VECTOR_BYTES = 16;

/** from, to, bytes (a multiple of 16, not zero) */
type UnaryKernel = FunctionHandle<readonly ["i32", "i32", "i32"], "none">;

export function unaryKernel(store: KernelStore, expression: Expression): UnaryKernel {
  const name = `pointwise ${printExpression(expression)}`;
  return store.kernel(name, () =>
    store.module.function({ name, parameters: ["i32", "i32", "i32"] }, (f, [from, to, bytes]) => {
      const x = f.local("v128");
      const offset = f.local("i32");
      f.forRange(offset, { begin: 0, end: bytes, step: VECTOR_BYTES }, () => {
        f.set(x, load("v128.load", op("i32.add", from, offset)));
        f.store("v128.store", op("i32.add", to, offset), vectorCode(f, expression, x));
      });
    }),
  );
}

export type PairName = Exclude<BinaryName, "pow"> | "prelu";

/**
 * How an operand is read: `full` advances with the output, `row` starts again with every row, and
 * `scalar` is one element.
 */
export type OperandMode = "full" | "row" | "scalar";

const PAIR_PARAMETERS = [
  "i32", // a
  "i32", // b
  "i32", // to
  "i32", // row count
  "i32", // bytes of a row, a multiple of 16
  "f32", // smallest output
  "f32", // largest output
] as const;

export type PairKernel = FunctionHandle<typeof PAIR_PARAMETERS, "none">;

export function pairKernel(
  store: KernelStore,
  pair: PairName,
  modes: readonly [OperandMode, OperandMode],
): PairKernel {
  const name = `${pair} ${modes.join(" ")}`;
  return store.kernel(name, () =>
    store.module.function({ name, parameters: PAIR_PARAMETERS }, (f, locals) => {
      const [a, b, to, rows, rowBytes, low, high] = locals;
      const clamp = { low: f.local("v128"), high: f.local("v128") };
      f.set(clamp.low, op("f32x4.splat", low));
      f.set(clamp.high, op("f32x4.splat", high));
      const operands = [a, b].map((pointer, side) => {
        const scalar = f.local("v128");
        if (modes[side] === "scalar") f.set(scalar, load("v128.load32_splat", pointer));
        return { pointer, scalar, mode: modes[side] };
      });
      const offset = f.local("i32");
      f.forRange(f.local("i32"), { begin: 0, end: rows, step: 1 }, () => {
        f.forRange(offset, { begin: 0, end: rowBytes, step: VECTOR_BYTES }, () => {
          const [left, right] = operands.map(({ pointer, scalar, mode }) =>
            mode === "scalar" ? scalar : load("v128.load", op("i32.add", pointer, offset)),
          );
          const value = clamped(combine(f, pair, [left!, right!]), clamp);
          f.store("v128.store", op("i32.add", to, offset), value);
        });
        for (const { pointer, mode } of operands)
          if (mode === "full") f.increment(pointer, rowBytes);
        f.increment(to, rowBytes);
      });
    }),
  );
}

function combine(
  f: FunctionBuilder,
  pair: PairName,
  [left, right]: readonly [Code<"v128">, Code<"v128">],
): Code<"v128"> {
  if (pair !== "prelu") return pairCode(pair, left, right);
  const a = f.local("v128");
  f.set(a, left);
  const negative = op("f32x4.lt", a, f32x4(0));
  return op("v128.bitselect", op("f32x4.mul", a, right), a, negative);
}
