/** A few cases of every scenario of the crash matrix, chosen by a seed; `npm run crash:matrix` runs all of them. */
import { expect, test } from "@jest/globals";
import { sampleMatrix } from "../support/crash/sample.ts";

test("a device whose disk dies, fails, tears or forgets at any step keeps a driver, completes its work, and reports it once", async () => {
  const { cases, violations } = await sampleMatrix(0.003);
  expect(violations).toEqual([]);
  expect(cases).toBeGreaterThan(10);
}, 120_000);
