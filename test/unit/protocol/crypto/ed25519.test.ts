import { describe, expect, test } from "@jest/globals";
import nacl from "tweetnacl";
import { fromHex, hex, utf8 } from "../../../../protocol/base/bytes.ts";
import { present } from "../../../../protocol/base/assert.ts";
import {
  isAcceptablePublicKey,
  isCanonicalSignature,
  keyIdOf,
  memorySigner,
  nativeSigner,
  verifyDetached,
} from "../../../../protocol/crypto/index.ts";
import { fc, property } from "../../../support/property.ts";

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const FIELD_PRIME = 2n ** 255n - 19n;
const MESSAGE = utf8("tile 7 of 9");

function bytes(digits: string): Uint8Array {
  return present(fromHex(digits), "hexadecimal digits");
}

function encode(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
}

function decode(little: Uint8Array): bigint {
  return BigInt(`0x${hex(little.slice().reverse())}`);
}

/** The same signature with S + L in place of S: the curve cannot tell the difference. */
function malleated(signature: Uint8Array): Uint8Array {
  const twin = signature.slice();
  twin.set(encode(decode(signature.slice(32)) + GROUP_ORDER), 32);
  return twin;
}

// RFC 8032 section 7.1: secret, public key, message, signature.
const RFC_8032 = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
] as const;

test.each(RFC_8032)("RFC 8032 7.1: secret %s signs as published", async (...vector) => {
  const [seed, key, message, signed] = vector;
  for (const signer of [memorySigner(bytes(seed)), nativeSigner(bytes(seed))]) {
    expect(hex(signer.publicKey)).toBe(key);
    expect(hex(await signer.sign(bytes(message)))).toBe(signed);
  }
  expect(verifyDetached(bytes(message), bytes(signed), bytes(key))).toBe(true);
});

test("a signature with S + L is refused, although the curve equation holds", async () => {
  const signer = nativeSigner(new Uint8Array(32).fill(3));
  const signature = await signer.sign(MESSAGE);
  expect(isCanonicalSignature(signature)).toBe(true);
  expect(isCanonicalSignature(malleated(signature))).toBe(false);
  expect(nacl.sign.detached.verify(MESSAGE, malleated(signature), signer.publicKey)).toBe(true);
  expect(verifyDetached(MESSAGE, malleated(signature), signer.publicKey)).toBe(false);
});

describe("public keys of small order", () => {
  /** Affine y of 8P by the birational doubling of the curve equation, in exact arithmetic. */
  const d = (-121665n * inverse(121666n)) % FIELD_PRIME;

  function inverse(value: bigint): bigint {
    return power(value, FIELD_PRIME - 2n);
  }

  function power(base: bigint, exponent: bigint): bigint {
    let result = 1n;
    let square = ((base % FIELD_PRIME) + FIELD_PRIME) % FIELD_PRIME;
    for (let rest = exponent; rest > 0n; rest >>= 1n) {
      if (rest & 1n) result = (result * square) % FIELD_PRIME;
      square = (square * square) % FIELD_PRIME;
    }
    return result;
  }

  /** y(2P) from y(P): with y², x² = (y² - 1) / (d y² + 1), y(2P) = (y² + x²) / (2 + x² - y²). */
  function doubledY(y: bigint): bigint {
    const ySquared = (y * y) % FIELD_PRIME;
    const xSquared = ((ySquared - 1n) * inverse(d * ySquared + 1n)) % FIELD_PRIME;
    const doubled = (ySquared + xSquared) * inverse(2n + xSquared - ySquared);
    return ((doubled % FIELD_PRIME) + FIELD_PRIME) % FIELD_PRIME;
  }

  const SMALL = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ];

  test.each(SMALL)(
    "%s has an order that divides eight, and is refused with either sign",
    (digits) => {
      const key = bytes(digits);
      expect(doubledY(doubledY(doubledY(decode(key))))).toBe(1n);
      expect(isAcceptablePublicKey(key)).toBe(false);
      key[31] = (key[31] ?? 0) | 0x80;
      expect(isAcceptablePublicKey(key)).toBe(false);
    },
  );

  test("non-canonical encodings (y not below the field's prime) are refused", () => {
    for (let y = FIELD_PRIME; y < 2n ** 255n; y++) {
      expect(isAcceptablePublicKey(encode(y))).toBe(false);
    }
  });

  test("the identity key, with which R = identity and S = 0 sign everything, verifies nothing", () => {
    const identity = bytes(SMALL[0] ?? "");
    const forged = new Uint8Array(64);
    forged[0] = 1;
    expect(nacl.sign.detached.verify(MESSAGE, forged, identity)).toBe(true);
    expect(verifyDetached(MESSAGE, forged, identity)).toBe(false);
  });

  test("keys of the wrong length are refused", () => {
    expect(isAcceptablePublicKey(new Uint8Array(31).fill(7))).toBe(false);
    expect(isAcceptablePublicKey(new Uint8Array(33).fill(7))).toBe(false);
  });
});

test("a signature holds for its message and key, and with any bit changed for nothing", async () => {
  const signer = nativeSigner(new Uint8Array(32).fill(5));
  const signature = await signer.sign(MESSAGE);
  expect(verifyDetached(MESSAGE, signature, signer.publicKey)).toBe(true);
  property(fc.nat({ max: 64 * 8 - 1 }), (bit) => {
    const altered = signature.slice();
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(verifyDetached(MESSAGE, altered, signer.publicKey)).toBe(false);
  });
});

test("tweetnacl and node sign the same bytes alike", async () => {
  const seed = new Uint8Array(32).fill(11);
  const [offline, online] = [memorySigner(seed), nativeSigner(seed)];
  expect(online.publicKey).toEqual(offline.publicKey);
  expect(online.keyId).toBe(offline.keyId);
  expect(await online.sign(MESSAGE)).toEqual(await offline.sign(MESSAGE));
});

test("a key id is the hash of the canonical key object, as TUF 4.2 says", () => {
  const key = bytes(RFC_8032[0][1]);
  // Computed by sha256sum over the text of the object.
  expect(keyIdOf(key)).toBe("74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916");
});
