/** Trusted metadata on disk, one file a role. */
import type { FileSystem } from "../slots/index.ts";
import type { MetadataStore } from "../update/index.ts";

const METADATA_DIRECTORY = "metadata";

export function metadataStore(files: FileSystem): MetadataStore {
  const at = (role: string): string => `${METADATA_DIRECTORY}/${encodeURIComponent(role)}.json`;
  return {
    get: (role) => files.read(at(role)),
    put: (role, bytes) => files.replaceFile(at(role), bytes),
    remove: (role) => files.remove(at(role)),
  };
}
