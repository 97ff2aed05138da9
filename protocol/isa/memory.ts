/** How instructions name memory: addresses, windows of activations, operands of vector runs. */

/** A place in memory. `region` indexes the program's region table; region 0 is VTCM. */
export interface Address {
  readonly region: number;
  /** Bytes from the start of the region, below 2^48. */
  readonly offset: number;
}

/**
 * A view of an activation tensor through a table of crouton pointers in VTCM.
 * Pixel (y, x) of channel tile t lies in the crouton whose VTCM offset is the u32 at
 * table + 4 * (t * tilePitch + (y >> 3) * rowPitch + (x >> 3)), at byte ((y & 7) * 8 + (x & 7)) * 32.
 * Where the instruction reads 16-bit elements, croutons are 4 columns wide: the entry's column is x >> 2, and
 * channel c lies at byte ((y & 7) * 2 + ((x & 3) >> 1)) * 128 + c * 4 + (x & 1) * 2 of the crouton.
 * Output position (row, column) and tap (dy, dx) read pixel
 * (originY + row * strideY + dy, originX + column * strideX + dx), which is never negative:
 * a halo is a pointer to a crouton that holds the zero point.
 */
export interface Window {
  readonly table: Address;
  readonly originY: number;
  readonly originX: number;
  readonly rowPitch: number;
  readonly tilePitch: number;
  readonly strideY: number;
  readonly strideX: number;
}

/**
 * A stream of vectors that the micro-ops of one run load from or store to.
 * `pixels`: pixel p of vector i lies at the VTCM offset that the u32 at table + 4 * (4 * i + p) holds, plus
 * offsetBytes; its channels follow as in a crouton: every byte (int8), every four bytes (16-bit elements).
 */
export type Operand =
  | { readonly kind: "linear"; readonly address: Address; readonly strideBytes: number }
  | { readonly kind: "window"; readonly window: Window }
  | { readonly kind: "pixels"; readonly table: Address; readonly offsetBytes: number };

export const VTCM_REGION = 0;
export const CROUTON_BYTES = 2048;
/** int8 croutons: 8 rows x 8 columns x 32 channels, channel fastest. */
export const CROUTON_ROWS = 8;
export const CROUTON_COLUMNS = 8;
/** 16-bit croutons: 8 rows x 2 column pairs x 32 channels x 2 columns (hexagon-mlir Common.h, 8x2x32x2). */
export const CROUTON_COLUMNS_16 = 4;
export const CROUTON_CHANNELS = 32;
export const VECTOR_BYTES = 128;
export const WEIGHT_TILE_BYTES = 1024;
export const WEIGHT_TILE_BYTES_16 = 2048;
export const ACCUMULATOR_SETS = 2;
export const VECTOR_REGISTERS = 16;
