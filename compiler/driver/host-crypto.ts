/**
 * Stands in for node:crypto inside the driver's sandbox, which has no Node modules: SHA-256 comes from
 * the host through the ABI. The bundler swaps it in.
 */
import { assert } from "../../protocol/base/assert.ts";
import { concatBytes, hex } from "../../protocol/base/bytes.ts";

type Sha256Function = (bytes: Uint8Array) => Uint8Array;
let hostSha256: Sha256Function | undefined;

/** Called once, before the first hash. */
export function useHostSha256(sha256: Sha256Function): void {
  hostSha256 = sha256;
}

interface Hash {
  update(bytes: Uint8Array): Hash;
  digest(): Uint8Array;
  digest(encoding: "hex"): string;
}

export function createHash(algorithm: string): Hash {
  assert(algorithm === "sha256", "the driver hashes with SHA-256 only");
  const pieces: Uint8Array[] = [];
  const digest = (encoding?: "hex"): never => {
    assert(hostSha256 !== undefined, "useHostSha256 comes first");
    const [only] = pieces;
    const bytes = hostSha256(pieces.length === 1 && only ? only : concatBytes(pieces));
    return (encoding === "hex" ? hex(bytes) : bytes) as never;
  };
  const hash: Hash = {
    update: (bytes) => {
      pieces.push(bytes);
      return hash;
    },
    digest,
  };
  return hash;
}
