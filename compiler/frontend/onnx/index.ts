/** The ONNX front end. */
export { importOnnx, importOnnxMessage } from "./import.ts";
export type { ImportOptions } from "./import.ts";
export { decodeModel, decodeValue, encodeModel } from "./decode.ts";
export type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OptionalProto,
  SequenceProto,
  TensorProto,
  TypeProto,
} from "./decode.ts";
export type { ReadExternal } from "./external.ts";
export { readTensor } from "./tensors.ts";
export { LIMITS } from "./failure.ts";
export type { ImportCode } from "./failure.ts";
