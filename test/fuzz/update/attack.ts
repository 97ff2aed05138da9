/** A semantic attack: well-formed documents, signed by those who hold some keys, and the code that must answer. */
import type { Random } from "../../../protocol/base/random.ts";
import type { Recipe } from "./recipe.ts";
import type { World } from "./world.ts";

export interface Attack {
  readonly name: string;
  /** With which the device refuses. */
  readonly code: string;
  /** The device has another way to the honest bundle, and takes it. */
  readonly hasAnotherWay?: boolean;
  /** Before everything is signed. */
  readonly recipe?: (recipe: Recipe, random: Random) => void;
  /** After that. */
  readonly world?: (world: World, random: Random) => void | Promise<void>;
}

export function pick<T>(items: readonly T[], random: Random): T {
  return items[random.below(items.length)] as T;
}

/** Made once: filling megabytes for every case would be most of its cost. */
export const THREE_MEGABYTES = new Uint8Array(3_000_000).fill(0x20);
export const SIX_MEGABYTES = new Uint8Array(6_000_000).fill(0x20);
