import { expect, test } from "@jest/globals";
import { RELEASES } from "../../../../compiler/releases/index.ts";
import { compareSemver, isSemver } from "../../../../protocol/base/semver.ts";

test("releases are semantic versions, oldest first", () => {
  const versions = [...RELEASES.keys()];
  expect(versions.every(isSemver)).toBe(true);
  expect(versions).toEqual([...versions].sort(compareSemver));
  expect(versions).toEqual(expect.arrayContaining(["1.0.0", "1.1.0"]));
});

test("each release differs from the one before it", () => {
  const texts = [...RELEASES.values()].map(({ lowering }) => JSON.stringify(lowering));
  expect(new Set(texts).size).toBe(texts.length);
});
