import { constants, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { hex, utf8 } from "../../../../protocol/base/bytes.ts";
import { nativeSigner, readMetadataKey } from "../../../../protocol/crypto/index.ts";

const MESSAGE = utf8("message");
const ec = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const p384 = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const shortRsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
const ed = nativeSigner(new Uint8Array(32).fill(7));

const edSignature = await ed.sign(MESSAGE);

const pem = (key: KeyObject): string => key.export({ type: "spki", format: "pem" }).toString();
/** `type/scheme`. */
const key = (kind: string, text: string) => {
  const [keytype = "", scheme = ""] = kind.split("/");
  return readMetadataKey({ keytype, scheme, keyval: { public: text } });
};

function pss(privateKey: KeyObject, saltLength: number): Buffer {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return sign("sha256", MESSAGE, { key: privateKey, padding, saltLength });
}

const point = (() => {
  const { x = "", y = "" } = ec.publicKey.export({ format: "jwk" });
  return `04${hex(Buffer.from(x, "base64url"))}${hex(Buffer.from(y, "base64url"))}`;
})();

describe("TUF 4.2: key types and schemes", () => {
  test.each([
    ["ed25519/ed25519", hex(ed.publicKey), edSignature],
    ["ecdsa/ecdsa-sha2-nistp256", pem(ec.publicKey), sign("sha256", MESSAGE, ec.privateKey)],
    ["ecdsa-sha2-nistp256/ecdsa-sha2-nistp256", point, sign("sha256", MESSAGE, ec.privateKey)],
    ["rsa/rsassa-pss-sha256", pem(rsa.publicKey), pss(rsa.privateKey, 32)],
    ["rsa/rsassa-pss-sha256", pem(rsa.publicKey), pss(rsa.privateKey, 222)],
  ])("%s verifies its signature and no other", (kind, text, signature) => {
    const read = key(kind, text);
    expect(read?.verifies(MESSAGE, signature)).toBe(true);
    expect(read?.verifies(utf8("massage"), signature)).toBe(false);
    for (const wrong of [new Uint8Array(0), new Uint8Array(64), signature.subarray(1)]) {
      expect(read?.verifies(MESSAGE, wrong)).toBe(false);
    }
  });

  test("one key in two spellings is one key", () => {
    const plain = key("ecdsa/ecdsa-sha2-nistp256", pem(ec.publicKey));
    expect(key("ecdsa-sha2-nistp256/ecdsa-sha2-nistp256", point)?.material).toBe(plain?.material);
    expect(createPublicKey(pem(ec.publicKey)).asymmetricKeyType).toBe("ec");
  });

  test.each([
    ["an RSA key below 2048 bits", "rsa/rsassa-pss-sha256", pem(shortRsa.publicKey)],
    ["another curve", "ecdsa/ecdsa-sha2-nistp256", pem(p384.publicKey)],
    ["an RSA key as an ECDSA key", "ecdsa/ecdsa-sha2-nistp256", pem(rsa.publicKey)],
    ["a point that is on no curve", "ecdsa/ecdsa-sha2-nistp256", `04${"01".repeat(64)}`],
    ["a PEM that holds nothing", "rsa/rsassa-pss-sha256", "-----BEGIN PUBLIC KEY-----"],
    ["a scheme that nobody knows", "rsa/rsa-pkcs1v15-sha256", pem(rsa.publicKey)],
    ["a key of small order", "ed25519/ed25519", "00".repeat(32)],
    ["a private key", "rsa/rsassa-pss-sha256", "-----BEGIN PRIVATE KEY-----"],
    ["a text of any length", "rsa/rsassa-pss-sha256", "x".repeat(1 << 20)],
  ])("%s is no key", (_what, kind, text) => {
    expect(key(kind, text)).toBeUndefined();
  });
});
