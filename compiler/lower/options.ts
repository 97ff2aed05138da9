/** What a release decides about lowering. */
import type { FormatName } from "./format.ts";

export interface LoweringOptions {
  /** Where activations live between groups of stages: "ddr", or "vtcm" wherever the plan has room. */
  readonly homes: "ddr" | "vtcm";
  /** Elementwise stages run row by row right behind their producer. */
  readonly follow: boolean;
  /** Channel-aligned concatenations are written in place by the producers of their parts. */
  readonly concatInPlace: boolean;
  /** Weights are fetched as early as VTCM has room. */
  readonly prefetch: boolean;
  /** The matrix engine takes its share of depthwise convolutions, with one weight a channel on a diagonal. */
  readonly matrixDepthwise: boolean;
  /**
   * Depthwise convolutions read a copy whose lanes outside the image are filled anew, as pooling does, though here
   * whoever wrote them has left the zero point there.
   */
  readonly fillDepthwise: boolean;
  /** Inputs of these types and few channels are brought in with the columns of their first window as channels. */
  readonly gatherInput: readonly FormatName[];
  /** 16-bit inputs of one plane a channel are turned on their way in, by a task for every vector of them. */
  readonly turnPlanes: boolean;
  /** Transposed convolutions that lead to an output stay one pixel a window until they are written out. */
  readonly phased: boolean;
  /** Weights above twice this size are brought in and used in parts of about this size. */
  readonly weightChunkBytes: number;
}

/** What is given up in turn where a model does not fit, each with all before it; in the end all activations are in DDR. */
export const SAVINGS: readonly Partial<LoweringOptions>[] = [
  // Tensors that are part of others cannot move to DDR alone.
  { concatInPlace: false, matrixDepthwise: false, fillDepthwise: false },
  // Stages of one group are in memory together.
  { follow: false, prefetch: false },
  { homes: "ddr" },
];
