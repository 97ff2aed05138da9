import { expect, test } from "@jest/globals";
import { isDelegatedPath, matchesPattern } from "../../../../protocol/metadata/index.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";

// TUF 4.5 gives the first eight.
test.each([
  ["targets/*.tgz", "targets/foo.tgz", true],
  ["targets/*.tgz", "targets/foo.txt", false],
  ["foo-version-?.tgz", "foo-version-2.tgz", true],
  ["foo-version-?.tgz", "foo-version-alpha.tgz", false],
  ["*.tgz", "foo.tgz", true],
  ["*.tgz", "targets/foo.tgz", false],
  ["foo.tgz", "foo.tgz", true],
  ["foo.tgz", "bar.tgz", false],
  ["drivers/sm8650/*", "drivers/sm8650/1.1.0", true],
  ["drivers/sm8650/*", "drivers/sm8350/1.1.0", false],
  ["drivers/*/*", "drivers/sm8650/1.1.0", true],
  ["drivers/*", "drivers/sm8650/1.1.0", false],
  ["drivers/*/*", "drivers/sm8650", false],
  ["*", "", true],
  ["?", "", false],
  ["a*b*c", "a1b2b3c", true],
  ["a*b*c", "a1b2b3", false],
  ["**", "anything", true],
  ["[ab]", "a", false],
])("pattern %s and path %s: %j", (pattern, path, matches) => {
  expect(matchesPattern(pattern, path)).toBe(matches);
});

test("a hostile pattern takes no exponential time", () => {
  const pattern = `${"*a".repeat(60)}b`;
  expect(matchesPattern(pattern, "a".repeat(4000))).toBe(false);
});

test("hash prefixes divide paths into bins", () => {
  const digest = sha256Hex(utf8("drivers/sm8650/1.1.0"));
  const role = { name: "bin", keyids: [], threshold: 1, terminating: true };
  const first = digest.slice(0, 2);
  const other = first === "00" ? "01" : "00";
  const path = "drivers/sm8650/1.1.0";
  expect(isDelegatedPath({ ...role, path_hash_prefixes: [other, first] }, path)).toBe(true);
  expect(isDelegatedPath({ ...role, path_hash_prefixes: [other] }, path)).toBe(false);
});
