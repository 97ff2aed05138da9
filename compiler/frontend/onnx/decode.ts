/** ONNX bytes to messages and back; numbers of 64 bits become plain numbers. */
import { onnx } from "./generated/onnx.js";
import { ImportError, refuse } from "./failure.ts";

export type ModelProto = onnx.IModelProto;
export type GraphProto = onnx.IGraphProto;
export type NodeProto = onnx.INodeProto;
export type AttributeProto = onnx.IAttributeProto;
export type TensorProto = onnx.ITensorProto;
export type ValueInfoProto = onnx.IValueInfoProto;
export type SparseTensorProto = onnx.ISparseTensorProto;
export type FunctionProto = onnx.IFunctionProto;
export type TypeProto = onnx.ITypeProto;
export type SequenceProto = onnx.ISequenceProto;
export type OptionalProto = onnx.IOptionalProto;

/** protobufjs gives a Long object where that package can be loaded, and a number elsewhere. */
export type Integer = number | { toNumber(): number } | null | undefined;

export function integer(value: Integer): number {
  if (value === null || value === undefined) return 0;
  return typeof value === "number" ? value : value.toNumber();
}

/** The message; byte fields are views on `bytes`. Throws ImportError BAD_MODEL. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    // A Node Buffer would make the decoder copy; a plain view makes it share.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return onnx.ModelProto.decode(view);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImportError("BAD_MODEL", `the file is no ONNX model: ${reason}`).because(error);
  }
}

/** A tensor, sequence or optional in a file of its own. Throws ImportError BAD_MODEL. */
export function decodeValue<K extends keyof ValueMessages>(
  kind: K,
  bytes: Uint8Array,
): ValueMessages[K] {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = {
    tensor: onnx.TensorProto,
    sequence: onnx.SequenceProto,
    optional: onnx.OptionalProto,
  }[kind];
  try {
    return reader.decode(view) as ValueMessages[K];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImportError("BAD_MODEL", `the file is no ${kind}: ${reason}`).because(error);
  }
}

export interface ValueMessages {
  readonly tensor: TensorProto;
  readonly sequence: SequenceProto;
  readonly optional: OptionalProto;
}

export function encodeModel(model: ModelProto): Uint8Array {
  return onnx.ModelProto.encode(model).finish();
}

/** Text of a byte field; throws ImportError BAD_MODEL when it is not UTF-8. */
export function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("BAD_MODEL", "a text attribute is not UTF-8");
  }
}
