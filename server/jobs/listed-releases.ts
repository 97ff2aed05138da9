/** The releases that devices can still install: those that the newest metadata lists. */
import { driverKey, listedDrivers } from "../release/index.ts";
import type { MetadataFile, Release, RepositoryStore } from "../store/index.ts";

export type ListedReleases = () => Promise<readonly Release[]>;

/** Reads the documents anew only when one of them has another version. */
export function listedReleases(
  repository: Pick<RepositoryStore, "releases" | "newestMetadata">,
): ListedReleases {
  let known: { readonly versions: string; readonly listed: ReadonlySet<string> } | undefined;
  return async () => {
    const newest = await repository.newestMetadata();
    const targets = newest.filter(({ role }) => !ONLINE.has(role));
    const versions = targets.map(({ role, version }) => `${role} ${version}`).join();
    if (known?.versions !== versions) known = { versions, listed: listedIn(targets) };
    const { listed } = known;
    return (await repository.releases()).filter((release) => listed.has(driverKey(release)));
  };
}

const ONLINE: ReadonlySet<string> = new Set(["root", "snapshot", "timestamp"]);

function listedIn(documents: readonly MetadataFile[]): ReadonlySet<string> {
  return listedDrivers(new Map(documents.map(({ role, content }) => [role, content])));
}
