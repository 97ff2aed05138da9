/** One value over whole vectors of memory. */
import { linear } from "../emitter.ts";
import type { Emitter } from "../emitter.ts";
import type { Fill } from "../stage.ts";

export interface FilledVectors extends Fill {
  /** VTCM offset of the first vector. */
  readonly at: number;
  readonly vectors: number;
  /** From one vector to the next; absent where they follow each other. */
  readonly strideBytes?: number;
}

export function emitFill(emit: Emitter, from: FilledVectors): void {
  const { format, value, at, vectors, strideBytes = format.vectorBytes } = from;
  emit.vector({
    format,
    kernel: `fill_${format.dtype}`,
    shape: { parameters: { value } },
    operands: { y: linear(at, strideBytes) },
    vectors,
  });
}
