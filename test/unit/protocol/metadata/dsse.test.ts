/** DSSE: the published test vector of its authors, and what an envelope may not be. */
import { expect, test } from "@jest/globals";
import { createPublicKey, verify } from "node:crypto";
import { z } from "zod";
import { fromUtf8, utf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { keyObject } from "../../../../protocol/crypto/index.ts";
import {
  isSignedBy,
  preAuthEncoding,
  readDsse,
  signDsse,
} from "../../../../protocol/metadata/index.ts";
import { KEYS } from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

/** github.com/secure-systems-lab/dsse, protocol.md, "Test Vectors": key, payload and signature. */
const VECTOR = {
  payloadType: "http://example.com/HelloWorld",
  payload: "hello world",
  pae: "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
  x: 46950820868899156662930047687818585632848591499744589407958293238635476079160n,
  y: 5640078356564379163099075877009565129882514886557779369047442380624545832820n,
  sig: "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==",
};

function pae(payloadType: string, payload: string, expected: string): void {
  expect(fromUtf8(preAuthEncoding({ payloadType, payload: utf8(payload) }))).toBe(expected);
}

test("PAE: the authors' vector", () => pae(VECTOR.payloadType, VECTOR.payload, VECTOR.pae));
test("PAE: nothing, of no type", () => pae("", "", "DSSEv1 0  0 "));
test("PAE: lengths count bytes, not characters", () => pae("ä", "€", "DSSEv1 2 ä 3 €"));

test("the authors' signature is over the bytes that we encode", () => {
  const half = (value: bigint) =>
    Buffer.from(value.toString(16).padStart(64, "0"), "hex").toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: half(VECTOR.x), y: half(VECTOR.y) };
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const signature = Buffer.from(VECTOR.sig, "base64");
  const { payloadType, payload } = VECTOR;
  const signed = preAuthEncoding({ payloadType, payload: utf8(payload) });
  expect(verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature)).toBe(true);
  signed[0] = 0;
  expect(verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature)).toBe(false);
});

const FORM = { payloadType: "text/json", schema: z.object({ a: z.int() }), bytesMax: 1000 };
const { keyId, publicKey } = KEYS.targets;
const ROLE = { keyids: [keyId as string], threshold: 1 };
const LISTED = new Map([[keyId as string, keyObject(publicKey)]]);

async function envelope(change: object = {}): Promise<Uint8Array> {
  const content = { payloadType: FORM.payloadType, payload: utf8('{ "a": 1 }') };
  const bytes = await signDsse(content, [KEYS.targets]);
  return canonicalJson({ ...JSON.parse(fromUtf8(bytes)), ...change });
}

test("what was signed is read and verified, the payload's spaces and all", async () => {
  const read = readDsse(await envelope(), FORM);
  expect(read.ok && read.value.signed).toEqual({ a: 1 });
  expect(read.ok && isSignedBy(read.value, ROLE, LISTED)).toBe(true);
});

test("another type with the same signature is not signed", async () => {
  const other = await envelope({ payloadType: "text/other" });
  const read = readDsse(other, { ...FORM, payloadType: "text/other" });
  expect(read.ok && isSignedBy(read.value, ROLE, LISTED)).toBe(false);
});

async function refused(change: object, expected: string): Promise<void> {
  expect(codeOf(readDsse(await envelope(change), FORM))).toBe(expected);
}

test("a type that was not asked for", () => refused({ payloadType: "x" }, "MALFORMED"));
test("a payload that is no base64", () => refused({ payload: "{}" }, "MALFORMED"));
test("base64 with bits to spare", () => refused({ payload: "e30" }, "MALFORMED"));
test("a payload that is another document", () => refused({ payload: "e30=" }, "MALFORMED"));
test("nobody's signature", () => refused({ signatures: [] }, "MALFORMED"));
test("an envelope beyond its limit", () => refused({ more: "x".repeat(1000) }, "TOO_LARGE"));
