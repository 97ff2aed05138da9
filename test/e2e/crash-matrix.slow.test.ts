/**
 * What the quick suite has no time for; `npm run crash:matrix` runs all of it. The command runs by itself, as stacks
 * name lines of the sources there and of their translation here.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

test("a twentieth of the crash matrix holds, every call site is reached, and every sync is missed", async () => {
  const words = ["--import", "tsx", "test/crash/main.ts", "--share", "0.05", "--json"];
  // It exits with 1, and prints what was not noticed, where anything does not hold.
  const run = await promisify(execFile)(process.execPath, words);
  const { summary } = JSON.parse(run.stdout);
  expect(summary.cases).toBeGreaterThan(1_000);
  expect(summary.violations).toBe(0);
  expect(summary.callSitesReached).toBe(summary.callSites);
  expect(summary.syncMutantsCaught).toBe(summary.syncMutants);
}, 900_000);
