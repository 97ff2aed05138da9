/** The crash matrix: all scenarios, the call sites that they reach, and all syncs left out, added up. */
import { writtenSites } from "./call-sites.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { MutantResult, ScenarioResult, Survey, Task, TaskResult } from "./tasks.ts";

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

/** Of every scenario: power losses whose recovery is failed everywhere in its turn. */
const RECOVERIES = 2;

export async function runMatrix({ seed, share, run }: MatrixOptions): Promise<MatrixResult> {
  const surveys = (
    await run(SCENARIOS.map(({ name }) => ({ kind: "survey", scenario: name })))
  ).flatMap((result) => (result.kind === "survey" ? [result.done] : []));
  const scenarios = await runScenarios({ seed, share, run, recoveries: RECOVERIES });
  const mutants = await runMutants(surveys, run);
  const sites = writtenSites();
  const reached = new Set(surveys.flatMap((survey) => survey.reached));
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
  recoveries,
}: MatrixOptions & { readonly recoveries: number }): Promise<readonly ScenarioResult[]> {
  const tasks = SCENARIOS.map(({ name }): Task => {
    return { kind: "cases", scenario: name, share, seed, recoveries };
  });
  return (await run(tasks)).flatMap((result) => (result.kind === "cases" ? [result.done] : []));
}

/** Each against the scenarios that reach it. */
async function runMutants(
  surveys: readonly Survey[],
  run: MatrixOptions["run"],
): Promise<readonly MutantResult[]> {
  const sites = [...new Set(surveys.flatMap(({ syncs }) => syncs))].sort();
  const tasks = sites.map((site): Task => {
    const reaching = surveys.filter(({ syncs }) => syncs.includes(site));
    return { kind: "mutant", site, scenarios: reaching.map(({ scenario }) => scenario) };
  });
  return (await run(tasks)).flatMap((result) => (result.kind === "mutant" ? [result.done] : []));
}
