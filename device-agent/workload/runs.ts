/** One run's values: float32, all ports one after another in the model's order, little-endian bytes. */
import { product } from "../../protocol/base/integers.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import type { PortType } from "../../protocol/abi/index.ts";

export function bytesOfRun(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

export function runOfBytes(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

export function elementsOf(ports: readonly Pick<PortType, "shape">[]): number {
  return ports.reduce((total, { shape }) => total + product(shape), 0);
}

/** By port name; views of `values`. */
export function splitRun(
  values: Float32Array,
  ports: readonly Pick<PortType, "name" | "shape">[],
): ReadonlyMap<string, Float32Array> {
  const split = new Map<string, Float32Array>();
  let offset = 0;
  for (const { name, shape } of ports) {
    const end = offset + product(shape);
    split.set(name, values.subarray(offset, end));
    offset = end;
  }
  return split;
}

/** The ports' values one after another; a port that is missing counts as not a number. */
export function joinRun(
  values: ReadonlyMap<string, Float32Array>,
  ports: readonly Pick<PortType, "name" | "shape">[],
): Float32Array {
  const whole = new Float32Array(elementsOf(ports)).fill(Number.NaN);
  for (const [name, target] of splitRun(whole, ports)) {
    const found = values.get(name);
    if (found?.length === target.length) target.set(found);
  }
  return whole;
}

/** Standard normal values, for models that come without inputs of their own. */
export function seededRun(ports: readonly Pick<PortType, "shape">[], seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: elementsOf(ports) }, () => random.normal());
}
