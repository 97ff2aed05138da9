/** The range of every whole-number type. */
import type { DType } from "./graph.ts";

/** Lowest and highest value; those of 64-bit types are the nearest doubles inside. */
export const INTEGER_LIMITS: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  i64: [-(2 ** 63), 2 ** 63 - 1024],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  i16: [-32768, 32767],
  i8: [-128, 127],
  i4: [-8, 7],
  i2: [-2, 1],
  u64: [0, 2 ** 64 - 2048],
  u32: [0, 2 ** 32 - 1],
  u16: [0, 65535],
  u8: [0, 255],
  u4: [0, 15],
  u2: [0, 3],
  bool: [0, 1],
};
