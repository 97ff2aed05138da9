/** Convolutions and matrix products as the matrix engine sees them. */
import { divCeil } from "../../../protocol/base/integers.ts";
import type { ConvolutionGeometry, FixedMultiplier } from "../../ir/index.ts";
import type { Grid } from "../grid.ts";
import type { ValueId } from "../stage.ts";

/** [out][in / groups][kernel height][kernel width] or a matrix, as each row says; fp16 as bits. */
export type Weights = Int8Array | Int16Array | Uint16Array;

/** In fixed point: rounded once from 16 bits of each multiplier, for int16 alone, or twice from all 31. */
export interface FixedRequantization {
  readonly rounds: "once" | "twice";
  /** One per output channel. */
  readonly multipliers: readonly FixedMultiplier[];
}

/** What the accumulators start from and how they are requantised. */
export interface Requantization {
  readonly zeroPointIn: number;
  readonly zeroPointOut: number;
  /** One multiplier per output channel. */
  readonly multipliers: Float32Array;
  /** In their place. */
  readonly fixed?: FixedRequantization;
  readonly low: number;
  readonly high: number;
}

export interface MatrixNode {
  readonly node: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly inputGrid: Grid;
  readonly outputGrid: Grid;
  readonly geometry: ConvolutionGeometry;
  /** [out][in / groups][kernel height][kernel width], or with `outputsLast` a matrix [in][out]; fp16 as bits. */
  readonly weights: Weights;
  readonly outputsLast?: boolean;
  /** What counts as zero among int8 weights. */
  readonly weightZero: number;
  readonly bias: ArrayLike<number> | undefined;
  readonly requantization: Requantization;
  /** Weights above twice this size are brought in and used in parts of about this size. */
  readonly chunkBytes: number;
  /** Rows made at a time where the weights come in parts. */
  readonly partRows: number;
}

/** Input tiles that the 32 channels of an output tile read; a part of them where the groups allow. */
export interface TileRange {
  readonly begin: number;
  readonly count: number;
}

export function tileRange(
  { geometry: g }: Pick<MatrixNode, "geometry">,
  outputTile: number,
): TileRange {
  const outPerGroup = g.outChannels / g.groups;
  const inPerGroup = g.inChannels / g.groups;
  const lastChannel = Math.min(outputTile * 32 + 31, g.outChannels - 1);
  const firstGroup = Math.floor((outputTile * 32) / outPerGroup);
  const lastGroup = Math.floor(lastChannel / outPerGroup);
  const begin = Math.floor((firstGroup * inPerGroup) / 32);
  const end = divCeil((lastGroup + 1) * inPerGroup, 32);
  return { begin, count: end - begin };
}
