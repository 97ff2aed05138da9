/** Which devices a stage reaches: a salted hash gives every device a place, stable and nested as stages grow. */
import { concatBytes, utf8 } from "../../protocol/base/bytes.ts";
import { sha256 } from "../../protocol/crypto/index.ts";

/**
 * A device's place in a rollout, below 2^64: the first eight bytes of SHA-256 over tenant, salt and device,
 * each preceded by its length in UTF-8 bytes (32 bits, big-endian), so that no two triples collide by
 * moving a character from one field to the next.
 */
export function cohortPosition(tenant: string, salt: string, device: string): bigint {
  const digest = sha256(concatBytes([tenant, salt, device].map(lengthPrefixed)));
  return new DataView(digest.buffer, digest.byteOffset, digest.byteLength).getBigUint64(0);
}

function lengthPrefixed(text: string): Uint8Array {
  const bytes = utf8(text);
  const prefixed = new Uint8Array(4 + bytes.length);
  new DataView(prefixed.buffer).setUint32(0, bytes.length);
  prefixed.set(bytes, 4);
  return prefixed;
}

/** How much of every hardware class a stage reaches. */
export interface StageReach {
  readonly percent: number;
  /** At least this many devices of every class, however few a percent are. */
  readonly minimumDevices: number;
}

/** The devices out of `deviceCount` that a stage reaches. */
export function reachedCount(deviceCount: number, { percent, minimumDevices }: StageReach): number {
  // The subtrahend takes back what the division of an exact percentage may have rounded up.
  const share = Math.ceil((percent * deviceCount) / 100 - 1e-9);
  return Math.min(deviceCount, Math.max(share, minimumDevices));
}

/** A device as far as cohorts go. */
export interface CohortMember {
  readonly device: string;
  readonly hardwareClass: string;
}

/** By hardware class: the last place that each stage reaches; -1 where it reaches nobody. */
export type Cutoffs = ReadonlyMap<string, readonly bigint[]>;

export interface CohortOptions {
  readonly tenant: string;
  readonly salt: string;
  readonly stages: readonly StageReach[];
}

/** Ranks the devices of every class by their place and cuts each ranking at every stage. */
export function stageCutoffs(members: readonly CohortMember[], options: CohortOptions): Cutoffs {
  const byClass = new Map<string, bigint[]>();
  for (const { device, hardwareClass } of members) {
    const position = cohortPosition(options.tenant, options.salt, device);
    const positions = byClass.get(hardwareClass);
    if (positions) positions.push(position);
    else byClass.set(hardwareClass, [position]);
  }
  return new Map(
    [...byClass].map(([hardwareClass, positions]) => {
      const ranking = positions.sort(ascending);
      const cuts = options.stages.map((stage) => {
        return ranking[reachedCount(ranking.length, stage) - 1] ?? -1n;
      });
      return [hardwareClass, cuts] as const;
    }),
  );
}

/** The first stage that reaches this place; undefined when none does (a class nobody was counted in). */
export function firstStageOf(
  position: bigint,
  cuts: readonly bigint[] | undefined,
): number | undefined {
  const index = cuts?.findIndex((last) => position <= last) ?? -1;
  return index < 0 ? undefined : index;
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
