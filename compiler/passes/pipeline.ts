/** The ordered list of passes, and how it is run: verify, pass, verify. */
import { assert, present } from "../../protocol/base/assert.ts";
import { verify } from "../ir/index.ts";
import type { Graph } from "../ir/index.ts";
import { eliminateDeadCode } from "./eliminate-dead-code.ts";
import { foldAffine } from "./fold-affine.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { foldConstants } from "./fold-constants.ts";
import { fuseClamp } from "./fuse-clamp.ts";
import { fusePointwise } from "./fuse-pointwise.ts";
import { lowerGemm } from "./lower-gemm.ts";
import { lowerSplit } from "./lower-split.ts";
import type { Pass } from "./pass.ts";
import { simplify } from "./simplify.ts";
import { fuseStored } from "./stored/fuse.ts";

/** Stored groups are told by their conversions, before those fold; clamps are fused before functions, so that a ReLU goes to its convolution. */
export const PASSES = [
  fuseStored,
  foldConstants,
  simplify,
  lowerSplit,
  lowerGemm,
  foldBatchNorm,
  foldAffine,
  fuseClamp,
  fusePointwise,
  eliminateDeadCode,
] as const satisfies readonly Pass[];

export interface OptimizeOptions {
  /** Called with the graph after every pass; dumps come from here. */
  readonly after?: (passName: string, graph: Graph) => void;
}

/** The graph after all passes. A pass that breaks the graph is a bug and throws with its name. */
export function optimize(
  graph: Graph,
  passes: readonly Pass[] = PASSES,
  options: OptimizeOptions = {},
): Graph {
  let current = graph;
  requireValid(current, "the front end");
  for (const pass of passes) {
    current = pass.run(current);
    requireValid(current, pass.name);
    options.after?.(pass.name, current);
  }
  return current;
}

function requireValid(graph: Graph, author: string): void {
  const result = verify(graph);
  assert(result.ok, `${author} left an invalid graph: ${result.ok ? "" : result.message}`);
}

/** The passes of these names, in the given order. */
export function passesNamed(names: readonly string[]): readonly Pass[] {
  const known = new Map<string, Pass>(PASSES.map((pass) => [pass.name, pass]));
  return names.map((name) => present(known.get(name), `pass ${name}`));
}
