/** A share of the crash matrix for test suites, in this process; the seed is in every violation's text. */
import { runScenarios } from "./run-matrix.ts";
import { runTask, type Task, type TaskResult } from "./tasks.ts";

async function runHere(tasks: readonly Task[]): Promise<readonly TaskResult[]> {
  const results: TaskResult[] = [];
  for (const task of tasks) results.push(await runTask(task));
  return results;
}

export async function sampleMatrix(share: number) {
  const seed = Number(process.env["RETILE_SEED"] ?? Date.now() % 0x7fffffff);
  const scenarios = await runScenarios({ seed, share, run: runHere, recoveries: 0 });
  const cases = scenarios.flatMap((scenario) => Object.values(scenario.cases));
  return {
    cases: cases.reduce((sum, count) => sum + count, 0),
    violations: scenarios.flatMap(({ violations }) =>
      violations.map((text) => `seed ${seed}: ${text}`),
    ),
  };
}
