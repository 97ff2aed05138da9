/**
 * The Dead Simple Signing Envelope (DSSE 1.0.2), the form in which other people's tools read in-toto statements.
 * What is signed is not JSON but its type and bytes (PAE), so a reader need not agree on a canonical form.
 */
import { z } from "zod";
import { concatBytes, hex, utf8 } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { failed, succeeded, type Result } from "../base/result.ts";
import type { Signer } from "../crypto/index.ts";
import type { Envelope, EnvelopeCode } from "./envelope.ts";
import { parseJson } from "./json.ts";
import { SIGNATURES_MAX } from "./limits.ts";

/** The payload type of every in-toto statement. */
export const IN_TOTO_PAYLOAD = "application/vnd.in-toto+json";

export interface DssePayload {
  readonly payloadType: string;
  readonly payload: Uint8Array;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const base64 = z
  .string()
  .regex(BASE64, "not base64")
  .transform((text) => new Uint8Array(Buffer.from(text, "base64")));

const dsseSchema = z.object({
  payloadType: z.string(),
  payload: base64,
  signatures: z
    .array(z.object({ keyid: z.string().default(""), sig: base64 }))
    .min(1)
    .max(SIGNATURES_MAX),
});

/** DSSE 1.0.2, "PAE": every part with its length before it, so that no two payloads give the same bytes. */
export function preAuthEncoding({ payloadType, payload }: DssePayload): Uint8Array {
  const type = utf8(payloadType);
  const head = concatBytes([utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `)]);
  return concatBytes([head, payload]);
}

export async function signDsse(
  content: DssePayload,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  const signedBytes = preAuthEncoding(content);
  const signatures: { keyid: string; sig: string }[] = [];
  for (const { keyId, sign } of signers) {
    signatures.push({ keyid: keyId, sig: toBase64(await sign(signedBytes)) });
  }
  const { payloadType } = content;
  return canonicalJson({ payloadType, payload: toBase64(content.payload), signatures });
}

export interface DsseForm<S extends z.ZodType> {
  readonly payloadType: string;
  readonly schema: S;
  readonly bytesMax: number;
}

/** The document in it, in the shape of an envelope of TUF, so that `isSignedBy` judges it; nothing is verified yet. */
export function readDsse<S extends z.ZodType>(
  bytes: Uint8Array,
  { payloadType, schema, bytesMax }: DsseForm<S>,
): Result<Envelope<z.output<S>>, EnvelopeCode> {
  if (bytes.length > bytesMax) {
    const details = { bytes: bytes.length, bytesMax };
    return failed("TOO_LARGE", `The envelope has more than ${bytesMax} bytes.`, details);
  }
  const outer = dsseSchema.safeParse(jsonOf(bytes));
  if (!outer.success) return malformed(outer.error);
  if (outer.data.payloadType !== payloadType) {
    return failed("MALFORMED", `The payload is ${outer.data.payloadType}, not ${payloadType}.`);
  }
  const inner = schema.safeParse(jsonOf(outer.data.payload));
  if (!inner.success) return malformed(inner.error);
  const signatures = outer.data.signatures.map(({ keyid, sig }) => ({ keyid, sig: hex(sig) }));
  return succeeded({ signed: inner.data, signedBytes: preAuthEncoding(outer.data), signatures });
}

function jsonOf(bytes: Uint8Array): unknown {
  const json = parseJson(bytes);
  return json.kind === "json" ? json.value : undefined;
}

function malformed(error: z.ZodError): Result<never, "MALFORMED"> {
  const [issue] = error.issues;
  const where = issue?.path.join(".") ?? "";
  return failed("MALFORMED", `Not valid at "${where}": ${issue?.message ?? ""}.`, { where });
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
