/** The ONNX front end. */
export { importOnnx } from "./import.ts";
export type { ImportOptions } from "./import.ts";
export { decodeModel, encodeModel } from "./decode.ts";
export type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from "./decode.ts";
export { LIMITS } from "./failure.ts";
export type { ImportCode } from "./failure.ts";
