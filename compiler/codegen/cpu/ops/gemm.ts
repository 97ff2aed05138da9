/** Writes the loops around the matrix kernel: image rows, cache blocks and blocks of columns. */
import { op } from "../../../../protocol/wasm/expression.ts";
import type { Operand } from "../../../../protocol/wasm/expression.ts";
import { f32 } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder } from "../../../../protocol/wasm/function.ts";
import { gemmKernel } from "../kernels/gemm.ts";
import type { Lowering } from "../lowering.ts";
import type { Packing } from "../pack.ts";
import { BLOCK_COLUMNS } from "../pack.ts";
import { FLOAT_BYTES } from "../program.ts";

/** All sizes in bytes unless they are counts. */
export interface GemmJob {
  readonly a: Operand<"i32">;
  readonly out: Operand<"i32">;
  readonly weights: Operand<"i32">;
  readonly packing: Packing;
  /** A line is a run of rows at constant steps, for instance one row of an image. */
  readonly lines: { readonly count: number; readonly aStep: number; readonly outStep: number };
  readonly rows: { readonly count: number; readonly aStep: number; readonly outStep: number };
  readonly segments: { readonly table: number; readonly count: number; readonly bytes: number };
  readonly clamp: readonly [low: number, high: number];
}

/** What of the activations should stay in the second-level cache while all weights pass by. */
const CACHE_BLOCK_BYTES = 128 * 1024;

export function emitGemm(f: FunctionBuilder, lowering: Lowering, job: GemmJob): void {
  const { lines, rows } = job;
  const a = f.local("i32");
  const out = f.local("i32");
  f.set(a, job.a);
  f.set(out, job.out);
  const single = lines.count === 1;
  const repeated = single ? rows : lines;
  const rowBytes = single ? job.segments.count * job.segments.bytes : lines.aStep;
  const chunk = chunkSize(repeated.count, rowBytes, single ? 8 : 1);
  const emitChunk = (count: number): void => emitColumns(f, lowering, { ...job, a, out, count });
  const whole = Math.floor(repeated.count / chunk);
  const advance = (): void => {
    f.increment(a, chunk * repeated.aStep);
    f.increment(out, chunk * repeated.outStep);
  };
  if (whole === 1) {
    emitChunk(chunk);
    advance();
  } else {
    f.forRange(f.local("i32"), { begin: 0, end: whole, step: 1 }, () => {
      emitChunk(chunk);
      advance();
    });
  }
  if (repeated.count % chunk > 0) emitChunk(repeated.count % chunk);
}

/** Equal chunks, multiples of `multiple` where there are several. */
function chunkSize(count: number, bytes: number, multiple: number): number {
  const fitting = Math.max(1, Math.floor(CACHE_BLOCK_BYTES / Math.max(1, bytes)));
  if (fitting >= count) return count;
  const chunks = Math.ceil(count / fitting);
  return Math.min(count, Math.ceil(count / chunks / multiple) * multiple);
}

interface Chunk extends GemmJob {
  /** Lines, or rows where there is only one line. */
  readonly count: number;
}

/**
 * Blocks run from the last column to the first: where rows are not padded to whole vectors, the
 * last block of a row spills into the first columns of the next one, which are written afterwards.
 */
function emitColumns(f: FunctionBuilder, lowering: Lowering, chunk: Chunk): void {
  const { packing, weights } = chunk;
  const columnBytes = BLOCK_COLUMNS * FLOAT_BYTES;
  const weight = f.local("i32");
  const target = f.local("i32");
  const halfStart = packing.fullBlocks * packing.fullBlockBytes;
  if (packing.hasHalfBlock) {
    f.set(weight, op("i32.add", weights, halfStart));
    f.set(target, op("i32.add", chunk.out, packing.fullBlocks * columnBytes));
    emitLines(f, lowering, { ...chunk, weights: weight, out: target, vectors: 1 });
  }
  if (packing.fullBlocks === 0) return;
  f.set(weight, op("i32.add", weights, halfStart - packing.fullBlockBytes));
  f.set(target, op("i32.add", chunk.out, (packing.fullBlocks - 1) * columnBytes));
  f.forRange(f.local("i32"), { begin: 0, end: packing.fullBlocks, step: 1 }, () => {
    emitLines(f, lowering, { ...chunk, weights: weight, out: target, vectors: 2 });
    f.increment(weight, -packing.fullBlockBytes);
    f.increment(target, -columnBytes);
  });
}

interface Lines extends Chunk {
  readonly vectors: number;
}

function emitLines(f: FunctionBuilder, lowering: Lowering, job: Lines): void {
  const { lines, rows, segments, clamp, vectors, count } = job;
  const kernel = lowering.kernel(`gemm_${vectors}`, () => gemmKernel(lowering.module, vectors));
  const emitCall = (a: Operand<"i32">, out: Operand<"i32">, rowCount: number): void => {
    const rowArguments = [a, rows.aStep, rowCount, out, rows.outStep, job.weights] as const;
    const table = [segments.table, segments.count * 4, segments.bytes] as const;
    f.call(kernel, ...rowArguments, ...table, f32(clamp[0]), f32(clamp[1]));
  };
  if (lines.count === 1) return emitCall(job.a, job.out, count);
  const a = f.local("i32");
  const out = f.local("i32");
  f.set(a, job.a);
  f.set(out, job.out);
  f.forRange(f.local("i32"), { begin: 0, end: count, step: 1 }, () => {
    emitCall(a, out, rows.count);
    f.increment(a, lines.aStep);
    f.increment(out, lines.outStep);
  });
}
