import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import type { Result } from "../../../../protocol/base/result.ts";
import { nativeSigner, verifyDetached } from "../../../../protocol/crypto/index.ts";
import {
  CLOCK_SKEW_SECONDS_MAX,
  contentDigest,
  readSignature,
  signatureBase,
  signRequest,
  verifyRequest,
  type RequestToSign,
  type SignatureHeaders,
} from "../../../../protocol/wire/index.ts";

const SIGNER = nativeSigner(new Uint8Array(32).fill(4));
const NOW = 1_790_000_000;
const REQUEST: RequestToSign = {
  method: "POST",
  path: "/device/v1/check-in",
  query: "?dry-run=1",
  body: utf8("protobuf"),
};

const verify = (message: Uint8Array, signature: Uint8Array) =>
  verifyDetached(message, signature, SIGNER.publicKey);

function base64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.code;
}

/** Signs one request, then verifies another that bears its signature. */
async function transplanted(change: Partial<RequestToSign>, nowSeconds = NOW): Promise<string> {
  const headers = await signRequest(REQUEST, { signer: SIGNER, createdSeconds: NOW });
  return codeOf(verified({ ...REQUEST, ...change }, { ...headers }, nowSeconds));
}

function verified(request: RequestToSign, headers: SignatureHeaders, nowSeconds = NOW) {
  const claim = readSignature({ ...headers });
  return claim.ok ? verifyRequest(request, claim.value, { nowSeconds, verify }) : claim;
}

describe("RFC 9421", () => {
  // B.2.6, with the key test-key-ed25519 of B.1.4.
  const components = [
    ["date", "Tue, 20 Apr 2021 02:07:55 GMT"],
    ["@method", "POST"],
    ["@path", "/foo"],
    ["@authority", "example.com"],
    ["content-type", "application/json"],
    ["content-length", "18"],
  ] as const;
  const names = components.map(([name]) => `"${name}"`).join(" ");
  const parameters = `(${names});created=1618884473;keyid="test-key-ed25519"`;
  const published =
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";

  test("B.2.6: our signature base bears the published signature", () => {
    const key = base64("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=");
    const base = utf8(signatureBase(components, parameters));
    expect(verifyDetached(base, base64(published), key)).toBe(true);
  });

  test("B.2.6: the published key signs our base as published", async () => {
    const signer = nativeSigner(base64("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU="));
    const signature = await signer.sign(utf8(signatureBase(components, parameters)));
    expect(Buffer.from(signature).toString("base64")).toBe(published);
  });

  test("RFC 9530: the digest of a known body", () => {
    expect(contentDigest(utf8('{"hello": "world"}'))).toBe(
      "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    );
  });
});

test("a signed request is accepted, and says whose it is", async () => {
  const headers = await signRequest(REQUEST, { signer: SIGNER, createdSeconds: NOW });
  const result = verified(REQUEST, headers);
  expect(result).toMatchObject({ ok: true, value: { keyId: SIGNER.keyId, createdSeconds: NOW } });
});

test.each<[string, Partial<RequestToSign>, string]>([
  ["method", { method: "PUT" }, "SIGNATURE_WRONG"],
  ["path", { path: "/device/v1/reports" }, "SIGNATURE_WRONG"],
  ["query", { query: "" }, "SIGNATURE_WRONG"],
  ["body", { body: utf8("other") }, "SIGNATURE_WRONG_DIGEST"],
])("a signature moved to another %s is refused", async (_what, change, code) => {
  expect(await transplanted(change)).toBe(code);
});

test("a digest that fits another body is refused: it is signed too", async () => {
  const headers = await signRequest(REQUEST, { signer: SIGNER, createdSeconds: NOW });
  const body = utf8("other");
  const forged = { ...headers, "content-digest": contentDigest(body) };
  expect(codeOf(verified({ ...REQUEST, body }, forged))).toBe("SIGNATURE_WRONG");
});

test("an altered parameter is refused: the parameters are signed", async () => {
  const headers = await signRequest(REQUEST, { signer: SIGNER, createdSeconds: NOW });
  const input = headers["signature-input"].replace(String(NOW), String(NOW + 1));
  expect(codeOf(verified(REQUEST, { ...headers, "signature-input": input }))).toBe(
    "SIGNATURE_WRONG",
  );
});

test("without a query the component is a lone question mark", async () => {
  const request = { ...REQUEST, query: "" };
  const headers = await signRequest(request, { signer: SIGNER, createdSeconds: NOW });
  expect(codeOf(verified(request, headers))).toBe("ok");
  expect(codeOf(verified({ ...request, query: "?" }, headers))).toBe("ok");
});

describe("time", () => {
  test.each([
    [CLOCK_SKEW_SECONDS_MAX, "ok"],
    [-CLOCK_SKEW_SECONDS_MAX, "ok"],
    [CLOCK_SKEW_SECONDS_MAX + 1, "SIGNATURE_CLOCK_SKEW"],
    [-CLOCK_SKEW_SECONDS_MAX - 1, "SIGNATURE_CLOCK_SKEW"],
  ])("a request %d s off is %s", async (skew, code) => {
    expect(await transplanted({}, NOW + skew)).toBe(code);
  });

  test("a device with a bad clock gets in with the server's nonce, and with no other", async () => {
    const createdSeconds = 12;
    const signing = { signer: SIGNER, createdSeconds, nonce: "n0nce-1" };
    const claim = readSignature({ ...(await signRequest(REQUEST, signing)) });
    if (!claim.ok) throw new Error(claim.message);
    const options = { nowSeconds: NOW, verify };
    const with1 = { ...options, expectedNonce: "n0nce-1" };
    const with2 = { ...options, expectedNonce: "n0nce-2" };
    expect(codeOf(verifyRequest(REQUEST, claim.value, with1))).toBe("ok");
    expect(codeOf(verifyRequest(REQUEST, claim.value, with2))).toBe("SIGNATURE_CLOCK_SKEW");
    expect(codeOf(verifyRequest(REQUEST, claim.value, options))).toBe("SIGNATURE_CLOCK_SKEW");
  });
});

describe("header fields", () => {
  const good = {
    "content-digest": contentDigest(REQUEST.body),
    "signature-input": `retile=("@method" "@path" "@query" "content-digest");created=1;keyid="k"`,
    signature: `retile=:${"A".repeat(86)}==:`,
  };

  test.each(["content-digest", "signature-input", "signature"] as const)(
    "%s must be there",
    (name) => {
      expect(codeOf(readSignature({ ...good, [name]: undefined }))).toBe("SIGNATURE_MISSING");
    },
  );

  test.each([
    [
      "another list of components",
      { "signature-input": good["signature-input"].replace('"@path" ', "") },
    ],
    ["another label", { "signature-input": good["signature-input"].replace("retile", "sig1") }],
    ["a second signature", { "signature-input": `${good["signature-input"]}, x=();created=1` }],
    ["an unsigned parameter order", { "signature-input": 'retile=();keyid="k";created=1' }],
    ["a short signature", { signature: "retile=:AAAA:" }],
    ["no base64", { signature: `retile=:${"!".repeat(86)}==:` }],
  ])("%s is malformed", (_what, change) => {
    expect(codeOf(readSignature(good))).toBe("ok");
    expect(codeOf(readSignature({ ...good, ...change }))).toBe("SIGNATURE_MALFORMED");
  });
});
