/** What a layer-by-layer release would take at the least: the bound that its time is judged by. */
import { readFileSync } from "node:fs";
import type { Graph } from "../../compiler/ir/index.ts";
import { loadKernels } from "../../compiler/kernels/index.ts";
import { layerRoofline, lowerGraph } from "../../compiler/lower/index.ts";
import { importEncodings, quantize } from "../../compiler/quant/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import type { ReferenceSummary } from "../../protocol/abi/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { ModelSession } from "./session.ts";

const KERNELS = new URL("../../compiler/kernels/", import.meta.url);

/** Microseconds; null for a release that keeps activations on the chip, whose layers overlap. */
export function layerByLayerRoofline(of: {
  readonly graph: Graph;
  readonly session: ModelSession;
  readonly reference: ReferenceSummary;
  readonly recipe: Recipe;
  readonly soc: SocDescription;
}): Result<number | null> {
  const { session, reference, recipe, soc } = of;
  if (recipe.lowering.homes !== "ddr") return succeeded(null);
  const named = present(reference.encodings, "encodings");
  const encodings = importEncodings(fromUtf8(session.driver.get(named)));
  if (!encodings.ok) return encodings;
  const graph = quantize(of.graph, encodings.value);
  if (!graph.ok) return graph;
  const kernels = loadKernels((name) => readFileSync(new URL(name, KERNELS), "utf8"));
  const options = recipe.lowering;
  const lowered = lowerGraph({ graph: graph.value, soc, options, kernels });
  if (!lowered.ok) return lowered;
  return succeeded(layerRoofline(lowered.value.listing, soc).microseconds);
}
