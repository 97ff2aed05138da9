/** Kernels that reduce: over pixels or rows for every lane, and softmax along rows. */
import { f32x4, load, op, shuffle, vector } from "../../../../protocol/wasm/expression.ts";
import type { Expression as Code } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../../protocol/wasm/function.ts";
import type { KernelStore } from "./copy.ts";
import { exponential } from "./math.ts";

const VECTOR_BYTES = 16;
const LANES = 4;

export type Fold = "add" | "mul" | "max" | "min";

const START: Readonly<Record<Fold, number>> = { add: 0, mul: 1, max: -Infinity, min: Infinity };

/** from, to, row count, bytes of a row (a multiple of 16), divisor of the result */
type FoldKernel = FunctionHandle<readonly ["i32", "i32", "i32", "i32", "f32"], "none">;

/** to[lane] = (from[0][lane] ⊕ from[1][lane] ⊕ …) / divisor for every lane of a row. */
export function foldKernel(store: KernelStore, fold: Fold): FoldKernel {
  const name = `fold ${fold}`;
  const parameters = ["i32", "i32", "i32", "i32", "f32"] as const;
  return store.kernel(name, () =>
    store.module.function({ name, parameters }, (f, [from, to, rows, rowBytes, divisor]) => {
      const total = f.local("v128");
      const [offset, pointer] = [f.local("i32"), f.local("i32")];
      f.forRange(offset, { begin: 0, end: rowBytes, step: VECTOR_BYTES }, () => {
        f.set(total, f32x4(START[fold]));
        f.set(pointer, op("i32.add", from, offset));
        f.forRange(f.local("i32"), { begin: 0, end: rows, step: 1 }, () => {
          f.set(total, folded(fold, total, load("v128.load", pointer)));
          f.increment(pointer, rowBytes);
        });
        const result = op("f32x4.div", total, op("f32x4.splat", divisor));
        f.store("v128.store", op("i32.add", to, offset), result);
      });
    }),
  );
}

function folded(fold: Fold, total: Code<"v128">, value: Code<"v128">): Code<"v128"> {
  switch (fold) {
    case "add":
      return op("f32x4.add", total, value);
    case "mul":
      return op("f32x4.mul", total, value);
    case "max":
      return op("f32x4.max", total, value);
    case "min":
      return op("f32x4.min", total, value);
  }
}

/** from, to, row count, bytes from one row to the next */
type SoftmaxKernel = FunctionHandle<readonly ["i32", "i32", "i32", "i32"], "none">;

/**
 * softmax over rows of `length` floats, ascending and not in place: whole vectors are written, so
 * that a row spills over into the next one, which is written afterwards.
 */
export function softmaxKernel(store: KernelStore, length: number): SoftmaxKernel {
  const name = `softmax ${length}`;
  const parameters = ["i32", "i32", "i32", "i32"] as const;
  return store.kernel(name, () =>
    store.module.function({ name, parameters }, (f, [from, to, rows, rowBytes]) => {
      const row = { from, to, length, total: f.local("v128"), largest: f.local("v128") };
      f.forRange(f.local("i32"), { begin: 0, end: rows, step: 1 }, () => {
        f.set(row.largest, f32x4(-Infinity));
        eachVector(f, row, (value) => f.set(row.largest, op("f32x4.max", row.largest, value)));
        f.set(row.largest, acrossLanes(f, "max", row.largest));
        f.set(row.total, f32x4(0));
        const power = f.local("v128");
        eachVector(f, row, (value, target) => {
          f.set(power, exponential(f, op("f32x4.sub", value, row.largest)));
          f.set(row.total, op("f32x4.add", row.total, power));
          f.store("v128.store", target, power);
        });
        f.set(row.total, acrossLanes(f, "add", row.total));
        eachVector(f, { ...row, from: to }, (value, target) =>
          f.store("v128.store", target, op("f32x4.div", value, row.total)),
        );
        f.increment(from, rowBytes);
        f.increment(to, rowBytes);
      });
    }),
  );
}

interface Row {
  readonly from: Local<"i32">;
  readonly to: Local<"i32">;
  readonly length: number;
}

/** Lanes behind the end of the row read as minus infinity. */
function eachVector(
  f: FunctionBuilder,
  row: Row,
  visit: (value: Code<"v128">, target: Code<"i32">) => void,
): void {
  const offset = f.local("i32");
  const from = load("v128.load", op("i32.add", row.from, offset));
  const target = op("i32.add", row.to, offset);
  const remaining = row.length % LANES;
  const wholeBytes = Math.floor(row.length / LANES) * VECTOR_BYTES;
  f.forRange(offset, { begin: 0, end: wholeBytes, step: VECTOR_BYTES }, () => visit(from, target));
  if (remaining === 0) return;
  f.set(offset, wholeBytes);
  const inside = vector(
    [...Array(VECTOR_BYTES).keys()].map((at) => (at < remaining * 4 ? 255 : 0)),
  );
  visit(op("v128.bitselect", from, f32x4(-Infinity), inside), target);
}

/** The fold of the four lanes, in every lane. */
function acrossLanes(f: FunctionBuilder, fold: Fold, value: Code<"v128">): Code<"v128"> {
  const pairs = f.local("v128");
  f.set(pairs, value);
  const swapped = shuffle([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7], pairs, pairs);
  f.set(pairs, folded(fold, pairs, swapped));
  const crossed = shuffle([4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11], pairs, pairs);
  return folded(fold, pairs, crossed);
}
