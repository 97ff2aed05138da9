/** The releases that devices can still find: those that the newest metadata lists, with what it says of them. */
import {
  readHardwarePolicy,
  targetFilePath,
  type DriverRules,
  type HardwarePolicy,
} from "../../protocol/metadata/index.ts";
import { driverKey, listedDrivers, listedPolicies, type ListedDrivers } from "../release/index.ts";
import type { FileFolder } from "../store/files.ts";
import type { MetadataFile, Release, RepositoryStore } from "../store/index.ts";

export interface ListedRelease extends Release {
  readonly rules: DriverRules;
}

export type ListedReleases = () => Promise<readonly ListedRelease[]>;

export interface ListedReleasesOptions {
  readonly repository: Pick<RepositoryStore, "releases" | "newestMetadata">;
  /** The published targets. */
  readonly files: Pick<FileFolder, "read">;
}

interface Listing {
  /** Of the documents that it was read from. */
  readonly versions: string;
  readonly drivers: ListedDrivers;
  readonly policies: ReadonlyMap<string, HardwarePolicy>;
}

/** Reads the documents anew only when one of them has another version. */
export function listedReleases({ repository, files }: ListedReleasesOptions): ListedReleases {
  let known: Listing | undefined;
  return async () => {
    const newest = await repository.newestMetadata();
    const documents = newest.filter(({ role }) => !ONLINE.has(role));
    const versions = documents.map(({ role, version }) => `${role} ${version}`).join();
    if (known?.versions !== versions) known = await readListing(versions, documents, files);
    const { drivers, policies } = known;
    return (await repository.releases()).flatMap((release) => {
      const listed = drivers.get(driverKey(release));
      const policy = policies.get(release.family);
      return listed ? [{ ...release, rules: { ...listed, policy } }] : [];
    });
  };
}

const ONLINE: ReadonlySet<string> = new Set(["root", "snapshot", "timestamp"]);

async function readListing(
  versions: string,
  documents: readonly MetadataFile[],
  files: Pick<FileFolder, "read">,
): Promise<Listing> {
  const byRole = new Map(documents.map(({ role, content }) => [role, content]));
  const policies = new Map<string, HardwarePolicy>();
  for (const [family, target] of listedPolicies(byRole)) {
    const content = await files.read(targetFilePath(target));
    // None that cannot be read is published; devices would refuse whatever is assigned to them.
    const policy = content && readHardwarePolicy(content, family);
    if (policy?.ok) policies.set(family, policy.value);
  }
  return { versions, drivers: listedDrivers(byRole), policies };
}
