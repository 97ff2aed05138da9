import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { keyIdOfObject, keyObject, memorySigner } from "../../../../protocol/crypto/index.ts";
import {
  addSignature,
  isSignedBy,
  readEnvelope,
  signMetadata,
  type MetadataKey,
} from "../../../../protocol/metadata/index.ts";
import { testSigner } from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

const SIGNERS = [testSigner(1), testSigner(2), testSigner(3)] as const;
const [FIRST, SECOND, THIRD] = SIGNERS;
const KEYS = new Map(
  SIGNERS.map(({ keyId, publicKey }): [string, MetadataKey] => [keyId, keyObject(publicKey)]),
);
const TWO_OF_THREE = { keyids: SIGNERS.map(({ keyId }): string => keyId), threshold: 2 };

function isSigned(bytes: Uint8Array, keys: ReadonlyMap<string, MetadataKey> = KEYS): boolean {
  const read = readEnvelope(bytes, z.unknown(), 100_000);
  if (!read.ok) throw new Error(read.message);
  return isSignedBy(read.value, TWO_OF_THREE, keys);
}

function signaturesOf(bytes: Uint8Array): { keyid: string; sig: string }[] {
  return JSON.parse(Buffer.from(bytes).toString()).signatures;
}

describe("two of three", () => {
  test("sign one after the other, each adding to what the last one left", async () => {
    const one = await signMetadata({ version: 1 }, [FIRST]);
    expect(isSigned(one)).toBe(false);
    const two = await addSignature(one, THIRD);
    expect(two.ok && isSigned(two.value)).toBe(true);
  });

  test("signing twice replaces one's own signature", async () => {
    const one = await signMetadata({ version: 1 }, [FIRST]);
    const again = await addSignature(one, FIRST);
    if (!again.ok) throw new Error(again.message);
    expect(again.value).toEqual(one);
    expect(isSigned(again.value)).toBe(false);
  });

  test("a signature that somebody spoiled does not count, whatever else is listed", async () => {
    const bytes = await signMetadata({ version: 1 }, [FIRST, SECOND]);
    const [first, second] = signaturesOf(bytes);
    const spoiled = (sig: string) =>
      canonicalJson({ signed: { version: 1 }, signatures: [first, { ...second, sig }] });
    for (const sig of ["", "zz", "00", first?.sig ?? "", `${second?.sig}00`]) {
      expect(isSigned(spoiled(sig))).toBe(false);
    }
    expect(isSigned(spoiled(second?.sig ?? ""))).toBe(true);
  });

  test("keys of types that we do not know sign nothing", async () => {
    const bytes = await signMetadata({ version: 1 }, [FIRST, SECOND]);
    const key = { ...keyObject(SECOND.publicKey), keytype: "rsa" };
    expect(isSigned(bytes, new Map([...KEYS, [SECOND.keyId, key]]))).toBe(false);
  });

  test("a key counts under the id that its delegator gave it, whatever its hash", async () => {
    const alias = "ab".repeat(32);
    const role = { keyids: [FIRST.keyId, alias], threshold: 2 };
    const aliased = { ...SECOND, keyId: alias as typeof SECOND.keyId };
    const read = readEnvelope(await signMetadata(1, [FIRST, aliased]), z.unknown(), 100_000);
    const keys = new Map([...KEYS, [alias, keyObject(SECOND.publicKey)]]);
    expect(read.ok && isSignedBy(read.value, role, keys)).toBe(true);
  });

  test("one public key under two ids, both rightly its hash, counts once", async () => {
    const object = keyObject(FIRST.publicKey);
    const twin = { ...object, keyval: { ...object.keyval, note: "again" } };
    const twinId = keyIdOfObject(twin);
    const role = { keyids: [FIRST.keyId, twinId], threshold: 2 };
    const both = [FIRST, { ...FIRST, keyId: twinId }];
    const read = readEnvelope(await signMetadata(1, both), z.unknown(), 100_000);
    const keys = new Map([...KEYS, [twinId, twin]]);
    expect(read.ok && isSignedBy(read.value, role, keys)).toBe(false);
    expect(read.ok && isSignedBy(read.value, { ...role, threshold: 1 }, keys)).toBe(true);
  });

  test("a key that is listed but not there signs nothing", async () => {
    const bytes = await signMetadata({ version: 1 }, [FIRST, SECOND]);
    const without = new Map([...KEYS].filter(([keyId]) => keyId !== SECOND.keyId));
    expect(isSigned(bytes, without)).toBe(false);
  });

  test("an offline signer (tweetnacl) and an online one (node) sign alike", async () => {
    const seed = new Uint8Array(32).fill(1);
    const offline = await signMetadata({ version: 1 }, [memorySigner(seed)]);
    expect(offline).toEqual(await signMetadata({ version: 1 }, [FIRST]));
  });
});

test.each([
  ["not JSON", utf8("{"), "MALFORMED"],
  ["not UTF-8", Uint8Array.of(0x22, 0xff, 0x22), "MALFORMED"],
  ["not an envelope", utf8("{}"), "MALFORMED"],
  ["too deep", utf8(`{"signed":${"[".repeat(40)}${"]".repeat(40)},"signatures":[]}`), "MALFORMED"],
  [
    "signed too often",
    canonicalJson({
      signed: 1,
      signatures: Array.from({ length: 200 }, (_, index) => ({ keyid: `${index}`, sig: "" })),
    }),
    "MALFORMED",
  ],
  [
    "signed twice by one key",
    canonicalJson({ signed: 1, signatures: Array(2).fill({ keyid: "a", sig: "" }) }),
    "MALFORMED",
  ],
  [
    "brackets in a string are no depth",
    utf8(`{"signed":"${"[".repeat(40)}\\"","signatures":[]}`),
    "ok",
  ],
  ["too large", new Uint8Array(100_001), "TOO_LARGE"],
])("a document that is %s", (_what, bytes, code) => {
  expect(codeOf(readEnvelope(bytes, z.unknown(), 100_000))).toBe(code);
});
