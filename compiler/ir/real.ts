/** Stored numbers as an application sees them: real ones go in, real ones come out, as at a program's ports. */
import { storedFormat, storeNearest } from "./fixed-point.ts";
import type { Tensor, TensorType } from "./graph.ts";
import { numeric, tensor, tensorFrom } from "./tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

/** Float32 values as the type holds them. */
export function fromReal(type: TensorType, values: Float32Array): Tensor {
  if (type.quantization === undefined) return tensor(type, values);
  const format = storedFormat(type);
  return tensorFrom(type, (index) => storeNearest(values[index] ?? 0, format));
}

/** Whole numbers without an encoding are themselves. */
export function toReal(value: Tensor): Float32Array {
  const { type, data } = value;
  if (type.quantization === undefined && data instanceof Float32Array) return data;
  const stored = Float64Array.from(numeric(value), Number);
  if (type.quantization === undefined) return Float32Array.from(stored);
  const { scale, zeroPoint } = storedFormat(type);
  return Float32Array.from(stored, (each) => fround((each - zeroPoint) * scale));
}
