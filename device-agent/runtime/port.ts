/** Between what an application sees (float32, row-major) and what lies in a port's region. */
import { assert } from "../../protocol/base/assert.ts";
import type { Port, Storage } from "../../protocol/program/index.ts";

type Pixels = Extract<Storage, { readonly kind: "pixels" }>;

/** Elements of the tensor. */
export function elementCount(port: Port): number {
  return port.shape.reduce((total, size) => total * size, 1);
}

/** Writes `values` (elementCount of them) into the region in its stored form. */
export function writePort(port: Port, values: Float32Array, region: Uint8Array): void {
  assert(values.length === elementCount(port), `port ${port.name} has another size`);
  const { storage } = port;
  if (storage.kind === "float32") return region.set(bytesOf(values));
  const stored = new Int8Array(region.buffer, region.byteOffset, region.length);
  const order = pixelOrder(port, storage);
  eachElement(order, (element, place) => {
    stored[place] = quantized(values[element]!, storage);
  });
}

export function readPort(port: Port, region: Uint8Array): Float32Array {
  const { storage } = port;
  const values = new Float32Array(elementCount(port));
  if (storage.kind === "float32") {
    bytesOf(values).set(region);
    return values;
  }
  const stored = new Int8Array(region.buffer, region.byteOffset, region.length);
  const { scale, zeroPoint } = storage;
  eachElement(pixelOrder(port, storage), (element, place) => {
    values[element] = (stored[place]! - zeroPoint) * scale;
  });
  return values;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** 1.5 * 2^52: adding and subtracting it leaves no room for a fraction, and the addition rounds half to even. */
const ROUNDER = 6_755_399_441_055_744;

/** clamp(roundHalfEven(fround(real / scale)) + zeroPoint, -128, 127); NaN gives the zero point. */
export function quantized(
  real: number,
  encoding: { readonly scale: number; readonly zeroPoint: number },
): number {
  const ratio = Math.fround(real / encoding.scale);
  if (Number.isNaN(ratio)) return encoding.zeroPoint;
  const near = Math.min(Math.max(ratio, -1024), 1024);
  const whole = near + ROUNDER - ROUNDER;
  return Math.min(Math.max(whole + encoding.zeroPoint, -128), 127);
}

/** A tensor as [batch][channel][inner], stored as [batch][inner][channel]. */
interface PixelOrder {
  readonly batches: number;
  readonly channels: number;
  readonly inner: number;
}

/** Channels are the second axis, as in NCHW; a tensor that has them last already lies as its pixels do. */
function pixelOrder(port: Port, storage: Pixels): PixelOrder {
  const [batches = 1, second] = port.shape;
  const total = elementCount(port);
  const isChannelSecond = port.shape.length > 2 && second === storage.channels;
  if (!isChannelSecond) return { batches: 1, channels: total, inner: 1 };
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
