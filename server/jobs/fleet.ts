/** The in-memory view of a tenant's rollouts that check-ins are answered from; read anew when it is old. */
import type { Instant, TenantId } from "../../protocol/base/brand.ts";
import { readDirectorKeys, type DirectorKeys } from "../../protocol/metadata/index.ts";
import {
  reachableDevices,
  stageCutoffs,
  type DriverTarget,
  type FleetMember,
  type FleetSnapshot,
  type Rollout,
  type RolloutEntry,
} from "../rollout/index.ts";
import type { Release, RepositoryStore, Store } from "../store/index.ts";

export interface FleetView {
  readonly snapshot: FleetSnapshot;
  /** The newest published key set; undefined where there is none that can be read. */
  readonly directorKeys: DirectorKeys | undefined;
}

export interface Fleet {
  view(tenant: TenantId): Promise<FleetView>;
  /** By stage: the devices that a rollout reaches and that are in contact. Read now. */
  reachable(rollout: Rollout): Promise<readonly number[]>;
  /** What this process changes itself shows at once; other processes' changes within `ageMsMax`. */
  forget(tenant: TenantId): void;
}

export interface FleetOptions {
  readonly store: Pick<Store, "devices" | "rollouts"> & {
    readonly repository: Pick<RepositoryStore, "releases" | "directorKeys">;
  };
  readonly clock: () => Instant;
  readonly ageMsMax: number;
}

/** Older rollouts have nothing to say that a newer one would not. */
const ROLLOUTS_MAX = 50;

interface Kept {
  readonly view: Promise<FleetView>;
  readonly readAt: Instant;
}

export function createFleet(options: FleetOptions): Fleet {
  const { clock, ageMsMax } = options;
  const kept = new Map<TenantId, Kept>();
  return {
    view: (tenant) => {
      const now = clock();
      const known = kept.get(tenant);
      if (known && now - known.readAt < ageMsMax) return known.view;
      const view = readView(tenant, options);
      kept.set(tenant, { view, readAt: now });
      // A failed reading must not be what the next check-in gets.
      view.catch(() => kept.delete(tenant));
      return view;
    },
    reachable: async (rollout) => {
      const { tenant } = rollout;
      const members = await options.store.devices.members(tenant);
      const releases = await options.store.repository.releases();
      const entry = entryOf(rollout, members, releases);
      return reachableDevices(members, entry, { tenant, now: clock() });
    },
    forget: (tenant) => void kept.delete(tenant),
  };
}

async function readView(tenant: TenantId, { store }: FleetOptions): Promise<FleetView> {
  const rollouts = await store.rollouts.list(tenant);
  const members = await store.devices.members(tenant);
  const releases = await store.repository.releases();
  const published = await store.repository.directorKeys(tenant);
  const keys = published && readDirectorKeys(published.content, tenant);
  const entries = rollouts
    .filter(({ state }) => state !== "draft")
    .slice(0, ROLLOUTS_MAX)
    .map((rollout) => entryOf(rollout, members, releases));
  return { snapshot: { tenant, entries }, directorKeys: keys?.ok ? keys.value : undefined };
}

function entryOf(
  rollout: Rollout,
  members: readonly FleetMember[],
  releases: readonly Release[],
): RolloutEntry {
  const targets = targetsOf(rollout.version, releases);
  const eligible = members.filter(({ hardwareClass }) => targets.has(hardwareClass));
  return {
    rollout,
    cutoffs: stageCutoffs(eligible, rollout),
    targets,
    previousTargets: targetsOf(rollout.previousVersion, releases),
  };
}

function targetsOf(
  version: string,
  releases: readonly Release[],
): ReadonlyMap<string, DriverTarget> {
  return new Map(
    releases
      .filter((release) => release.version === version)
      .map(({ family, path, sha256, length }) => [family, { path, version, sha256, length }]),
  );
}
