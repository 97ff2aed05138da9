/** Brotli of the platform, with the announced length as its limit. */
import { brotliDecompressSync } from "node:zlib";
import type { Inflate } from "../../protocol/bundle/index.ts";

export const inflateBrotli: Inflate = (compressed, bytes) => {
  try {
    return new Uint8Array(brotliDecompressSync(compressed, { maxOutputLength: bytes }));
  } catch {
    // No brotli, or more than announced: either way not what it claims to be.
    return undefined;
  }
};
