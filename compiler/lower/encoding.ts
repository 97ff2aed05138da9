/** Encodings of activations, whatever their element type. */
import { activationOf, clampedFormat, encodingOf, operatorOf, storedBounds } from "../ir/index.ts";
import type { AttributeReader, Bounds, Encoding, Node, TensorType } from "../ir/index.ts";
import { halfBits } from "../ir/half-function.ts";

/** Floats are stored as they are. */
export function storedEncoding(type: TensorType): Encoding {
  return type.dtype === "f16" ? { scale: 1, zeroPoint: 0 } : encodingOf(type);
}

/** A node with a clamp, and the type of its output. */
interface Clamped {
  readonly node: Node;
  readonly attributes: AttributeReader;
  readonly outputType: TensorType;
}

/** The clamp of a node in stored numbers, by the rule of its row; fp16 as bits. */
export function clampBounds({ node, attributes, outputType }: Clamped): Bounds {
  const [low, high] = [attributes.number("clamp_min"), attributes.number("clamp_max")];
  if (outputType.dtype === "f16") return { low: halfBits(low), high: halfBits(high) };
  if (operatorOf(node).quantized === "fixed") {
    return clampedFormat(outputType, { minimum: low, maximum: high });
  }
  return storedBounds([low, high], encodingOf(outputType), activationOf(outputType));
}
