/** The matrix in pieces that can be run anywhere: one scenario's survey, its cases, or one sync left out. */
import { present, unreachable } from "../../../protocol/base/assert.ts";
import { seededRandom } from "../../../protocol/base/random.ts";
import { linesOnStack, type SourceLine } from "./call-sites.ts";
import { CASE_KINDS, casesOf, type Case } from "./cases.ts";
import { openStage, type Judging, type Stage } from "./judge.ts";
import { live } from "./life.ts";
import { PASS } from "./observed-disk.ts";
import { SCENARIOS } from "./scenarios.ts";
import { caughtBy, syncSitesOf, type SyncSite } from "./sync-mutants.ts";

export type Task =
  | { readonly kind: "survey"; readonly scenario: string }
  | {
      readonly kind: "cases";
      readonly scenario: string;
      /** In (0, 1]: of the cases, chosen by the seed. */
      readonly share: number;
      readonly seed: number;
      /** Lives of recovery that are failed everywhere as well. */
      readonly recoveries: number;
    }
  | { readonly kind: "mutant"; readonly site: SyncSite; readonly scenarios: readonly string[] };

export type TaskResult =
  | { readonly kind: "survey"; readonly done: Survey }
  | { readonly kind: "cases"; readonly done: ScenarioResult }
  | { readonly kind: "mutant"; readonly done: MutantResult };

export interface Survey {
  readonly scenario: string;
  /** The agent's lines that asked for a step of the disk. */
  readonly reached: readonly SourceLine[];
  readonly syncs: readonly SyncSite[];
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly steps: number;
  readonly cases: Readonly<Record<Case["kind"], number>>;
  /** Pairs of disk and server that a crash left, and I/O errors: what had to be judged. */
  readonly distinct: number;
  readonly violations: readonly string[];
}

export interface MutantResult {
  readonly site: SyncSite;
  /** The first case that failed without it; null: nothing needs it. */
  readonly caughtBy: string | null;
}

/** `onFraction` hears now and then how much is done, in [0, 1]. */
export async function runTask(
  task: Task,
  onFraction: (fraction: number) => void = () => undefined,
): Promise<TaskResult> {
  switch (task.kind) {
    case "survey":
      return { kind: "survey", done: await survey(task.scenario) };
    case "cases":
      return { kind: "cases", done: await runCases(task, onFraction) };
    case "mutant": {
      const stages = await Promise.all(task.scenarios.map(stageOf));
      const found = await caughtBy(task.site, stages);
      return { kind: "mutant", done: { site: task.site, caughtBy: found ?? null } };
    }
    default:
      return unreachable(task);
  }
}

async function survey(name: string): Promise<Survey> {
  const stage = await stageOf(name);
  const reached = new Set<SourceLine>();
  await live(stage, stage.life.start, () => {
    for (const line of linesOnStack()) reached.add(line);
    return PASS;
  });
  return { scenario: name, reached: [...reached], syncs: [...(await syncSitesOf(stage))] };
}

async function runCases(
  { scenario: name, share, seed, recoveries }: Extract<Task, { kind: "cases" }>,
  onFraction: (fraction: number) => void,
): Promise<ScenarioResult> {
  const stage = await stageOf(name);
  const judging: Judging = { rule: () => PASS, judged: new Map() };
  const random = seededRandom(seed);
  const all = await casesOf(stage, { judging, recoveries });
  const chosen = all.filter(() => random.uniform() < share);
  const cases = Object.fromEntries(CASE_KINDS.map((kind) => [kind, 0])) as Record<
    Case["kind"],
    number
  >;
  const violations: string[] = [];
  for (const [index, one] of chosen.entries()) {
    cases[one.kind]++;
    const why = await one.violations();
    if (why.length > 0) violations.push(`${name}: ${one.name()}\n    ${why.join("\n    ")}`);
    onFraction((index + 1) / chosen.length);
  }
  return {
    scenario: name,
    steps: stage.life.steps.length,
    cases,
    distinct: judging.judged.size + cases.fault,
    violations,
  };
}

/** Opened once: a task may follow another of the same scenario. */
const stages = new Map<string, Promise<Stage>>();

function stageOf(name: string): Promise<Stage> {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  const stage = stages.get(name) ?? openStage(present(scenario, name));
  stages.set(name, stage);
  return stage;
}
