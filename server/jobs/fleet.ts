/** The in-memory view of a tenant's rollouts that check-ins are answered from; read anew when it is old. */
import type { Instant, TenantId } from "../../protocol/base/brand.ts";
import { readDirectorKeys, type DirectorKeys } from "../../protocol/metadata/index.ts";
import {
  forbiddenDevices,
  isEligible,
  reachableDevices,
  stageCutoffs,
  type DriverTarget,
  type FleetMember,
  type FleetSnapshot,
  type Forbidden,
  type Rollout,
  type RolloutEntry,
} from "../rollout/index.ts";
import type { RepositoryStore, Store } from "../store/index.ts";
import type { ListedRelease, ListedReleases } from "./listed-releases.ts";

export interface FleetView {
  readonly snapshot: FleetSnapshot;
  /** The newest published key set; undefined where there is none that can be read. */
  readonly directorKeys: DirectorKeys | undefined;
}

/** How far a rollout can come. */
export interface Reach {
  /** By stage: the devices that it reaches and that are in contact. */
  readonly reachable: readonly number[];
  readonly forbidden: readonly Forbidden[];
}

export interface Fleet {
  view(tenant: TenantId): Promise<FleetView>;
  /** Read now. */
  reach(rollout: Rollout): Promise<Reach>;
  /** What this process changes itself shows at once; other processes' changes within `ageMsMax`. */
  forget(tenant: TenantId): void;
}

export interface FleetOptions {
  readonly store: Pick<Store, "devices" | "rollouts"> & {
    readonly repository: Pick<RepositoryStore, "directorKeys">;
  };
  readonly listedReleases: ListedReleases;
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
    reach: async (rollout) => {
      const { tenant } = rollout;
      const members = await options.store.devices.members(tenant);
      const entry = entryOf(rollout, members, await options.listedReleases());
      const reachable = reachableDevices(members, entry, { tenant, now: clock() });
      return { reachable, forbidden: forbiddenDevices(members, entry) };
    },
    forget: (tenant) => void kept.delete(tenant),
  };
}

async function readView(
  tenant: TenantId,
  { store, listedReleases }: FleetOptions,
): Promise<FleetView> {
  const rollouts = await store.rollouts.list(tenant);
  const members = await store.devices.members(tenant);
  const releases = await listedReleases();
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
  releases: readonly ListedRelease[],
): RolloutEntry {
  const targets = targetsOf(rollout.version, releases);
  const eligible = members.filter((member) => isEligible(member, targets));
  return {
    rollout,
    cutoffs: stageCutoffs(eligible, rollout),
    targets,
    previousTargets: targetsOf(rollout.previousVersion, releases),
  };
}

function targetsOf(
  version: string,
  releases: readonly ListedRelease[],
): ReadonlyMap<string, DriverTarget> {
  return new Map(
    releases
      .filter((release) => release.version === version)
      .map(({ family, path, sha256, length, rules }) => {
        return [family, { path, version, sha256, length, rules }];
      }),
  );
}
