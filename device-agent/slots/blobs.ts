/** Bytes named by their SHA-256: models, inputs, outputs, encodings, programs. */
import type { Sha256 } from "../../protocol/base/brand.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { FileSystem } from "./file-system.ts";

export const BLOBS_DIRECTORY = "blobs";

export interface BlobStore {
  put(bytes: Uint8Array): Promise<Sha256>;
  /** Undefined when it is absent or no longer has its hash: both mean that it must be made again. */
  get(sha256: Sha256): Promise<Uint8Array | undefined>;
  has(sha256: Sha256): Promise<boolean>;
}

export function blobStore(files: FileSystem): BlobStore {
  const at = (sha256: Sha256): string => `${BLOBS_DIRECTORY}/${sha256}`;
  const get = async (sha256: Sha256): Promise<Uint8Array | undefined> => {
    const bytes = await files.read(at(sha256));
    return bytes && sha256Hex(bytes) === sha256 ? bytes : undefined;
  };
  return {
    get,
    put: async (bytes) => {
      const sha256 = sha256Hex(bytes);
      const kept = await files.stat(at(sha256));
      const isIntact = kept?.bytes === bytes.length && (await get(sha256)) !== undefined;
      if (!isIntact) await files.replaceFile(at(sha256), bytes);
      return sha256;
    },
    has: async (sha256) => (await get(sha256)) !== undefined,
  };
}
