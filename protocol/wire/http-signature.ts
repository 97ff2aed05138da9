/**
 * HTTP Message Signatures (RFC 9421) with Ed25519 over a fixed list of components. The authority is not
 * among them, because proxies change it; the body is, through Content-Digest (RFC 9530).
 */
import { utf8 } from "../base/bytes.ts";
import { failed, succeeded, type Result } from "../base/result.ts";
import { sha256, type Signer } from "../crypto/index.ts";

export interface RequestToSign {
  /** In capitals. */
  readonly method: string;
  /** Begins with a slash, without the query. */
  readonly path: string;
  /** With its question mark; empty when there is none. */
  readonly query: string;
  readonly body: Uint8Array;
}

export interface SignatureHeaders {
  readonly "content-digest": string;
  readonly "signature-input": string;
  readonly signature: string;
}

/** What a request claims before anything is verified. */
export interface SignatureClaim {
  readonly keyId: string;
  readonly createdSeconds: number;
  /** A server's nonce, which stands in for the time on a device whose clock is wrong. */
  readonly nonce: string | null;
  readonly contentDigest: string;
  readonly parameters: string;
  readonly signature: Uint8Array;
}

export type SignatureCode =
  | "SIGNATURE_MISSING"
  | "SIGNATURE_MALFORMED"
  | "SIGNATURE_CLOCK_SKEW"
  | "SIGNATURE_WRONG_DIGEST"
  | "SIGNATURE_WRONG";

export const CLOCK_SKEW_SECONDS_MAX = 300;

const LABEL = "retile";
const COMPONENTS = ["@method", "@path", "@query", "content-digest"] as const;
const COVERED = `(${COMPONENTS.map((name) => `"${name}"`).join(" ")})`;

export interface SignOptions {
  readonly signer: Signer;
  readonly createdSeconds: number;
  readonly nonce?: string;
}

/** The three header fields to add to a request. */
export async function signRequest(
  request: RequestToSign,
  options: SignOptions,
): Promise<SignatureHeaders> {
  const { signer, createdSeconds, nonce } = options;
  const nonceParameter = nonce === undefined ? "" : `;nonce="${nonce}"`;
  const parameters = `${COVERED};created=${createdSeconds};keyid="${signer.keyId}"${nonceParameter}`;
  const digest = contentDigest(request.body);
  const base = signatureBase(requestComponents(request, digest), parameters);
  return {
    "content-digest": digest,
    "signature-input": `${LABEL}=${parameters}`,
    signature: `${LABEL}=:${base64(await signer.sign(utf8(base)))}:`,
  };
}

/** Reads the header fields (names in lower case); nothing is verified yet. */
export function readSignature(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Result<SignatureClaim, SignatureCode> {
  const digest = headers["content-digest"];
  const input = headers["signature-input"];
  const signature = headers["signature"];
  if (digest === undefined || input === undefined || signature === undefined) {
    return failed("SIGNATURE_MISSING", "The request bears no signature.");
  }
  const inputParts = INPUT_FIELD.exec(String(input));
  const signatureParts = SIGNATURE_FIELD.exec(String(signature));
  const [, parameters, covered, created, keyId, nonce] = inputParts ?? [];
  if (!signatureParts?.[1] || covered !== COVERED || !keyId || !parameters) {
    return failed("SIGNATURE_MALFORMED", "The signature fields are not in the expected form.");
  }
  return succeeded({
    keyId,
    createdSeconds: Number(created),
    nonce: nonce ?? null,
    contentDigest: String(digest),
    parameters,
    signature: new Uint8Array(Buffer.from(signatureParts[1], "base64")),
  });
}

const INPUT_FIELD =
  /^retile=((\([^()]{0,200}\));created=(\d{1,12});keyid="([A-Za-z0-9]{1,128})"(?:;nonce="([A-Za-z0-9_-]{1,128})")?)$/;
const SIGNATURE_FIELD = /^retile=:([A-Za-z0-9+/]{86}==):$/;

export interface VerifyOptions {
  readonly nowSeconds: number;
  /** The nonce that this server gave this device, if any: it makes the time irrelevant. */
  readonly expectedNonce?: string;
  readonly verify: (message: Uint8Array, signature: Uint8Array) => boolean;
}

/** Verifies a claim against the request that bore it, with the key that the claim names. */
export function verifyRequest(
  request: RequestToSign,
  claim: SignatureClaim,
  options: VerifyOptions,
): Result<SignatureClaim, SignatureCode> {
  const { nowSeconds, expectedNonce, verify } = options;
  if (claim.contentDigest !== contentDigest(request.body)) {
    return failed("SIGNATURE_WRONG_DIGEST", "Content-Digest is not that of the body.");
  }
  const base = signatureBase(requestComponents(request, claim.contentDigest), claim.parameters);
  if (!verify(utf8(base), claim.signature)) {
    return failed("SIGNATURE_WRONG", "The signature does not belong to this request and key.");
  }
  const skewSeconds = Math.abs(nowSeconds - claim.createdSeconds);
  const nonceKnown = expectedNonce !== undefined && claim.nonce === expectedNonce;
  if (skewSeconds > CLOCK_SKEW_SECONDS_MAX && !nonceKnown) {
    const message = "The request's time is too far from the server's: sign again with its nonce.";
    return failed("SIGNATURE_CLOCK_SKEW", message, { skewSeconds });
  }
  return succeeded(claim);
}

/** RFC 9421 2.5: one line a component, then the parameters. */
export function signatureBase(
  components: readonly (readonly [name: string, value: string])[],
  parameters: string,
): string {
  const lines = components.map(([name, value]) => `"${name}": ${value}\n`);
  return `${lines.join("")}"@signature-params": ${parameters}`;
}

/** RFC 9530. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${base64(sha256(body))}:`;
}

function requestComponents(
  request: RequestToSign,
  digest: string,
): readonly (readonly [string, string])[] {
  return [
    ["@method", request.method],
    ["@path", request.path],
    // RFC 9421 2.2.7: an absent query is a lone question mark.
    ["@query", request.query === "" ? "?" : request.query],
    ["content-digest", digest],
  ];
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
