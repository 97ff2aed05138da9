/** Post-training quantisation to int8. */
export { assignEncodings, encodingFor } from "./assign.ts";
export { exportEncodings, importEncodings } from "./encodings-json.ts";
export { equalize } from "./equalize.ts";
export type { Equalized } from "./equalize.ts";
export { quantize, quantizeMixed } from "./quantize.ts";
export type { MixedTypes, QuantizeCode } from "./quantize.ts";
export { calibrate, observe, rangesOf } from "./ranges.ts";
export type {
  ChannelStatistics,
  Encodings,
  Observations,
  Observe,
  ObservedValue,
  Range,
  RangeRule,
  Run,
} from "./ranges.ts";
export { toHalf } from "./half.ts";
export { signalToNoiseDb } from "./signal-to-noise.ts";
export { quantizeAccumulator } from "./weights.ts";
export type { AccumulatorSpec, QuantizedAccumulator } from "./weights.ts";
