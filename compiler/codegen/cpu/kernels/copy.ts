/** Strided copies of float32 elements: layout changes, transposes, slices, concatenations, broadcasts. */
import type { Operand } from "../../../../protocol/wasm/expression.ts";
import { at, f32x4, load, op } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../../protocol/wasm/module.ts";

/** One loop of a copy; steps in floats, zero where an element is repeated, negative where reversed. */
export interface CopyAxis {
  readonly count: number;
  readonly fromStep: number;
  readonly toStep: number;
}

export interface Copy {
  readonly from: Operand<"i32">;
  readonly to: Operand<"i32">;
  readonly axes: readonly CopyAxis[];
}

/** Where built kernels are kept: one function a key. */
export interface KernelStore {
  readonly module: ModuleBuilder;
  /** The function with this key, built on first use. */
  kernel<Handle extends FunctionHandle>(key: string, build: () => Handle): Handle;
}

const FLOAT_BYTES = 4;
const VECTOR_FLOATS = 4;
/** Below this, a call of memory.copy costs more than the loop it replaces. */
const BLOCK_FLOATS_MIN = 96;

export function copyElements(f: FunctionBuilder, store: KernelStore, copy: Copy): void {
  const axes = mergeAxes(copy.axes);
  if (axes === undefined) return;
  const only = axes.length === 1 ? axes[0] : undefined;
  if (only?.fromStep === 1 && only.toStep === 1 && only.count >= BLOCK_FLOATS_MIN) {
    f.copyBytes(copy.to, copy.from, only.count * FLOAT_BYTES);
    return;
  }
  const name = `copy_${axes.map((axis) => `${axis.count}:${axis.fromStep}:${axis.toStep}`).join("_")}`;
  const kernel = store.kernel(name, () => copyKernel(store.module, name, axes));
  f.call(kernel, copy.from, copy.to);
}

/** Fewer, longer loops, the one with the smallest output step inside. Undefined: nothing to copy. */
function mergeAxes(axes: readonly CopyAxis[]): CopyAxis[] | undefined {
  if (axes.some((axis) => axis.count === 0)) return undefined;
  const sorted = axes
    .filter((axis) => axis.count > 1)
    .sort((a, b) => Math.abs(b.toStep) - Math.abs(a.toStep));
  const merged: CopyAxis[] = [];
  for (const axis of sorted) {
    const outer = merged.at(-1);
    const continues =
      outer?.fromStep === axis.fromStep * axis.count && outer.toStep === axis.toStep * axis.count;
    if (outer !== undefined && continues) {
      merged[merged.length - 1] = { ...axis, count: outer.count * axis.count };
    } else merged.push(axis);
  }
  return merged.length === 0 ? [{ count: 1, fromStep: 1, toStep: 1 }] : merged;
}

type CopyKernel = FunctionHandle<readonly ["i32", "i32"], "none">;

function copyKernel(module: ModuleBuilder, name: string, axes: readonly CopyAxis[]): CopyKernel {
  return module.function({ name, parameters: ["i32", "i32"] }, (f, [from, to]) => {
    copyLoops(f, { from, to, axes });
  });
}

interface Loops {
  readonly from: Local<"i32">;
  readonly to: Local<"i32">;
  readonly axes: readonly CopyAxis[];
}

/** Leaves the pointers where they were. */
function copyLoops(f: FunctionBuilder, { from, to, axes }: Loops): void {
  const [axis, ...inner] = axes;
  if (axis === undefined) return;
  const contiguous = axis.fromStep === 1 && axis.toStep === 1;
  if (inner.length === 0 && contiguous) return copyRun(f, { from, to, axes });
  const counter = f.local("i32");
  f.forRange(counter, { begin: 0, end: axis.count, step: 1 }, () => {
    if (inner.length === 0) f.store("f32.store", to, load("f32.load", from));
    else copyLoops(f, { from, to, axes: inner });
    f.increment(from, axis.fromStep * FLOAT_BYTES);
    f.increment(to, axis.toStep * FLOAT_BYTES);
  });
  f.increment(from, -axis.count * axis.fromStep * FLOAT_BYTES);
  f.increment(to, -axis.count * axis.toStep * FLOAT_BYTES);
}

/** Neighbouring floats: vectors, then single ones. */
function copyRun(f: FunctionBuilder, { from, to, axes }: Loops): void {
  const count = axes[0]!.count;
  if (count >= BLOCK_FLOATS_MIN) return f.copyBytes(to, from, count * FLOAT_BYTES);
  const vectors = Math.floor(count / VECTOR_FLOATS);
  for (let vector = 0; vector < vectors; vector++) {
    const offset = vector * VECTOR_FLOATS * FLOAT_BYTES;
    f.store("v128.store", at(to, offset), load("v128.load", at(from, offset)));
  }
  for (let index = vectors * VECTOR_FLOATS; index < count; index++) {
    const offset = index * FLOAT_BYTES;
    f.store("f32.store", at(to, offset), load("f32.load", at(from, offset)));
  }
}

/** Sets `vectors` vectors from `to` on to four copies of a value. */
export function fillVectors(
  f: FunctionBuilder,
  area: { readonly to: number; readonly vectors: number },
  value: number,
): void {
  if (Object.is(value, 0)) return f.fillBytes(area.to, 0, area.vectors * 16);
  const pointer = f.local("i32");
  const end = area.to + area.vectors * 16;
  f.set(pointer, area.to);
  f.loop((again) => {
    f.store("v128.store", pointer, f32x4(value));
    f.increment(pointer, 16);
    f.branchIf(again, op("i32.lt_u", pointer, end));
  });
}
