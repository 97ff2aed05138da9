/** The crash matrix: all scenarios, the call sites that they reach, and all syncs left out, added up. */
import { writtenSites } from "./call-sites.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { MutantResult, ScenarioResult, Task, TaskResult } from "./tasks.ts";

export interface MatrixOptions {
  readonly seed: number;
  /** In (0, 1]. */
  readonly share: number;
  /** Runs tasks, in any order and on any number of processes. */
  readonly run: (tasks: readonly Task[]) => Promise<readonly TaskResult[]>;
}

export interface MatrixResult {
  readonly scenarios: readonly ScenarioResult[];
  readonly mutants: readonly MutantResult[];
  readonly sites: number;
  /** Lines that ask for a step of the disk, and that no scenario comes to. */
  readonly unreached: readonly string[];
}

export async function runMatrix({ seed, share, run }: MatrixOptions): Promise<MatrixResult> {
  const scenarios = await runScenarios({ seed, share, run });
  const mutants = await runMutants(scenarios, run);
  const sites = writtenSites();
  const reached = new Set(scenarios.flatMap((result) => result.reached));
  const unreached = sites.filter(({ place }) => !reached.has(place));
  return {
    scenarios,
    mutants,
    sites: sites.length,
    unreached: unreached.map(({ place, call }) => `${place} ${call}`),
  };
}

export async function runScenarios({
  seed,
  share,
  run,
}: MatrixOptions): Promise<readonly ScenarioResult[]> {
  const tasks = SCENARIOS.map(({ name }): Task => {
    return { kind: "scenario", scenario: name, share, seed };
  });
  return (await run(tasks)).flatMap((result) => (result.kind === "scenario" ? [result.done] : []));
}

/** Each against the scenarios that reach it. */
async function runMutants(
  scenarios: readonly ScenarioResult[],
  run: MatrixOptions["run"],
): Promise<readonly MutantResult[]> {
  const sites = [...new Set(scenarios.flatMap(({ syncs }) => syncs))].sort();
  const tasks = sites.map((site): Task => {
    const reaching = scenarios.filter(({ syncs }) => syncs.includes(site));
    return { kind: "mutant", site, scenarios: reaching.map(({ scenario }) => scenario) };
  });
  return (await run(tasks)).flatMap((result) => (result.kind === "mutant" ? [result.done] : []));
}
