/** The micro-ops of HVX: ONE table, in three files. Frozen: rows are added, never changed; a code is never reused. */
import { FIXED_ROWS } from "./micro-fixed.ts";
import { HALF_ROWS } from "./micro-halves.ts";
import type { MicroRow } from "./micro-row.ts";
import { WORD_ROWS } from "./micro-words.ts";

const ROWS = { ...WORD_ROWS, ...FIXED_ROWS, ...HALF_ROWS };

export type MicroOpName = keyof typeof ROWS;
export const MICRO_OPS: Readonly<Record<MicroOpName, MicroRow>> = ROWS;

/** One micro-op. `a` and `b` are registers or, where the row says so, operand indices. */
export interface MicroOp {
  readonly op: MicroOpName;
  readonly d: number;
  readonly a: number;
  readonly b: number;
  /** An int32, or a float32 for the rows that say so; the tile and tap of a window load as the row says. */
  readonly immediate: number;
}

/** In the order in which they run. */
export const PHASES = ["prologue", "body", "epilogue"] as const;

/** Prologue and epilogue run once, the body once a vector. */
export type MicroCode = Readonly<Record<(typeof PHASES)[number], readonly MicroOp[]>>;
