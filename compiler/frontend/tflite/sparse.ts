/**
 * Sparse tensors of the file to dense ones. The format (TACO) lists dimensions in traversal order,
 * blocks last; a dense one spans its size, a compressed one lists the indices that are there.
 */
import { product } from "../../../protocol/base/integers.ts";
import { allocate, DTYPE_BYTES, stridesOf, tensor } from "../../ir/index.ts";
import type { Tensor, TensorType } from "../../ir/index.ts";
import { refuse } from "../failure.ts";
import { elements } from "./elements.ts";
import { charge, readTable } from "./flat-buffer.ts";
import type { FlatFile } from "./flat-buffer.ts";
import { TABLES } from "./schema.ts";
import type { SparsityTable } from "./schema.ts";

export interface SparseTensor {
  readonly file: FlatFile;
  readonly sparsity: SparsityTable;
  /** The dense type. */
  readonly type: TensorType;
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** A few bytes must not claim gigabytes: 64 M elements, far above any published sparse layer. */
const DENSE_ELEMENTS_MAX = 2 ** 26;

/** One dimension in traversal order. */
interface Level {
  /** What a step along it adds to the dense row-major index. */
  readonly step: number;
  readonly size: number;
  /** Compressed: the entries of parent p are indices[segments[p]] up to indices[segments[p + 1]]. */
  readonly segments?: readonly number[];
  readonly indices?: readonly number[];
}

export function densified(sparse: SparseTensor): Tensor {
  const { type, bytes, name } = sparse;
  const count = product(type.shape);
  if (count > DENSE_ELEMENTS_MAX) {
    refuse("LIMIT_EXCEEDED", `${name} is sparse and has ${count} elements`, { node: name });
  }
  const dense = allocate(type.dtype, count);
  const stored = elements(bytes, type.dtype, bytes.length / Math.max(DTYPE_BYTES[type.dtype], 1));
  if (stored === undefined) return broken(sparse, "its values are cut off");
  const positions = positionsOf(sparse, levelsOf(sparse), stored.length);
  const target = dense as { [at: number]: number | bigint | string };
  for (const [index, position] of positions.entries()) target[position] = stored[index] ?? 0;
  return tensor(type, dense);
}

function broken(sparse: SparseTensor, reason: string): never {
  return refuse("BAD_MODEL", `${sparse.name} is sparse, and ${reason}`, { node: sparse.name });
}

/** The dense position of every stored value, level by level. */
function positionsOf(sparse: SparseTensor, levels: readonly Level[], count: number): number[] {
  const positions = levels.reduce(
    (parents, level) => parents.flatMap((base, at) => childrenOf(sparse, level, { base, at })),
    [0],
  );
  return positions.length === count ? positions : broken(sparse, "it has values without indices");
}

interface Parent {
  /** Its dense position, and its place among the entries of its level. */
  readonly base: number;
  readonly at: number;
}

function childrenOf(sparse: SparseTensor, level: Level, { base, at }: Parent): readonly number[] {
  return entriesOf(sparse, level, at).map((index) => {
    const inside = index >= 0 && index < level.size;
    return inside ? base + index * level.step : broken(sparse, "an index is outside");
  });
}

function entriesOf(sparse: SparseTensor, level: Level, parent: number): readonly number[] {
  const { segments, indices, size } = level;
  if (segments === undefined || indices === undefined) {
    charge(sparse.file, size);
    return Array.from({ length: size }, (_, index) => index);
  }
  const [start = 0, end = 0] = segments.slice(parent, parent + 2);
  charge(sparse.file, Math.max(end - start, 0));
  return indices.slice(Math.max(start, 0), Math.max(end, 0));
}

function levelsOf(sparse: SparseTensor): readonly Level[] {
  const { sparsity, type } = sparse;
  const { traversalOrder, blockMap, dimensions } = sparsity;
  const rank = type.shape.length;
  if (traversalOrder.length !== dimensions.length || dimensions.length !== rank + blockMap.length) {
    broken(sparse, "its dimensions do not fit its shape");
  }
  const strides = stridesOf(type.shape);
  const blockSizes = blockSizesOf(sparse);
  return traversalOrder.map((axis, at) => {
    const blocked = axis >= rank ? (blockMap[axis - rank] ?? -1) : axis;
    const stride = strides[blocked] ?? broken(sparse, "it is traversed along no dimension");
    const block = blockSizes.get(blocked) ?? 1;
    const size = axis >= rank ? block : Math.ceil((type.shape[axis] ?? 0) / block);
    const step = axis >= rank ? stride : stride * block;
    const table = dimensions[at];
    if (table?.format !== 1) return { step, size };
    const { segmentsType, segments, indicesType, indices } = table;
    return {
      step,
      size,
      segments: indexVector(sparse, segmentsType, segments),
      indices: indexVector(sparse, indicesType, indices),
    };
  });
}

/** Elements a block spans along each blocked axis: the dense size of the block's own dimension. */
function blockSizesOf({ sparsity, type }: SparseTensor): ReadonlyMap<number, number> {
  const { traversalOrder, blockMap, dimensions } = sparsity;
  const rank = type.shape.length;
  const sizes = new Map<number, number>();
  for (const [at, axis] of traversalOrder.entries()) {
    const blocked = axis >= rank ? blockMap[axis - rank] : undefined;
    if (blocked !== undefined) sizes.set(blocked, Math.max(dimensions[at]?.denseSize ?? 1, 1));
  }
  return sizes;
}

const INDEX_VECTORS = [undefined, "Int32Vector", "Uint16Vector", "Uint8Vector"] as const;

function indexVector(
  sparse: SparseTensor,
  kind: number,
  position: number | undefined,
): readonly number[] {
  const name = INDEX_VECTORS[kind];
  if (name === undefined || position === undefined) return broken(sparse, "it has no indices");
  return Array.from(readTable(sparse.file, position, TABLES[name]).values);
}
