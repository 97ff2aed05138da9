/** What the CPU code generator makes: a module, the data to place in its memory, and where values lie. */
import { product } from "../../../protocol/base/integers.ts";

/**
 * How a value lies in memory, float32 each: `rows` is row-major; `pixels` holds a value
 * [batch, channels, height, width] as [batch][height][width][pitch], pitch the channel count rounded
 * up to a multiple of four. The lanes that fill up a pixel have no meaning.
 */
export type Layout = "rows" | "pixels";

/** A named float32 value in row-major order. */
export interface CpuPort {
  readonly name: string;
  readonly shape: readonly number[];
  readonly memoryOffset: number;
}

/** A node's output; its bytes are there after `stage` has run and until the next stage begins. */
export interface CpuValue extends CpuPort {
  readonly layout: Layout;
  readonly stage: number;
}

/** Constant bytes to place before the first stage; parts are in ascending order and never overlap. */
export interface ImagePart {
  readonly memoryOffset: number;
  readonly bytes: Uint8Array;
}

export interface CpuProgram {
  readonly name: string;
  /** Imports "env"."memory" alone, exports `run(stage)`. */
  readonly module: Uint8Array;
  /** A multiple of the WebAssembly page. */
  readonly memoryBytes: number;
  /** Stages 0, 1, … run in order; stage i computes node i, the last one arranges the outputs. */
  readonly stages: readonly string[];
  readonly image: readonly ImagePart[];
  readonly inputs: readonly CpuPort[];
  readonly outputs: readonly CpuPort[];
  readonly values: readonly CpuValue[];
}

export const FLOAT_BYTES = 4;
export const VECTOR_FLOATS = 4;
export const VECTOR_BYTES = 16;

export function vectorsFor(floatCount: number): number {
  return Math.ceil(floatCount / VECTOR_FLOATS);
}

/** Floats from one pixel to the next. */
export function pitchOf(shape: readonly number[]): number {
  return vectorsFor(shape[1] ?? 1) * VECTOR_FLOATS;
}

/** Floats between neighbours along every axis of the logical shape. */
export function stridesIn(shape: readonly number[], layout: Layout): number[] {
  if (layout === "rows") return shape.map((_, axis) => product(shape.slice(axis + 1)));
  const [, , height = 1, width = 1] = shape;
  const pitch = pitchOf(shape);
  return [height * width * pitch, 1, width * pitch, pitch];
}

/** Bytes that a value takes, with one spare vector behind rows whose last vector may spill over. */
export function bytesIn(shape: readonly number[], layout: Layout): number {
  if (layout === "rows") return (vectorsFor(product(shape)) + 1) * VECTOR_BYTES;
  const [batch = 1, , height = 1, width = 1] = shape;
  return batch * height * width * pitchOf(shape) * FLOAT_BYTES;
}
