/** The half of the cases that nobody thought of: bytes and JSON structures, altered at random. */
import type { Random } from "../../../protocol/base/random.ts";
import type { Signer } from "../../../protocol/crypto/index.ts";
import { packStick } from "../../../protocol/bundle/index.ts";
import { pick } from "./attack.ts";
import { KEYS, rootJson, type DeviceDraft, type Recipe } from "./recipe.ts";
import { OLD_FILES, type World } from "./world.ts";

/** Before signing: one document loses its shape, and is signed by its own keys or by others. */
export function mutateRecipe(recipe: Recipe, random: Random): void {
  const wrong = [KEYS.stranger, KEYS.revoked, KEYS.director, KEYS.targets, []];
  const signersOr = (own: readonly Signer[]) => (random.below(2) ? own : pick(wrong, random));
  switch (random.below(6)) {
    case 0:
      recipe.root = { json: altered(rootJson(3), random), signers: signersOr(KEYS.root) };
      break;
    case 1:
      recipe.targets = {
        json: altered(recipe.targets.json, random),
        signers: signersOr(KEYS.targets),
      };
      break;
    case 2:
      recipe.delegate = {
        json: altered(recipe.delegate.json, random),
        signers: signersOr(KEYS.delegate),
      };
      break;
    case 3:
      recipe.snapshot = {
        edit: (json) => altered(json, random),
        signers: signersOr(KEYS.snapshot),
      };
      break;
    case 4:
      recipe.timestamp = {
        edit: (json) => altered(json, random),
        signers: signersOr(KEYS.timestamp),
      };
      break;
    default:
      recipe.order = {
        json: altered(recipe.order.json, random),
        signers: signersOr(KEYS.director),
      };
  }
}

/** After signing: the bytes of one file, of what the device kept, of the order, or of a stick with all of it. */
export function mutateWorld(world: World, random: Random, { hasStick }: DeviceDraft): void {
  const where = random.below(8);
  if (hasStick && where < 3) {
    world.stick = mutated(packStick(world), random);
    return;
  }
  if (where === 0) {
    world.order = mutated(world.order, random);
    return;
  }
  // The root is left alone: a device that loses it is a device to be sent back.
  const files = where === 1 ? world.kept : world.files;
  const paths = [...files.keys()].filter((path) => path !== "root");
  const path = pick(paths, random);
  const bytes = files.get(path) as Uint8Array;
  const isSwap = random.below(10) === 0;
  files.set(path, isSwap ? pick([...OLD_FILES.values()], random) : mutated(bytes, random));
}

type ByteMutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const BYTE_MUTATIONS: readonly ByteMutation[] = [
  (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  (bytes, random) => bytes.slice(random.below(bytes.length)),
  (bytes, random) => withByte(bytes, random.below(bytes.length), random.below(256)),
  (bytes, random) => {
    const at = random.below(bytes.length);
    return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
  },
  (bytes, random) => {
    const [from, until] = range(bytes, random);
    return joined(bytes.subarray(0, from), bytes.subarray(until));
  },
  (bytes, random) => {
    const [from, until] = range(bytes, random);
    return joined(bytes.subarray(0, until), bytes.subarray(from));
  },
  (bytes, random) => {
    const at = random.below(bytes.length);
    const noise = Uint8Array.from({ length: 1 + random.below(32) }, () => random.below(256));
    return joined(bytes.subarray(0, at), noise, bytes.subarray(at));
  },
  (bytes, random) => {
    const brackets = pick(["[", "{", '{"a":', "]", "}", '"', "\\", "0e", "\u0000"], random);
    const at = random.below(bytes.length);
    const noise = new TextEncoder().encode(brackets.repeat(1 + random.below(2000)));
    return joined(bytes.subarray(0, at), noise, bytes.subarray(at));
  },
];

function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let result = bytes;
  for (let count = 1 + random.below(3); count > 0 && result.length > 0; count--) {
    result = pick(BYTE_MUTATIONS, random)(result, random);
  }
  return result;
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

function range(bytes: Uint8Array, random: Random): [number, number] {
  const from = random.below(bytes.length);
  return [from, Math.min(bytes.length, from + 1 + random.below(64))];
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** What a place may hold instead of what it holds. */
const JUNK: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  2 ** 31,
  2 ** 53,
  "",
  "x".repeat(5000),
  "\u0000\ud7ff",
  "9999-99-99T99:99:99Z",
  "../../../etc/passwd",
  [],
  {},
  [[[[[[[[[[]]]]]]]]]],
  JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`),
  { __proto__: null, constructor: 1 },
];
const NAMES = ["__proto__", "constructor", "toString", "", "a/b", "*", "x".repeat(300)];

/** A copy with one place altered. */
function altered<T>(json: T, random: Random): T {
  const copy = structuredClone(json);
  const places = placesIn(copy);
  const [holder, key] = pick(places, random);
  const container = holder as Record<string, unknown>;
  const value = container[key];
  switch (random.below(4)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete container[key];
      break;
    case 1: {
      const name = pick(NAMES, random);
      Object.defineProperty(holder, name, { value, enumerable: true, configurable: true });
      break;
    }
    case 2:
      container[key] = value === undefined ? 1 : pick(places, random)[0];
      if (isCircular(copy)) container[key] = value;
      break;
    default:
      container[key] = pick(JUNK, random);
  }
  // What JSON cannot say cannot arrive.
  return JSON.parse(JSON.stringify(copy));
}

function placesIn(json: unknown): [object, string][] {
  if (typeof json !== "object" || json === null) return [];
  return Object.keys(json).flatMap((key): [object, string][] => {
    const below = placesIn((json as Record<string, unknown>)[key]);
    return [[json, key], ...below];
  });
}

function isCircular(json: unknown): boolean {
  try {
    JSON.stringify(json);
    return false;
  } catch {
    return true;
  }
}
