/** The update client's world in memory: a repository to fetch from, and a store that notes what happened. */
import type { Instant } from "../../../../protocol/base/brand.ts";
import { failed, succeeded } from "../../../../protocol/base/result.ts";
import type { MetadataStore, RefreshPorts } from "../../../../device-agent/update/index.ts";
import { NOW } from "../../../support/signed-metadata.ts";

export interface MemoryWorld {
  readonly ports: RefreshPorts;
  /** What the repository serves. */
  readonly files: Map<string, Uint8Array>;
  /** What the device keeps. */
  readonly kept: Map<string, Uint8Array>;
  /** Fetches, puts and removals, in order. */
  readonly journal: string[];
  at(now: Instant): RefreshPorts;
}

export function memoryWorld(
  root: Uint8Array,
  repository: ReadonlyMap<string, Uint8Array>,
): MemoryWorld {
  const files = new Map(repository);
  const kept = new Map([["root", root]]);
  const journal: string[] = [];
  const store: MetadataStore = {
    get: (role) => Promise.resolve(kept.get(role)),
    put: (role, bytes) => {
      journal.push(`put ${role}`);
      kept.set(role, bytes);
      return Promise.resolve();
    },
    remove: (...roles) => {
      for (const role of roles) {
        journal.push(`remove ${role}`);
        kept.delete(role);
      }
      return Promise.resolve();
    },
  };
  const fetch: RefreshPorts["fetch"] = (path, bytesMax) => {
    journal.push(`fetch ${path}`);
    const bytes = files.get(path);
    if (!bytes) return Promise.resolve(failed("NOT_FOUND", `no ${path}`));
    if (bytes.length > bytesMax) return Promise.resolve(failed("FETCH_TOO_LARGE", `${path}`));
    return Promise.resolve(succeeded(bytes));
  };
  const at = (now: Instant): RefreshPorts => ({ fetch, store, now });
  return { ports: at(NOW), files, kept, journal, at };
}
