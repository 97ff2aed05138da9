/** Products on the matrix engine by element type: sizes of tiles and constants, and the instructions. */
import { WEIGHT_TILE_BYTES, WEIGHT_TILE_BYTES_16 } from "../../../protocol/isa/index.ts";
import type { FieldsOf } from "../../../protocol/isa/index.ts";
import { vtcm } from "../emitter.ts";
import type { Emitter } from "../emitter.ts";
import type { FormatName } from "../format.ts";
import type { FixedRequantization } from "./matrix-node.ts";

export interface ProductFormat {
  readonly weightBytes: 1 | 2;
  readonly tileBytes: number;
  /** Of 32 accumulators' first values; the multipliers lie behind them. */
  readonly biasBytes: number;
  readonly constantBytes: number;
}

export const PRODUCTS: Readonly<Record<FormatName, ProductFormat>> = {
  i8: { weightBytes: 1, tileBytes: WEIGHT_TILE_BYTES, biasBytes: 128, constantBytes: 256 },
  i16: { weightBytes: 1, tileBytes: WEIGHT_TILE_BYTES, biasBytes: 256, constantBytes: 384 },
  f16: { weightBytes: 2, tileBytes: WEIGHT_TILE_BYTES_16, biasBytes: 128, constantBytes: 128 },
};

/** Multipliers of 32 channels. */
export const MULTIPLIER_BYTES = 128;

/** Products of two activations: both have their type. */
export const PAIR_PRODUCTS: typeof PRODUCTS = {
  ...PRODUCTS,
  i16: { ...PRODUCTS.i16, weightBytes: 2, tileBytes: WEIGHT_TILE_BYTES_16 },
};

/** Biases from their float or whole values; `constants` begins where the 32 biases of a tile lie. */
export function writeBias(
  dtype: FormatName,
  constants: DataView,
  at: { lane: number; value: number },
): void {
  switch (dtype) {
    case "i8":
      return constants.setInt32(4 * at.lane, at.value | 0, true);
    case "i16":
      return constants.setBigInt64(8 * at.lane, BigInt(at.value), true);
    case "f16":
      // Adding +0 turns a negative zero, which no sum may begin with, into a positive one.
      return constants.setFloat32(4 * at.lane, at.value + 0, true);
  }
}

export type Product = Omit<FieldsOf<"hmx.mac">, "set" | "rows" | "columns">;

export interface CroutonProduct {
  readonly dtype: FormatName;
  /** Of one weight. */
  readonly weightBytes: 1 | 2;
  readonly set: number;
  /** Positions of the output crouton that are computed. */
  readonly rows: number;
  readonly columns: number;
  /** VTCM offsets; fp16 has no multipliers. */
  readonly bias: number;
  readonly multipliers: number;
  /** How sums are requantised in fixed point, where they are: int8 always rounds twice. */
  readonly rounds: FixedRequantization["rounds"] | undefined;
  readonly product: Product;
  /** Of int8 weights. */
  readonly weightZero: number;
  readonly destination: number;
  readonly zeroPoint: number;
  /** Bounds as they are stored: fp16 bits for fp16. */
  readonly low: number;
  readonly high: number;
}

/** Of hmx.store_i16. */
const MODES = { real: 0, once: 1, twice: 2 } as const;

/** Bias, products, and the way out of one output crouton. */
export function emitProduct(emit: Emitter, from: CroutonProduct): void {
  const { dtype, weightBytes, weightZero, set, rows, columns, zeroPoint, low, high } = from;
  const bias = vtcm(from.bias);
  const destination = vtcm(from.destination);
  const multipliers = vtcm(from.multipliers);
  const area = { set, rows, columns };
  switch (dtype) {
    case "i8":
      emit.matrix({ op: "hmx.load", set, bias });
      if (weightZero === 0) emit.matrix({ op: "hmx.mac", ...area, ...from.product });
      else emit.matrix({ op: "hmx.mac_zero", ...area, ...from.product, weightZero });
      return emit.matrix({
        ...(from.rounds === undefined ? { op: "hmx.store", mode: 0 } : { op: "hmx.store_fixed" }),
        ...{ ...area, destination, multipliers, zeroPoint, low, high },
      });
    case "i16":
      emit.matrix({ op: "hmx.load_i64", set, bias });
      emit.matrix({ op: "hmx.mac_i16", ...area, ...from.product, weightBytes });
      return emit.matrix({
        ...{ op: "hmx.store_i16", mode: MODES[from.rounds ?? "real"], ...area },
        ...{ destination, multipliers, zeroPoint, low, high },
      });
    case "f16":
      emit.matrix({ op: "hmx.load_f16", set, bias });
      emit.matrix({ op: "hmx.mac_f16", ...area, ...from.product });
      return emit.matrix({ op: "hmx.store_f16", ...area, destination, low, high });
  }
}
