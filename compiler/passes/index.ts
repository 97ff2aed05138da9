/** Graph to graph: what is computed once, what is fused, what is dropped. */
export type { Pass } from "./pass.ts";
export { optimize, PASSES, passesNamed } from "./pipeline.ts";
export type { OptimizeOptions } from "./pipeline.ts";
export { eliminateDeadCode } from "./eliminate-dead-code.ts";
export { foldAffine } from "./fold-affine.ts";
export { foldBatchNorm } from "./fold-batch-norm.ts";
export { foldConstants } from "./fold-constants.ts";
export { fuseClamp } from "./fuse-clamp.ts";
export { fusePointwise } from "./fuse-pointwise.ts";
export { lowerGemm } from "./lower-gemm.ts";
export { simplify } from "./simplify.ts";
export {
  adopt,
  adoptMixed,
  isStored,
  movedAsReals,
  realNode,
  STORED_PASSES,
  tablesFirst,
} from "./stored/index.ts";
