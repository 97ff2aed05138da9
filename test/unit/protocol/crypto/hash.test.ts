import { expect, test } from "@jest/globals";
import { hex, utf8 } from "../../../../protocol/base/bytes.ts";
import { hasher, sha256Hex, sha512 } from "../../../../protocol/crypto/index.ts";

// FIPS 180-4 examples.
test("hashes of abc are the published ones", () => {
  expect(sha256Hex(utf8("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  expect(hex(sha512(utf8("abc"))).slice(0, 32)).toBe("ddaf35a193617abacc417349ae204131");
});

test.each(["sha256", "sha512"] as const)("%s in pieces equals it at once", (algorithm) => {
  const whole = hasher(algorithm);
  whole.update(utf8("one two three"));
  const pieces = hasher(algorithm);
  for (const piece of ["one", " two", "", " three"]) pieces.update(utf8(piece));
  expect(pieces.hex()).toBe(whole.hex());
});
