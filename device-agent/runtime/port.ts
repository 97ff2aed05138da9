/** Between what an application sees (float32, row-major) and what lies in a port's region. */
import { assert, unreachable } from "../../protocol/base/assert.ts";
import { decodeHalf, encodeHalf } from "../../protocol/base/half.ts";
import type { PixelElement, Port, Storage } from "../../protocol/program/index.ts";

type Pixels = Extract<Storage, { readonly kind: "pixels" }>;

type Stored = Pick<Port, "name" | "shape" | "storage">;

/** Elements of the tensor. */
export function elementCount(port: Pick<Port, "shape">): number {
  return port.shape.reduce((total, size) => total * size, 1);
}

/** Writes `values` (elementCount of them) into the region in its stored form. */
export function writePort(port: Stored, values: Float32Array, region: Uint8Array): void {
  assert(values.length === elementCount(port), `port ${port.name} has another size`);
  const { storage } = port;
  if (storage.kind === "float32") return region.set(bytesOf(values));
  const stored = storedPixels(storage, region);
  const isHalf = storage.element === "fp16";
  eachElement(pixelOrder(port, storage), (element, place) => {
    const value = values[element]!;
    stored[place] = isHalf ? encodeHalf(value) : quantized(value, storage);
  });
}

export function readPort(port: Stored, region: Uint8Array): Float32Array {
  const { storage } = port;
  const values = new Float32Array(elementCount(port));
  if (storage.kind === "float32") {
    bytesOf(values).set(region);
    return values;
  }
  const stored = storedPixels(storage, region);
  const { scale, zeroPoint } = storage;
  const isHalf = storage.element === "fp16";
  eachElement(pixelOrder(port, storage), (element, place) => {
    const value = stored[place]!;
    values[element] = isHalf ? decodeHalf(value) : (value - zeroPoint) * scale;
  });
  return values;
}

/** The region's elements, in place: it begins at a multiple of 128. */
function storedPixels(
  { element }: Pixels,
  { buffer, byteOffset, length }: Uint8Array,
): Int8Array | Int16Array | Uint16Array {
  switch (element) {
    case "int8":
      return new Int8Array(buffer, byteOffset, length);
    case "int16":
      return new Int16Array(buffer, byteOffset, length / 2);
    case "fp16":
      return new Uint16Array(buffer, byteOffset, length / 2);
    default:
      return unreachable(element);
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** 1.5 * 2^52: adding and subtracting it leaves no room for a fraction, and the addition rounds half to even. */
const ROUNDER = 6_755_399_441_055_744;

/** clamp(roundHalfEven(fround(real / scale)) + zeroPoint) to the element's range; NaN gives the zero point. */
export function quantized(
  real: number,
  encoding: {
    readonly scale: number;
    readonly zeroPoint: number;
    readonly element?: PixelElement;
  },
): number {
  const ratio = Math.fround(real / encoding.scale);
  if (Number.isNaN(ratio)) return encoding.zeroPoint;
  const bound = encoding.element === "int16" ? 32_768 : 128;
  const near = Math.min(Math.max(ratio, -4 * bound), 4 * bound);
  const whole = near + ROUNDER - ROUNDER;
  return Math.min(Math.max(whole + encoding.zeroPoint, -bound), bound - 1);
}

/** A tensor as [batch][channel][inner], stored as [batch][inner][channel]. */
interface PixelOrder {
  readonly batches: number;
  readonly channels: number;
  readonly inner: number;
}

/** Images may have their channels second of four axes; any other tensor already lies as its pixels do. */
function pixelOrder(port: Stored, { columns, channels }: Pixels): PixelOrder {
  const [batches = 1, second = 1, , fourth] = port.shape;
  const total = elementCount(port);
  // Where the last axis is as long, the columns tell.
  const isSecond = second === channels && (fourth !== channels || columns === fourth);
  if (port.shape.length !== 4 || !isSecond) return { batches: 1, channels: total, inner: 1 };
  return { batches, channels: second, inner: total / (batches * second) };
}

function eachElement(order: PixelOrder, act: (element: number, place: number) => void): void {
  const { batches, channels, inner } = order;
  for (let batch = 0; batch < batches; batch++) {
    const base = batch * channels * inner;
    for (let channel = 0; channel < channels; channel++) {
      for (let at = 0; at < inner; at++) {
        act(base + channel * inner + at, base + at * channels + channel);
      }
    }
  }
}
