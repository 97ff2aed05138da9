/**
 * The matrix kernel under convolutions and matrix products: rows of activations times one packed
 * block of weights. A row is gathered from segments at constant distances from its start, so that a
 * convolution window (one segment a tap, or a kernel row) needs no im2col copy.
 */
import type { Expression, Operand } from "../../../../protocol/wasm/expression.ts";
import { at, load, op } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../../protocol/wasm/module.ts";

/** Rows that share one pass over the weights; 4 rows x 2 vectors fill the 16 registers of x86. */
const TILE_ROWS = 4;
export const LANES = 4;
export const VECTOR_BYTES = 16;

const PARAMETERS = [
  "i32", // a: byte address of row 0
  "i32", // bytes from one row to the next
  "i32", // row count
  "i32", // out: byte address of the block's first output in row 0
  "i32", // bytes from one output row to the next
  "i32", // weights: bias, then [segment][depth] of one block's columns
  "i32", // table of i32 segment offsets in bytes
  "i32", // bytes of that table
  "i32", // bytes of a segment
  "f32", // smallest output
  "f32", // largest output
] as const;

export type GemmKernel = FunctionHandle<typeof PARAMETERS, "none">;

/** out[row][column] = clamp(bias[column] + Σ a[row][k] * w[k][column]) for `vectors` * 4 columns. */
export function gemmKernel(module: ModuleBuilder, vectors: number): GemmKernel {
  const name = `gemm_${TILE_ROWS}x${vectors * LANES}`;
  return module.function({ name, parameters: PARAMETERS }, (f, locals) => {
    const [a, aStep, count, out, outStep, weights, table, tableBytes, depth, low, high] = locals;
    const clamp = { low: f.local("v128"), high: f.local("v128") };
    f.set(clamp.low, op("f32x4.splat", low));
    f.set(clamp.high, op("f32x4.splat", high));
    const shared = { a, aStep, out, outStep, weights, table, tableBytes, depth, clamp };
    const state = tileState(f, vectors);
    f.block((done) => {
      f.loop((again) => {
        f.branchIf(done, op("i32.lt_s", count, TILE_ROWS));
        tile(f, { ...shared, ...state, rows: TILE_ROWS });
        f.increment(a, op("i32.shl", aStep, 2));
        f.increment(out, op("i32.shl", outStep, 2));
        f.increment(count, -TILE_ROWS);
        f.branch(again);
      });
    });
    const remainders = [1, 2, 3].map((rows) => (): void => {
      tile(f, { ...shared, ...state, rows });
    });
    f.switch(count, [(): void => undefined, ...remainders]);
  });
}

interface TileState {
  readonly sums: readonly (readonly Local<"v128">[])[];
  readonly columns: readonly Local<"v128">[];
  readonly factor: Local<"v128">;
  readonly pointers: readonly Local<"i32">[];
  readonly weight: Local<"i32">;
  readonly entry: Local<"i32">;
  readonly end: Local<"i32">;
}

interface Tile extends TileState {
  readonly rows: number;
  readonly a: Local<"i32">;
  readonly aStep: Local<"i32">;
  readonly out: Local<"i32">;
  readonly outStep: Local<"i32">;
  readonly weights: Local<"i32">;
  readonly table: Local<"i32">;
  readonly tableBytes: Local<"i32">;
  readonly depth: Local<"i32">;
  readonly clamp: { readonly low: Local<"v128">; readonly high: Local<"v128"> };
}

function tileState(f: FunctionBuilder, vectors: number): TileState {
  const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  return {
    sums: many(TILE_ROWS, () => many(vectors, () => f.local("v128"))),
    columns: many(vectors, () => f.local("v128")),
    factor: f.local("v128"),
    pointers: many(TILE_ROWS, () => f.local("i32")),
    weight: f.local("i32"),
    entry: f.local("i32"),
    end: f.local("i32"),
  };
}

function tile(f: FunctionBuilder, t: Tile): void {
  const { weights, weight, entry, table, tableBytes, depth } = t;
  const vectors = t.columns.length;
  const pointers = t.pointers.slice(0, t.rows);
  for (const sums of t.sums.slice(0, t.rows)) {
    sums.forEach((sum, v) => f.set(sum, load("v128.load", at(weights, v * VECTOR_BYTES))));
  }
  f.set(weight, op("i32.add", weights, vectors * VECTOR_BYTES));
  f.set(entry, 0);
  f.loop((nextSegment) => {
    const offset = load("i32.load", op("i32.add", table, entry));
    pointers.forEach((pointer, row) => {
      const base: Operand<"i32"> = row === 0 ? op("i32.add", t.a, offset) : pointers[row - 1]!;
      f.set(pointer, row === 0 ? base : op("i32.add", base, t.aStep));
    });
    f.set(t.end, op("i32.add", pointers[0]!, depth));
    f.loop((nextDepth) => {
      step(f, t, pointers);
      f.increment(weight, vectors * VECTOR_BYTES);
      for (const pointer of pointers) f.increment(pointer, 4);
      f.branchIf(nextDepth, op("i32.lt_u", pointers[0]!, t.end));
    });
    f.increment(entry, 4);
    f.branchIf(nextSegment, op("i32.lt_u", entry, tableBytes));
  });
  store(f, t);
}

/** One k: every row's element times the weights of every column. */
function step(f: FunctionBuilder, t: Tile, pointers: readonly Local<"i32">[]): void {
  t.columns.forEach((column, v) =>
    f.set(column, load("v128.load", at(t.weight, v * VECTOR_BYTES))),
  );
  pointers.forEach((pointer, row) => {
    f.set(t.factor, load("v128.load32_splat", pointer));
    t.columns.forEach((column, v) => {
      const sum = t.sums[row]![v]!;
      f.set(sum, op("f32x4.add", sum, op("f32x4.mul", t.factor, column)));
    });
  });
}

function store(f: FunctionBuilder, t: Tile): void {
  const { pointers, sums, clamp } = t;
  for (let row = 0; row < t.rows; row++) {
    const pointer = pointers[0]!;
    f.set(pointer, row === 0 ? t.out : op("i32.add", pointer, t.outStep));
    sums[row]!.forEach((sum, v) => {
      f.store("v128.store", at(pointer, v * VECTOR_BYTES), clamped(sum, clamp));
    });
  }
}

/** One instruction each on x86, and NaN stays NaN. */
export function clamped(
  value: Expression<"v128">,
  clamp: { readonly low: Expression<"v128">; readonly high: Expression<"v128"> },
): Expression<"v128"> {
  return op("f32x4.pmin", op("f32x4.pmax", value, clamp.low), clamp.high);
}
