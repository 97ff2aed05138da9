/** The intermediate representation: data, the ops table, and what is derived from it. */
export type * from "./graph.ts";
export * from "./build.ts";
export * from "./channels.ts";
export * from "./evaluate.ts";
export * from "./expression.ts";
export * from "./infer.ts";
export * from "./fixed-16.ts";
export * from "./fixed-point.ts";
export * as fixedFunctions from "./ops/fixed/functions.ts";
export {
  fixedProductScale,
  productShift,
  raisedNumbers,
  shiftedNumbers,
} from "./ops/fixed/pairs.ts";
export type { RaisedSum, ShiftedSum } from "./ops/fixed/pairs.ts";
export { productMultipliers } from "./ops/fixed/requantize.ts";
export { storedExponentials } from "./ops/fixed/softmax.ts";
export { CHOICES_MAX } from "./ops/fixed/choice.ts";
export { differenceFactor, meanNumbers, resizeNeighbours } from "./ops/fixed/windows.ts";
export type { StoredAxis } from "./ops/fixed/windows.ts";
export * from "./int8.ts";
export * from "./narrow-floats.ts";
export type {
  AttributeReader,
  AttributeRule,
  ElementRule,
  EvaluationCall,
  Evaluator,
  InferenceCall,
  Operator,
  QuantizedRule,
} from "./operator.ts";
export * from "./ops.ts";
export { parse } from "./parse.ts";
export type { ParseCode, ParseOptions } from "./parse.ts";
export { contentDigest, print, printedTensors } from "./print.ts";
export type { PrintOptions } from "./print.ts";
export { convGeometry, convTransposeGeometry } from "./ops/convolution.ts";
export type { ConvolutionGeometry } from "./ops/convolution.ts";
export { fixedWindowCount, poolGeometry } from "./ops/pooling.ts";
export type { PoolGeometry } from "./ops/pooling.ts";
export type { WindowGeometry } from "./ops/window.ts";
export { nearestSource, neighbours, resizeAxes, sourceCoordinate } from "./ops/resize.ts";
export type { ResizeAxis } from "./ops/resize.ts";
export * from "./real.ts";
export * from "./specialize.ts";
export * from "./tensor.ts";
export * from "./topology.ts";
export * from "./value.ts";
export * from "./verify.ts";
