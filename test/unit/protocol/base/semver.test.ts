import { expect, test } from "@jest/globals";
import { compareSemver, isSemver } from "../../../../protocol/base/semver.ts";

test.each([
  ["1.0.0", true],
  ["1.9.9-faulty", true],
  ["1.0.0-rc.1", true],
  ["1.0", false],
  ["v1.0.0", false],
  [" 1.0.0", false],
  ["01.0.0", false],
  ["", false],
  ["1.0.0+build", false],
  [`1.0.0-${"a".repeat(100)}`, false],
])("%j is a version without build metadata: %j", (text, valid) => {
  expect(isSemver(text)).toBe(valid);
});

// semver.org section 11.
test("precedence is that of the specification", () => {
  const ordered = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.10.0",
  ];
  expect([...ordered].reverse().sort(compareSemver)).toEqual(ordered);
});
