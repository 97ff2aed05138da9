/** Who signs: a port, so that a key may lie in memory, in a file or in a KMS; and the one in memory. */
import { hex } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import type { Brand } from "../base/brand.ts";
import { keyPairFromSeed, signDetached } from "./ed25519.ts";
import { sha256Hex } from "./hash.ts";

/** SHA-256 over the canonical JSON of the key object, 64 hexadecimal digits (TUF 4.2). */
export type KeyId = Brand<string, "KeyId">;

/** A public key as TUF metadata spells it. */
export interface KeyObject {
  readonly keytype: "ed25519";
  readonly scheme: "ed25519";
  readonly keyval: { readonly public: string };
}

export interface Signer {
  readonly keyId: KeyId;
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

export function keyObject(publicKey: Uint8Array): KeyObject {
  return { keytype: "ed25519", scheme: "ed25519", keyval: { public: hex(publicKey) } };
}

export function keyIdOf(publicKey: Uint8Array): KeyId {
  return keyIdOfObject(keyObject(publicKey));
}

export function keyIdOfObject(key: unknown): KeyId {
  return sha256Hex(canonicalJson(key)) as string as KeyId;
}

/** Signs with a key in memory, made from 32 secret bytes. */
export function memorySigner(seed: Uint8Array): Signer {
  const { publicKey, secretKey } = keyPairFromSeed(seed);
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: (bytes) => Promise.resolve(signDetached(bytes, secretKey)),
  };
}
