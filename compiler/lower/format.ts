/** Element types on the chip: how their croutons are shaped. Everything else of the lowering asks here. */
import { CROUTON_BYTES, CROUTON_CHANNELS, CROUTON_ROWS } from "../../protocol/isa/index.ts";

export interface Format {
  readonly dtype: "i8" | "i16" | "f16";
  /** Of one element. */
  readonly bytes: 1 | 2;
  /** Pixels in one row of a crouton; every crouton has 8 rows of 32 channels. */
  readonly columns: 8 | 4;
  /** 32 channels of one pixel. */
  readonly pixelBytes: number;
  /** 128 elements. */
  readonly vectorBytes: number;
  readonly vectorsPerCrouton: number;
}

export type FormatName = Format["dtype"];

export const FORMATS: Readonly<Record<FormatName, Format>> = {
  i8: format("i8", 1),
  i16: format("i16", 2),
  f16: format("f16", 2),
};

/** Bytes from one pixel row of a crouton to the next, in every format. */
export const PIXEL_ROW_BYTES = CROUTON_BYTES / CROUTON_ROWS;

/** What vector code keeps as int32 or float32: a word for each of 32 lanes, of 4 pixels, of a vector's 128 elements. */
export const LANE_WORDS_BYTES = 4 * CROUTON_CHANNELS;
export const PIXEL_WORDS_BYTES = 4 * 4;
export const VECTOR_WORDS_BYTES = 4 * 128;

function format(dtype: FormatName, bytes: 1 | 2): Format {
  const columns = bytes === 1 ? 8 : 4;
  const vectorBytes = 128 * bytes;
  const vectorsPerCrouton = CROUTON_BYTES / vectorBytes;
  return {
    dtype,
    bytes,
    columns,
    pixelBytes: CROUTON_CHANNELS * bytes,
    vectorBytes,
    vectorsPerCrouton,
  };
}

export function isFormat(dtype: string): dtype is FormatName {
  return Object.hasOwn(FORMATS, dtype);
}
