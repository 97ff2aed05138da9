/** What a version of the driver is: which passes it runs and how it lowers. */
import type { LoweringOptions } from "../lower/index.ts";

export interface Recipe {
  readonly version: string;
  readonly lowering: LoweringOptions;
}
