/** Micro-ops over fp16, int16 and pixels. */
import type { MicroOpName } from "../../../protocol/isa/index.ts";
import { HALF_ROWS } from "../../../protocol/isa/micro-halves.ts";
import type { Kernel } from "./micro-kernel.ts";

type HalfName = keyof typeof HALF_ROWS & MicroOpName;

const trap: Kernel = (f) => f.trap();

export const HALF_KERNELS = Object.fromEntries(
  Object.keys(HALF_ROWS).map((name) => [name, trap]),
) as Readonly<Record<HalfName, Kernel>>;
