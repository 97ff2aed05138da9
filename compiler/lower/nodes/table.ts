/** Which function lowers each operator that the HTP has; a driver refuses every other one by name. */
import type { OpName } from "../../ir/index.ts";
import {
  lowerFixedSoftmax,
  lowerFunction,
  lowerNorm,
  lowerPair,
  lowerSoftmax,
} from "./arithmetic.ts";
import { lowerChoice } from "./choice.ts";
import type { NodeContext } from "./context.ts";
import { lowerConversion, lowerTable } from "./conversions.ts";
import { lowerConcat, lowerGather, lowerPad, lowerRename, lowerSlice } from "./moves.ts";
import {
  lowerAveragePool,
  lowerGlobalAverage,
  lowerMaxPool,
  lowerStoredAverage,
  lowerStoredMean,
} from "./pooling.ts";
import { lowerConv, lowerConvTranspose, lowerMatmul } from "./product.ts";
import { lowerLerp, lowerResize } from "./resize.ts";

type Lowering = (context: NodeContext) => void;

const TABLE = {
  conv: lowerConv,
  fixed_conv: lowerConv,
  conv_transpose: lowerConvTranspose,
  fixed_conv_transpose: lowerConvTranspose,
  matmul: lowerMatmul,
  fixed_matmul: lowerMatmul,
  add: lowerPair,
  sub: lowerPair,
  mul: lowerPair,
  fixed_add: lowerPair,
  fixed_sub: lowerPair,
  fixed_mul: lowerPair,
  fixed_div: lowerPair,
  fixed_max: lowerPair,
  fixed_min: lowerPair,
  fixed_prelu: lowerPair,
  fixed_squared_difference: lowerPair,
  lut_pair: lowerPair,
  lut: lowerTable,
  fixed_cast: lowerConversion,
  half_function: lowerFunction,
  lane_norm: lowerNorm,
  softmax: lowerSoftmax,
  lane_softmax: lowerSoftmax,
  fixed_softmax: lowerFixedSoftmax,
  fixed_argmax: lowerChoice,
  max_pool: lowerMaxPool,
  average_pool: lowerAveragePool,
  global_average_pool: lowerGlobalAverage,
  fixed_average_pool: lowerStoredAverage,
  fixed_mean: lowerStoredMean,
  identity: lowerRename,
  reshape: lowerRename,
  transpose: lowerRename,
  concat: lowerConcat,
  slice: lowerSlice,
  gather: lowerGather,
  pad: lowerPad,
  resize: lowerResize,
  lerp_resize: lowerLerp,
  fixed_resize: lowerLerp,
} as const satisfies Partial<Record<OpName, Lowering>>;

/** By operator. A lowering adds the node's stages, or throws CodedError with a LoweringCode. */
export const LOWERINGS: ReadonlyMap<string, Lowering> = new Map(Object.entries(TABLE));
