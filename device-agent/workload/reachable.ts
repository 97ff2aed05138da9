/** What the workload still needs, so that everything else can be swept. */
import type { ModelId, Sha256 } from "../../protocol/base/brand.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { blobsOfModel, type RegisteredModel } from "./model.ts";
import { possiblePrograms, programKey, type ProgramCache } from "./programs.ts";

export interface Reachable {
  /** File names in the programs folder. */
  readonly programs: ReadonlySet<string>;
  readonly blobs: ReadonlySet<string>;
}

export interface WorkloadRoots {
  readonly models: readonly RegisteredModel[];
  readonly soc: SocDescription;
  /** Every driver whose programs may still be run. */
  readonly drivers: readonly Sha256[];
  /** A pin holds one model's program of a driver that may itself be gone. */
  readonly pins: readonly { readonly model: ModelId; readonly driver: Sha256 }[];
}

export async function reachableWorkload(
  cache: ProgramCache,
  roots: WorkloadRoots,
): Promise<Reachable> {
  const programs = new Set<string>();
  for (const model of roots.models) {
    const pinned = roots.pins.filter((pin) => pin.model === model.id).map((pin) => pin.driver);
    for (const driver of [...roots.drivers, ...pinned]) {
      for (const facts of possiblePrograms(model, driver, roots.soc)) {
        programs.add(`${programKey(facts)}.json`);
      }
    }
  }
  const blobs = new Set<string>(roots.models.flatMap(blobsOfModel));
  for (const [name, { program }] of await cache.descriptors()) {
    if (programs.has(name)) blobs.add(program);
  }
  return { programs, blobs };
}
