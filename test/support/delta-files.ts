/** Deltas as a server publishes them, honest ones and others, for tests of the device. */
import { utf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { deltaIndexPath, deltaPath, type DeltaEntry } from "../../protocol/bundle/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { BROTLI } from "../../server/jobs/deltas.ts";
import { compressBundle, makeDelta } from "../../server/release/index.ts";

/** By path; `more` are further deltas from the same base, listed as if they were smaller than they are. */
export function deltaFiles(
  base: Uint8Array,
  target: Uint8Array,
  more: readonly Uint8Array[] = [],
): ReadonlyMap<string, Uint8Array> {
  const honest = present(makeDelta(base, target, BROTLI), "a delta").bytes;
  const files = new Map([...more, honest].map((bytes) => [deltaPath(sha256Hex(bytes)), bytes]));
  const deltas = [...more, honest].map((bytes): DeltaEntry => {
    const from = sha256Hex(base);
    return { from, sha256: sha256Hex(bytes), bytes: bytes.length, algorithm: "test" };
  });
  const index = canonicalJson({ format: 1, deltas });
  return files.set(deltaIndexPath(sha256Hex(target)), index);
}

/** Well-formed and small, but of another bundle as long as the target. */
export function lyingDelta(base: Uint8Array, target: Uint8Array): Uint8Array {
  const other = target.slice();
  other.set(utf8("lies"), other.length >> 1);
  const lie = present(makeDelta(base, other.fill(7, 100), BROTLI), "a delta");
  return lie.bytes;
}

export function wholeDelta(target: Uint8Array): Uint8Array {
  return compressBundle(target, BROTLI).bytes;
}
