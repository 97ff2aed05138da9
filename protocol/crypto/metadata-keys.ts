/**
 * The public keys of TUF metadata (TUF 4.2, "Key objects"): one row for each key type and scheme that we verify.
 * Our own keys are Ed25519; the others are those of foreign repositories.
 */
import { constants, createPublicKey, verify, type KeyObject as NodeKey } from "node:crypto";
import { fromHex, hex } from "../base/bytes.ts";
import { decodePublicKey, verifyWith } from "./ed25519.ts";

export interface MetadataKeyText {
  readonly keytype: string;
  readonly scheme: string;
  readonly keyval: { readonly public: string };
}

export interface VerifyingKey {
  /** The public half alone: equal for one key, under whatever id, scheme or spelling it is listed. */
  readonly material: string;
  verifies(message: Uint8Array, signature: Uint8Array): boolean;
}

/** PEM or hexadecimal; a longer one is no key. */
const PUBLIC_CHARACTERS_MAX = 4096;
/** TUF 4.2: "All RSA keys MUST be at least 2048 bits"; the upper end bounds the work of a signature. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;

type Reader = (text: string) => VerifyingKey | undefined;

const READERS: ReadonlyMap<string, Reader> = new Map([
  ["ed25519/ed25519", ed25519],
  ["ecdsa/ecdsa-sha2-nistp256", ecdsa],
  // How TUF spelled it before 1.0.20; published repositories still do.
  ["ecdsa-sha2-nistp256/ecdsa-sha2-nistp256", ecdsa],
  ["rsa/rsassa-pss-sha256", rsa],
]);

/** Undefined where we do not know the type, or the key is not acceptable: it verifies nothing. */
export function readMetadataKey(key: MetadataKeyText): VerifyingKey | undefined {
  const text = key.keyval.public;
  if (text.length > PUBLIC_CHARACTERS_MAX) return undefined;
  return READERS.get(`${key.keytype}/${key.scheme}`)?.(text);
}

function ed25519(text: string): VerifyingKey | undefined {
  const publicKey = fromHex(text);
  const key = publicKey && decodePublicKey(publicKey);
  if (!key) return undefined;
  return {
    material: `ed25519 ${hex(publicKey)}`,
    verifies: (message, signature) => verifyWith(key, message, signature),
  };
}

function ecdsa(text: string): VerifyingKey | undefined {
  const key = text.startsWith("04") ? fromPoint(text) : fromPem(text);
  if (key?.asymmetricKeyType !== "ec") return undefined;
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") return undefined;
  return {
    material: materialOf(key),
    verifies: (message, signature) => verify("sha256", message, key, signature),
  };
}

function rsa(text: string): VerifyingKey | undefined {
  const key = fromPem(text);
  const bits = key?.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key?.asymmetricKeyType !== "rsa" || bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
    return undefined;
  }
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const saltLength = constants.RSA_PSS_SALTLEN_AUTO;
  return {
    material: materialOf(key),
    verifies: (message, signature) =>
      verify("sha256", message, { key, padding, saltLength }, signature),
  };
}

function materialOf(key: NodeKey): string {
  return key.export({ format: "der", type: "spki" }).toString("hex");
}

function fromPem(text: string): NodeKey | undefined {
  if (!text.startsWith("-----BEGIN PUBLIC KEY-----")) return undefined;
  return orUndefined(() => createPublicKey({ key: text, format: "pem" }));
}

/** An uncompressed point, 04 and two coordinates, as the first Sigstore roots write it. */
function fromPoint(text: string): NodeKey | undefined {
  const point = fromHex(text);
  if (point?.length !== 65) return undefined;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) =>
    Buffer.from(half).toString("base64url"),
  );
  const jwk = { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" };
  return orUndefined(() => createPublicKey({ key: jwk, format: "jwk" }));
}

/** What node:crypto throws at a text that is no key says nothing that a caller could use. */
function orUndefined(read: () => NodeKey): NodeKey | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
