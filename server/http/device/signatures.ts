/** Who signed a device's request: HTTP Message Signatures, and the nonce that helps a device with a bad clock. */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Instant } from "../../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../../protocol/base/result.ts";
import {
  decodePublicKey,
  keyIdOf,
  verifyWith,
  type PublicKey,
} from "../../../protocol/crypto/index.ts";
import { readSignature, verifyRequest, type SignatureCode } from "../../../protocol/wire/index.ts";

/** Verifies with one enrolled key. */
export type VerifySignature = (message: Uint8Array, signature: Uint8Array) => boolean;

const KEYS_KEPT_MAX = 20_000;

/** Keys are decoded once, which costs as much as a verification. */
export function createVerifiers(): (publicKey: Uint8Array) => VerifySignature {
  const kept = new Map<string, PublicKey>();
  return (publicKey) => {
    const name = Buffer.from(publicKey).toString("base64");
    const key = kept.get(name) ?? decodePublicKey(publicKey);
    if (!key) return () => false;
    if (kept.size >= KEYS_KEPT_MAX) kept.clear();
    kept.set(name, key);
    return (message, signature) => verifyWith(key, message, signature);
  };
}

export interface Nonces {
  /** To be signed by this key instead of a time. */
  issue(keyId: string, now: Instant): string;
  isValid(nonce: string, keyId: string, now: Instant): boolean;
}

const NONCE_MS = 120_000;

/** Nothing is kept: a nonce is its end of life and a code over it and the key. */
export function createNonces(secret: Uint8Array): Nonces {
  const issue = (keyId: string, until: number): string => {
    const code = createHmac("sha256", secret).update(`${keyId}\n${until}`).digest("base64url");
    return `${until}_${code}`;
  };
  return {
    issue: (keyId, now) => issue(keyId, now + NONCE_MS),
    isValid: (nonce, keyId, now) => {
      const until = Number.parseInt(nonce, 10);
      if (!(until > now)) return false;
      const given = Buffer.from(nonce);
      const ours = Buffer.from(issue(keyId, until));
      return given.length === ours.length && timingSafeEqual(given, ours);
    },
  };
}

export interface SignedRequest {
  readonly request: IncomingMessage;
  readonly body: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly verify: VerifySignature;
  readonly now: Instant;
  readonly nonces: Nonces;
}

/** Whether the request was signed with this key, lately or with our nonce. */
export function checkSignature(input: SignedRequest): Result<null, SignatureCode> {
  const { request, body, publicKey, verify, now, nonces } = input;
  const claim = readSignature(request.headers);
  if (!claim.ok) return claim;
  const keyId = keyIdOf(publicKey);
  if (claim.value.keyId !== keyId) {
    return failed(
      "SIGNATURE_WRONG",
      "The request is signed with another key than the enrolled one.",
    );
  }
  const { nonce } = claim.value;
  const isOurs = nonce !== null && nonces.isValid(nonce, keyId, now);
  const url = request.url ?? "/";
  const question = url.indexOf("?");
  const verified = verifyRequest(
    {
      method: request.method ?? "",
      path: question < 0 ? url : url.slice(0, question),
      query: question < 0 ? "" : url.slice(question),
      body,
    },
    claim.value,
    { nowSeconds: Math.floor(now / 1000), verify, ...(isOurs && { expectedNonce: nonce }) },
  );
  return verified.ok ? succeeded(null) : verified;
}
