/**
 * What a version of the driver decides. The graph passes are no part of it: encodings belong to their result,
 * and versions are compared on equal encodings.
 */
import type { LoweringOptions } from "../lower/index.ts";

export interface Recipe {
  readonly version: string;
  readonly lowering: LoweringOptions;
}
