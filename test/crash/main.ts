/**
 * `npm run crash:matrix`: fails every step of the agent's disk in every way, in every scenario, and leaves out
 * every sync of every caller once. `--json` ends with one object; `--seed N --share X` takes a share of the cases.
 */
import { parseArgs } from "node:util";
import { createOutput } from "../../cli/output.ts";
import { CASE_KINDS } from "../support/crash/cases.ts";
import { runMatrix, type MatrixResult } from "../support/crash/run-matrix.ts";
import type { ScenarioResult, Task } from "../support/crash/tasks.ts";
import { openPool } from "./pool.ts";

const VIOLATIONS_SHOWN_MAX = 20;
/** A bar counts whole steps. */
const STEPS_OF_A_TASK = 100;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    share: { type: "string", default: "1" },
  },
});
const [seed, share] = [Number(values.seed), Number(values.share)];
const output = createOutput(values.json);
const startedAt = performance.now();
const pool = openPool();
const result = await runMatrix({ seed, share, run: withProgress });
pool.close();
explain(result);
const summary = summaryOf(result);
output.report({ name: "crash:matrix", rows: result.scenarios.map(rowOf), summary });
const isWhole =
  summary.violations === 0 &&
  summary.callSites === summary.callSitesReached &&
  summary.syncMutants === summary.syncMutantsCaught;
process.exitCode = isWhole ? 0 : 1;

async function withProgress(tasks: readonly Task[]) {
  const label = `crash:matrix ${tasks[0]?.kind}`;
  const progress = output.progress(label, tasks.length * STEPS_OF_A_TASK);
  let [done, shown] = [0, 0];
  const results = await pool.run(tasks, (more) => {
    done += more;
    const steps = Math.floor(done * STEPS_OF_A_TASK) - shown;
    shown += steps;
    if (steps > 0) progress.advance(steps);
  });
  progress.finish();
  return results;
}

function explain({ scenarios, mutants, unreached }: MatrixResult): void {
  const violations = scenarios.flatMap((scenario) => scenario.violations);
  for (const text of violations.slice(0, VIOLATIONS_SHOWN_MAX)) output.say(`VIOLATION ${text}`);
  for (const place of unreached) output.say(`never reached: ${place}`);
  for (const { site, caughtBy } of mutants) {
    output.say(`without ${site}: ${caughtBy?.split("\n")[0] ?? "NOTHING NOTICES"}`);
  }
}

function casesOf({ cases }: ScenarioResult): number {
  return CASE_KINDS.reduce((sum, kind) => sum + cases[kind], 0);
}

function rowOf(of: ScenarioResult) {
  const { scenario, steps, cases, distinct, violations } = of;
  return { scenario, steps, ...cases, distinct, violations: violations.length };
}

function summaryOf({ scenarios, mutants, sites, unreached }: MatrixResult) {
  const total = (count: (scenario: ScenarioResult) => number): number =>
    scenarios.reduce((sum, scenario) => sum + count(scenario), 0);
  return {
    cases: total(casesOf),
    violations: total(({ violations }) => violations.length),
    /** Crashes that leave one disk and one server have one future, which is judged once. */
    distinct: total(({ distinct }) => distinct),
    callSites: sites,
    callSitesReached: sites - unreached.length,
    syncMutants: mutants.length,
    syncMutantsCaught: mutants.filter(({ caughtBy }) => caughtBy !== null).length,
    ...{ seed, share, seconds: Math.round((performance.now() - startedAt) / 1000) },
  };
}
