/** The signing envelope (TUF 4.2.1) and its threshold rule, for TUF roles and director documents alike. */
import { z } from "zod";
import { fromHex, hex } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { failed, succeeded, type Result } from "../base/result.ts";
import { readMetadataKey, type Signer, type VerifyingKey } from "../crypto/index.ts";
import { parseJson } from "./json.ts";
import { KEYS_PER_ROLE_MAX, SIGNATURES_MAX } from "./limits.ts";

/** Any key object; the ones that we do not understand verify nothing. */
const keySchema = z.object({
  keytype: z.string(),
  scheme: z.string(),
  keyval: z.looseObject({ public: z.string() }),
});
export type MetadataKey = z.infer<typeof keySchema>;

export const keysSchema = z
  .record(z.string(), keySchema)
  .transform((keys): ReadonlyMap<string, MetadataKey> => new Map(Object.entries(keys)));

export const roleKeysSchema = z.object({
  keyids: z.array(z.string()).max(KEYS_PER_ROLE_MAX),
  threshold: z.int().min(1).max(KEYS_PER_ROLE_MAX),
});
/** Which keys speak for a role, and how many of them must. */
export type RoleKeys = z.infer<typeof roleKeysSchema>;

/** Keys that speak for a role, as whoever delegates to it lists them. */
export interface Authority {
  readonly role: RoleKeys;
  readonly keys: ReadonlyMap<string, MetadataKey>;
}

const envelopeSchema = z.object({
  signed: z.unknown(),
  signatures: z
    .array(z.object({ keyid: z.string(), sig: z.string() }))
    .max(SIGNATURES_MAX)
    // TUF 4.2.1
    .refine(
      (signatures) => new Set(signatures.map(({ keyid }) => keyid)).size === signatures.length,
      {
        message: "a key has signed twice",
      },
    ),
});

export interface MetadataSignature {
  readonly keyid: string;
  /** Hexadecimal. */
  readonly sig: string;
}

export interface Envelope<T> {
  readonly signed: T;
  /** What the signatures are over: the canonical JSON of `signed` as it came, unknown fields included. */
  readonly signedBytes: Uint8Array;
  readonly signatures: readonly MetadataSignature[];
}

export type EnvelopeCode = "TOO_LARGE" | "MALFORMED";

/** Reads an envelope and the document in it; no signature is verified yet. */
export function readEnvelope<S extends z.ZodType>(
  bytes: Uint8Array,
  schema: S,
  bytesMax: number,
): Result<Envelope<z.output<S>>, EnvelopeCode> {
  if (bytes.length > bytesMax) {
    const details = { bytes: bytes.length, bytesMax };
    return failed("TOO_LARGE", `The document has more than ${bytesMax} bytes.`, details);
  }
  const json = parseJson(bytes);
  if (json.kind === "not_json") return failed("MALFORMED", `Not JSON: ${json.why}.`);
  const envelope = envelopeSchema.safeParse(json.value);
  if (!envelope.success) return malformed(envelope.error);
  const signed = schema.safeParse(envelope.data.signed);
  if (!signed.success) return malformed(signed.error);
  const signedBytes = canonicalOrNothing(envelope.data.signed);
  if (signedBytes === undefined) return failed("MALFORMED", "The document holds a fraction.");
  const { signatures } = envelope.data;
  return succeeded({ signed: signed.data, signedBytes, signatures });
}

function malformed(error: z.ZodError): Result<never, "MALFORMED"> {
  const [issue] = error.issues;
  const where = issue?.path.join(".") ?? "";
  return failed("MALFORMED", `Not valid at "${where}": ${issue?.message ?? ""}.`, { where });
}

/** Fractions, which canonical JSON has no form for, are the one thing that JSON brings and it refuses. */
function canonicalOrNothing(value: unknown): Uint8Array | undefined {
  try {
    return canonicalJson(value);
  } catch {
    return undefined;
  }
}

/**
 * Whether enough different keys of a role have signed (TUF 5.3.4, 5.4.2, 5.5.3, 5.6.3). One public key
 * counts once, under however many ids it is listed. An id is a name and need not be the key's hash (TAP 12):
 * the delegator has signed which key it means, and Sigstore's root 11 lists one whose hash is another.
 */
export function isSignedBy(
  envelope: Envelope<unknown>,
  role: RoleKeys,
  keys: ReadonlyMap<string, MetadataKey>,
): boolean {
  const signers = new Set<string>();
  for (const keyid of new Set(role.keyids)) {
    if (signers.size >= role.threshold) break;
    const listed = keys.get(keyid);
    const key = listed && readMetadataKey(listed);
    if (key && !signers.has(key.material) && hasSignature(envelope, keyid, key)) {
      signers.add(key.material);
    }
  }
  return signers.size >= role.threshold;
}

function hasSignature(envelope: Envelope<unknown>, keyid: string, key: VerifyingKey): boolean {
  const listed = envelope.signatures.find((signature) => signature.keyid === keyid);
  const signature = listed && fromHex(listed.sig);
  return signature !== undefined && key.verifies(envelope.signedBytes, signature);
}

/** The bytes of a signed document: canonical JSON, signatures in the order of the signers. */
export async function signMetadata(
  signed: unknown,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  const signedBytes = canonicalJson(signed);
  const signatures: MetadataSignature[] = [];
  for (const signer of signers) {
    signatures.push({ keyid: signer.keyId, sig: hex(await signer.sign(signedBytes)) });
  }
  return canonicalJson({ signed, signatures });
}

/** The same document with one more signature (m-of-n, each signer in turn); an older one of theirs goes. */
export async function addSignature(
  bytes: Uint8Array,
  signer: Signer,
): Promise<Result<Uint8Array, EnvelopeCode>> {
  const read = readEnvelope(bytes, z.unknown(), Number.MAX_SAFE_INTEGER);
  if (!read.ok) return read;
  const { signed, signedBytes, signatures } = read.value;
  const others = signatures.filter((signature) => signature.keyid !== signer.keyId);
  const added = { keyid: signer.keyId, sig: hex(await signer.sign(signedBytes)) };
  return succeeded(canonicalJson({ signed, signatures: [...others, added] }));
}
