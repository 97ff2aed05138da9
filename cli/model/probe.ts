/** What goes into a backend under comparison, and what comes out. */
import type { Graph } from "../../compiler/ir/index.ts";

/** float32, row-major, by value name. */
export type Values = ReadonlyMap<string, Float32Array>;

export interface Probe {
  /** Optimised, in float32. */
  readonly graph: Graph;
  readonly inputs: Values;
  /** The chip's name. */
  readonly soc: string;
}
