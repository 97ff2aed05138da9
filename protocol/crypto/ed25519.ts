/**
 * Ed25519 verification (RFC 8032) through node:crypto, with two checks that do not depend on what the
 * library below happens to do: a signature's S must be below the group order (else S + L signs too; tweetnacl
 * lets it pass), and a public key must not be of small order (else one signature fits every message; both
 * libraries let it pass). Signing is in signer.ts.
 */
import { createPublicKey, verify, type KeyObject } from "node:crypto";

export const PUBLIC_KEY_BYTES = 32;
export const SEED_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** A public key that was checked and decoded once, for those who verify by the thousand. */
export type PublicKey = KeyObject;

/** Undefined where the key is not acceptable. */
export function decodePublicKey(publicKey: Uint8Array): PublicKey | undefined {
  if (!isAcceptablePublicKey(publicKey)) return undefined;
  const x = Buffer.from(publicKey).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

export function verifyWith(
  publicKey: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return isCanonicalSignature(signature) && verify(null, message, publicKey, signature);
}

/** With a key of 32 bytes. */
export function verifyDetached(
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  const key = decodePublicKey(publicKey);
  return key !== undefined && verifyWith(key, message, signature);
}

/** 64 bytes whose S is below the group order (RFC 8032 5.1.7). */
export function isCanonicalSignature(signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  return littleEndian(signature.subarray(32)) < GROUP_ORDER;
}

/** A canonical point encoding that is none of the eight points of small order. */
export function isAcceptablePublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return false;
  const y = littleEndian(publicKey) & Y_MASK;
  return y < FIELD_PRIME && !SMALL_ORDER_Y.has(y);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) {
    value = (value << 8n) | BigInt(bytes[index] ?? 0);
  }
  return value;
}

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const FIELD_PRIME = 2n ** 255n - 19n;
const Y_MASK = 2n ** 255n - 1n;

/** A y of order 8; the other is its negative. The sign bit of x does not matter for the order. */
const ORDER_EIGHT_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** Orders 1, 2, 4, 8 and 8. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  1n,
  FIELD_PRIME - 1n,
  0n,
  ORDER_EIGHT_Y,
  FIELD_PRIME - ORDER_EIGHT_Y,
]);
