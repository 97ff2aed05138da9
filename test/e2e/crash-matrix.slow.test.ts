/** What the quick suite has no time for; `npm run crash:matrix` runs all of it. */
import { expect, test } from "@jest/globals";
import { runMatrix } from "../support/crash/run-matrix.ts";
import { runHere } from "../support/crash/sample.ts";

test("a twentieth of the crash matrix holds, every call site is reached, and every sync is missed", async () => {
  const { scenarios, mutants, unreached } = await runMatrix({ seed: 1, share: 0.05, run: runHere });
  expect(scenarios.flatMap(({ violations }) => violations)).toEqual([]);
  expect(unreached).toEqual([]);
  expect(mutants.filter(({ caughtBy }) => caughtBy === null)).toEqual([]);
}, 900_000);
