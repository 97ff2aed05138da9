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

/** How much of the fleet a stage reaches. */
export interface StageReach {
  /** Of every hardware class. */
  readonly percent: number;
  /** At least this many devices of every class, and of every model on it, however few a percent are. */
  readonly minimumDevices: number;
}

/** A device as far as cohorts go. */
export interface CohortMember {
  readonly device: string;
  readonly hardwareClass: string;
  readonly models: readonly string[];
}

/**
 * By stratum: the last place that each stage reaches; -1 where it reaches nobody. Strata are the hardware
 * classes and, so that every cell of the gate gets its measurements, the models on each of them.
 */
export type Cutoffs = ReadonlyMap<string, readonly bigint[]>;

export interface CohortOptions {
  readonly tenant: string;
  readonly salt: string;
  readonly stages: readonly StageReach[];
}

/** Ranks the devices of every stratum by their place and cuts each ranking at every stage. */
export function stageCutoffs(members: readonly CohortMember[], options: CohortOptions): Cutoffs {
  const strata = new Map<string, { readonly isClass: boolean; readonly positions: bigint[] }>();
  for (const member of members) {
    const position = cohortPosition(options.tenant, options.salt, member.device);
    for (const name of strataOf(member)) {
      const stratum = strata.get(name);
      if (stratum) stratum.positions.push(position);
      else strata.set(name, { isClass: name === member.hardwareClass, positions: [position] });
    }
  }
  return new Map(
    [...strata].map(([name, { isClass, positions }]) => {
      // Percentages are of the class: a share of every model would add up to more.
      const reach = isClass ? reachedCount : fewestCount;
      return [name, cutsOf(positions.sort(ascending), options.stages, reach)] as const;
    }),
  );
}

/** The first stage that reaches a device at this place; undefined when none does (it was not counted in). */
export function firstStageOf(
  position: bigint,
  member: Omit<CohortMember, "device">,
  cutoffs: Cutoffs,
): number | undefined {
  const stages = strataOf(member).flatMap((name) => {
    const index = cutoffs.get(name)?.findIndex((last) => position <= last) ?? -1;
    return index < 0 ? [] : [index];
  });
  return stages.length > 0 ? Math.min(...stages) : undefined;
}

/** The devices out of `deviceCount` that a stage reaches. */
export function reachedCount(deviceCount: number, { percent, minimumDevices }: StageReach): number {
  // The subtrahend takes back what the division of an exact percentage may have rounded up.
  const share = Math.ceil((percent * deviceCount) / 100 - 1e-9);
  return Math.min(deviceCount, Math.max(share, minimumDevices));
}

function fewestCount(deviceCount: number, { minimumDevices }: StageReach): number {
  return Math.min(deviceCount, minimumDevices);
}

function strataOf({ hardwareClass, models }: Omit<CohortMember, "device">): string[] {
  return [hardwareClass, ...models.map((model) => `${hardwareClass}\n${model}`)];
}

/** Never falls from one stage to the next: who was reached stays reached. */
function cutsOf(
  ranking: readonly bigint[],
  stages: readonly StageReach[],
  reach: (deviceCount: number, stage: StageReach) => number,
): bigint[] {
  let reached = 0;
  return stages.map((stage) => {
    reached = Math.max(reached, reach(ranking.length, stage));
    return ranking[reached - 1] ?? -1n;
  });
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
