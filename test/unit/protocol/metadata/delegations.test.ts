import { describe, expect, test } from "@jest/globals";
import {
  delegatedNames,
  delegateNamed,
  delegatesFor,
  isDelegatedPath,
  matchesPattern,
} from "../../../../protocol/metadata/index.ts";
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

describe("TAP 15: succinct hash bins", () => {
  // The example of TAP 15 with its bit length, and the bin of a path by its hash.
  const bins = (bit_length: number) => ({
    keys: new Map(),
    succinct_roles: { keyids: ["k"], threshold: 1, bit_length, name_prefix: "bin" },
  });

  test("names are the prefix and the number in as many digits as the last one has", () => {
    expect(delegatedNames(bins(1))).toEqual(["bin-0", "bin-1"]);
    expect(delegatedNames(bins(5)).at(-1)).toBe("bin-1f");
    expect(delegatedNames(bins(8))).toHaveLength(256);
  });

  test.each([1, 4, 5, 8, 16, 32])("with %d bits, a path's bin is the start of its hash", (bits) => {
    const path = "drivers/sm8650/1.1.0";
    const number = BigInt(`0x${sha256Hex(utf8(path)).slice(0, 8)}`) >> BigInt(32 - bits);
    const name = `bin-${number.toString(16).padStart(Math.ceil(bits / 4), "0")}`;
    expect(delegatesFor(bins(bits), path)).toEqual([{ name, terminating: true }]);
    expect(delegateNamed(bins(bits), name)).toMatchObject({ keyids: ["k"] });
  });

  test.each(["bin-20", "bin-1F", "bin-001", "bin-", "bin", "other-01", "bin-1g"])(
    "%s is no bin of five bits",
    (name) => {
      expect(delegateNamed(bins(5), name)).toBeUndefined();
    },
  );
});
