/** Encodings of activations, whatever their element type. */
import { activationOf, encodingOf, storedBounds } from "../ir/index.ts";
import type { AttributeReader, Encoding, TensorType } from "../ir/index.ts";
import { halfBits } from "../ir/half-function.ts";

/** Floats are stored as they are. */
export function storedEncoding(type: TensorType): Encoding {
  return type.dtype === "f16" ? { scale: 1, zeroPoint: 0 } : encodingOf(type);
}

/** The clamp of a node in stored numbers; fp16 as bits. */
export function clampBounds(
  attributes: AttributeReader,
  type: TensorType,
): { readonly low: number; readonly high: number } {
  const [low, high] = [attributes.number("clamp_min"), attributes.number("clamp_max")];
  if (type.dtype === "f16") return { low: halfBits(low), high: halfBits(high) };
  return storedBounds([low, high], encodingOf(type), activationOf(type));
}
