/** The releases of the driver, oldest first: an ablation ladder over one lowering. */
import type { Recipe } from "./recipe.ts";
import { V1_0_0 } from "./v1.0.0.ts";
import { V1_1_0 } from "./v1.1.0.ts";

export type { Recipe } from "./recipe.ts";
export { PARITY } from "./parity.ts";

export const RELEASES: ReadonlyMap<string, Recipe> = new Map(
  [V1_0_0, V1_1_0].map((recipe) => [recipe.version, recipe]),
);
