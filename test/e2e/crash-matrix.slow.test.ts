import { expect, test } from "@jest/globals";
import { openStages, syncMutants } from "../support/crash/run-matrix.ts";
import { sampleMatrix } from "../support/crash/sample.ts";
import { SCENARIOS } from "../support/crash/scenarios.ts";

test("a tenth of the crash matrix holds", async () => {
  const { cases, violations } = await sampleMatrix(0.1);
  expect(violations).toEqual([]);
  expect(cases).toBeGreaterThan(500);
}, 900_000);

test("without any single one of its syncs the agent loses something", async () => {
  const mutants = await syncMutants(await openStages(SCENARIOS), () => undefined);
  expect(mutants.length).toBeGreaterThanOrEqual(8);
  expect(mutants.filter(({ caughtBy }) => caughtBy === undefined)).toEqual([]);
}, 900_000);
