/** SHA-256 and SHA-512, at once and in pieces. */
import { createHash } from "node:crypto";
import { hex } from "../base/bytes.ts";
import { brand, type Sha256 } from "../base/brand.ts";

export type HashAlgorithm = "sha256" | "sha512";

/** Hashes a stream piece by piece; `hex` ends it and may be called once. */
export interface Hasher {
  update(piece: Uint8Array): void;
  hex(): string;
}

/** 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

export function sha256Hex(bytes: Uint8Array): Sha256 {
  return brand<Sha256>(hex(sha256(bytes)));
}

/** 64 bytes. */
export function sha512(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha512").update(bytes).digest());
}

export function hasher(algorithm: HashAlgorithm): Hasher {
  const hash = createHash(algorithm);
  return {
    update: (piece) => void hash.update(piece),
    hex: () => hash.digest("hex"),
  };
}
