/** Collects the blobs that a driver sends in pieces; each must have the hash that it is named by. */
import { brand, type Sha256 } from "../../protocol/base/brand.ts";
import { concatBytes } from "../../protocol/base/bytes.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";

export interface BlobPiece {
  readonly sha256: string;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

export interface BlobCollector {
  /** Why the piece is not acceptable, or undefined. */
  add(piece: BlobPiece): string | undefined;
  /** A blob whose last piece has not come. */
  unfinished(): string | undefined;
  complete(): ReadonlyMap<Sha256, Uint8Array>;
}

export function blobCollector(): BlobCollector {
  const complete = new Map<Sha256, Uint8Array>();
  const partial = new Map<string, Uint8Array[]>();
  return {
    add: ({ sha256, bytes, last }) => {
      const pieces = partial.get(sha256) ?? [];
      pieces.push(bytes);
      partial.set(sha256, pieces);
      if (!last) return undefined;
      partial.delete(sha256);
      const whole = concatBytes(pieces);
      if (sha256Hex(whole) !== sha256) return `a blob does not have the hash ${sha256}`;
      complete.set(brand<Sha256>(sha256), whole);
      return undefined;
    },
    unfinished: () => partial.keys().next().value,
    complete: () => complete,
  };
}
