/** Damage that knows nothing of the format: flips, cuts, repeats, runs of one value. */
import type { Random } from "../../../protocol/base/random.ts";

export function pick<T>(from: readonly T[], random: Random): T | undefined {
  return from[random.below(from.length)];
}

type Damage = (bytes: Uint8Array, random: Random) => Uint8Array;

const DAMAGES: readonly Damage[] = [flip, flip, cut, repeat, fill];

/** A changed copy; the same for the same state of `random`. */
export function damageBytes(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(random.below(256));
  return (pick(DAMAGES, random) ?? flip)(bytes, random);
}

function flip(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const count = 1 + random.below(4);
  for (let index = 0; index < count; index++) copy[random.below(copy.length)] = random.below(256);
  return copy;
}

function cut(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.slice(0, random.below(bytes.length));
}

function repeat(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length);
  const length = 1 + random.below(Math.min(64, bytes.length - at));
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]));
}

function fill(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const at = random.below(copy.length);
  copy.fill(pick([0, 1, 127, 128, 255], random) ?? 0, at, at + 1 + random.below(16));
  return copy;
}
