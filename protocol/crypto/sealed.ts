/** Secrets at rest: scrypt (RFC 7914) makes a key of a passphrase, secretbox (XSalsa20-Poly1305) seals with it. */
import { scryptSync } from "node:crypto";
import nacl from "tweetnacl";
import { assert } from "../base/assert.ts";
import { utf8 } from "../base/bytes.ts";

/** The cost of guessing one passphrase; it is kept beside what it sealed. */
export interface ScryptCost {
  /** A power of two: memory is 128 * N * r bytes. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about half a second a guess (RFC 7914 section 2 suggests r = 8, p = 1). */
export const SCRYPT_COST: ScryptCost = { N: 2 ** 17, r: 8, p: 1 };
/** What a file may ask of us. */
const SCRYPT_MEMORY_MAX = 1 << 29;

export const SALT_BYTES = 16;
export const NONCE_BYTES = nacl.secretbox.nonceLength;

export interface Sealed {
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

export interface SealOptions {
  readonly passphrase: string;
  readonly cost: ScryptCost;
  /** Fresh random bytes, never used before. */
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
}

export function seal(secret: Uint8Array, { passphrase, cost, salt, nonce }: SealOptions): Sealed {
  assert(salt.length === SALT_BYTES && nonce.length === NONCE_BYTES, "salt and nonce are whole");
  const key = keyOf(passphrase, salt, cost);
  return { cost, salt, nonce, box: nacl.secretbox(secret, nonce, key) };
}

/** Undefined where the passphrase is another one, the box was changed, or its cost is absurd. */
export function unseal(
  { cost, salt, nonce, box }: Sealed,
  passphrase: string,
): Uint8Array | undefined {
  if (!isAffordable(cost) || nonce.length !== NONCE_BYTES) return undefined;
  return nacl.secretbox.open(box, nonce, keyOf(passphrase, salt, cost)) ?? undefined;
}

function keyOf(passphrase: string, salt: Uint8Array, { N, r, p }: ScryptCost): Uint8Array {
  const options = { N, r, p, maxmem: SCRYPT_MEMORY_MAX };
  // One spelling of a text: keyboards differ in how they compose accents.
  const text = utf8(passphrase.normalize("NFKC"));
  return new Uint8Array(scryptSync(text, salt, nacl.secretbox.keyLength, options));
}

function isAffordable({ N, r, p }: ScryptCost): boolean {
  const isPower = Number.isSafeInteger(N) && N > 1 && (N & (N - 1)) === 0;
  return isPower && r >= 1 && r <= 32 && p >= 1 && p <= 16 && 128 * N * r < SCRYPT_MEMORY_MAX;
}
