/** Operators on stored numbers whose arithmetic is that of the runtime the model was made for. */
import { FIXED_CAST_OPS } from "./cast.ts";
import { FIXED_CHOICE_OPS } from "./choice.ts";
import { FIXED_PAIR_OPS } from "./pairs.ts";
import { FIXED_PRODUCT_OPS } from "./products.ts";
import { FIXED_RECURRENT_OPS } from "./recurrent.ts";
import { FIXED_SOFTMAX_OPS } from "./softmax.ts";
import { FIXED_WINDOW_OPS } from "./windows.ts";

export const FIXED_OPS = {
  ...FIXED_PRODUCT_OPS,
  ...FIXED_PAIR_OPS,
  ...FIXED_WINDOW_OPS,
  ...FIXED_CAST_OPS,
  ...FIXED_CHOICE_OPS,
  ...FIXED_SOFTMAX_OPS,
  ...FIXED_RECURRENT_OPS,
} as const;
