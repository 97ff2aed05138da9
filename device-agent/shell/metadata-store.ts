/** Trusted metadata on disk, one file a role. */
import { utf8 } from "../../protocol/base/bytes.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { FileSystem } from "../slots/index.ts";
import type { MetadataStore } from "../update/index.ts";

const METADATA_DIRECTORY = "metadata";
/** File systems take 255 bytes; a suffix and room for a temporary name come on top. */
const NAME_CHARACTERS_MAX = 200;

export function metadataStore(files: FileSystem, directory = METADATA_DIRECTORY): MetadataStore {
  const folder = directory === "" ? "" : `${directory}/`;
  const at = (role: string): string => `${folder}${fileNameOf(role)}.json`;
  return {
    get: (role) => files.read(at(role)),
    put: (role, bytes) => files.placeFile(at(role), bytes),
    remove: async (...roles) => {
      for (const role of roles) await files.discard(at(role));
      await files.settle();
    },
  };
}

/** A role or a target path as the name of one file: it may hold slashes and dots, and be long. */
export function fileNameOf(text: string): string {
  const name = encodeURIComponent(text).replace(/^\./, "%2E");
  return name.length <= NAME_CHARACTERS_MAX ? name : sha256Hex(utf8(text));
}
