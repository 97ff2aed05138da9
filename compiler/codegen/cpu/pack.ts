/** Packs constant weights for the matrix kernel: blocks of columns, each bias first, then [k][column]. */
import { FLOAT_BYTES, VECTOR_FLOATS } from "./program.ts";

/** Columns of a full block; what remains of up to four columns is a half block. */
export const BLOCK_COLUMNS = 8;

export interface WeightMatrix {
  readonly data: Float32Array;
  readonly bias: Float32Array | undefined;
  /** Element (k, column) is data[depthOffsets[k] + columnOffsets[column]]. */
  readonly depthOffsets: readonly number[];
  readonly columnOffsets: readonly number[];
  /** Index of the first column's bias. */
  readonly biasStart: number;
}

export interface Packing {
  readonly columns: number;
  readonly fullBlocks: number;
  readonly hasHalfBlock: boolean;
  readonly fullBlockBytes: number;
  readonly bytes: number;
}

export function packingOf(columns: number, depth: number): Packing {
  const remaining = columns % BLOCK_COLUMNS;
  const hasHalfBlock = remaining > 0 && remaining <= VECTOR_FLOATS;
  const fullBlocks = Math.floor(columns / BLOCK_COLUMNS) + (remaining > VECTOR_FLOATS ? 1 : 0);
  const fullBlockBytes = (depth + 1) * BLOCK_COLUMNS * FLOAT_BYTES;
  const bytes = fullBlocks * fullBlockBytes + (hasHalfBlock ? fullBlockBytes / 2 : 0);
  return { columns, fullBlocks, hasHalfBlock, fullBlockBytes, bytes };
}

/** Columns beyond the last, and elements whose offset lies beyond the data, are zero. */
export function packWeights(matrix: WeightMatrix): Uint8Array {
  const { columnOffsets, depthOffsets } = matrix;
  const packing = packingOf(columnOffsets.length, depthOffsets.length);
  const packed = new Float32Array(packing.bytes / FLOAT_BYTES);
  const depths = Int32Array.from(depthOffsets);
  for (let first = 0; first < columnOffsets.length; first += BLOCK_COLUMNS) {
    const columns = columnOffsets.slice(first, first + BLOCK_COLUMNS);
    const isHalf = columns.length <= VECTOR_FLOATS;
    const width = isHalf ? VECTOR_FLOATS : BLOCK_COLUMNS;
    const block = packed.subarray((depths.length + 1) * first);
    columns.forEach((columnOffset, column) => {
      block[column] = matrix.bias?.[matrix.biasStart + first + column] ?? 0;
      packColumn(block.subarray(width + column), matrix.data, { columnOffset, depths, width });
    });
  }
  return new Uint8Array(packed.buffer);
}

interface Column {
  readonly columnOffset: number;
  readonly depths: Int32Array;
  readonly width: number;
}

function packColumn(to: Float32Array, from: Float32Array, column: Column): void {
  const { columnOffset, depths, width } = column;
  for (let k = 0; k < depths.length; k++) {
    to[k * width] = from[depths[k]! + columnOffset] ?? 0;
  }
}
