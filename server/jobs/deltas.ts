/**
 * Deltas of newly published bundles, as static files: from each of the last releases of their families, and
 * from nothing. Made again at the next publication when a crash kept them from being written: nobody depends
 * on them.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import {
  deltaIndexPath,
  deltaPath,
  type DeltaEntry,
  type DeltaIndex,
} from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { targetFilePath } from "../../protocol/metadata/index.ts";
import { compressBundle, makeDelta, type Compression, type Delta } from "../release/index.ts";
import type { FileFolder } from "../store/files.ts";
import type { Release } from "../store/index.ts";

/** Of a family: a device that is further behind takes the whole bundle. */
const DELTA_BASES_MAX = 4;

export interface DeltaPorts {
  readonly files: FileFolder;
  /** Everything that is published. */
  readonly releases: () => Promise<readonly Release[]>;
}

export async function publishDeltas(fresh: readonly Release[], ports: DeltaPorts): Promise<void> {
  if (fresh.length === 0) return;
  const releases = await ports.releases();
  const bundles = new Map(fresh.map((release) => [release.sha256, release]));
  for (const release of bundles.values()) {
    const target = await ports.files.read(targetFilePath(release));
    if (target)
      await publishFor(release.sha256, target, { ...ports, bases: basesOf(release, releases) });
  }
}

/** One a bundle, though several families have it; the newest first. */
function basesOf(of: Release, releases: readonly Release[]): readonly Release[] {
  const before = releases.filter(
    ({ family, sha256 }) => family === of.family && sha256 !== of.sha256,
  );
  return [...before].sort((a, b) => b.publishedAt - a.publishedAt).slice(0, DELTA_BASES_MAX);
}

async function publishFor(
  to: Sha256,
  target: Uint8Array,
  { files, bases }: Pick<DeltaPorts, "files"> & { readonly bases: readonly Release[] },
): Promise<void> {
  const whole = compressBundle(target, BROTLI);
  const deltas = [await write(files, null, whole)];
  for (const base of bases) {
    // Other requests have their turn between two deltas.
    await new Promise((resolve) => setImmediate(resolve));
    const bytes = await files.read(targetFilePath(base));
    const delta = bytes && makeDelta(bytes, target, BROTLI);
    const isSmaller = delta !== undefined && delta.bytes.length < whole.bytes.length;
    if (isSmaller) deltas.push(await write(files, base.sha256, delta));
  }
  const index: DeltaIndex = { format: 1, deltas };
  await files.write(deltaIndexPath(to), canonicalJson(index));
}

async function write(
  files: FileFolder,
  from: Sha256 | null,
  { algorithm, bytes }: Delta,
): Promise<DeltaEntry> {
  const sha256 = sha256Hex(bytes);
  await files.write(deltaPath(sha256), bytes);
  return { from, sha256, bytes: bytes.length, algorithm };
}

export const BROTLI: Compression = {
  compress: (bytes) =>
    new Uint8Array(
      brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      }),
    ),
  inflate: (bytes, length) =>
    new Uint8Array(brotliDecompressSync(bytes, { maxOutputLength: length })),
};
