/** Who signs: a port, so that a key may lie in memory, in a file or in a KMS; and the ones in memory. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import nacl from "tweetnacl";
import { assert } from "../base/assert.ts";
import type { Brand } from "../base/brand.ts";
import { concatBytes, hex } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { SEED_BYTES } from "./ed25519.ts";
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

/** For offline keys: tweetnacl, small enough to be read whole, from 32 secret bytes. */
export function memorySigner(seed: Uint8Array): Signer {
  const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(seed);
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: (bytes) => Promise.resolve(nacl.sign.detached(bytes, secretKey)),
  };
}

/** For online and device keys: node:crypto, forty times as fast, with the same signatures. */
export function nativeSigner(seed: Uint8Array): Signer {
  assert(seed.length === SEED_BYTES, "a seed has 32 bytes");
  const key = Buffer.from(concatBytes([PKCS8_PREFIX, seed]));
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  const publicKey = new Uint8Array(Buffer.from(x, "base64url"));
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: (bytes) => Promise.resolve(new Uint8Array(sign(null, bytes, privateKey))),
  };
}

/** RFC 8410 section 7: what stands before the 32 bytes of an Ed25519 private key. */
const PKCS8_PREFIX = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70],
  ...[0x04, 0x22, 0x04, 0x20],
);
