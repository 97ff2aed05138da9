/** Runs the whole matrix, or a sample of it, and counts: cases, violations, call sites, and syncs that matter. */
import { seededRandom, type Random } from "../../../protocol/base/random.ts";
import { linesOnStack, writtenSites, type SourceLine } from "./call-sites.ts";
import {
  faultsOf,
  live,
  openStage,
  tornAt,
  violationsAt,
  violationsOfFault,
  type Life,
  type Moment,
  type Stage,
} from "./matrix.ts";
import { PASS, SYNCING, type DiskStep, type Ruling } from "./observed-disk.ts";
import { afterPowerLoss, describeLoss, powerLosses } from "./power-loss.ts";
import type { Scenario } from "./scenarios.ts";

export interface MatrixOptions {
  readonly seed: number;
  /** Of outcomes of a power loss at one moment; beyond it they are sampled. */
  readonly lossesMax: number;
  /** In (0, 1]: of the cases, chosen by the seed. */
  readonly share: number;
  /** Moments of a recovery, for each scenario, in which the power fails again. */
  readonly secondCrashes: number;
  readonly onViolation: (text: string) => void;
  readonly onScenario: (summary: ScenarioSummary) => void;
}

export interface ScenarioSummary {
  readonly scenario: string;
  readonly steps: number;
  readonly cases: number;
  readonly violations: number;
  /** Moments whose power losses were all tried, and those where there were too many. */
  readonly momentsWhole: number;
  readonly momentsSampled: number;
  /** Outcomes that the sampled moments have. */
  readonly lossesPossible: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Counts one scenario's cases, taking only a share of them. */
class Tally {
  readonly summary: Mutable<ScenarioSummary>;
  private readonly options: MatrixOptions;
  private readonly random: Random;

  constructor(stage: Stage, options: MatrixOptions) {
    this.options = options;
    this.random = seededRandom(options.seed);
    this.summary = {
      scenario: stage.scenario.name,
      steps: stage.life.steps.length,
      ...{ cases: 0, violations: 0, momentsWhole: 0, momentsSampled: 0, lossesPossible: 0 },
    };
  }

  async add(name: string, judge: () => Promise<readonly string[]>): Promise<void> {
    if (this.random.uniform() >= this.options.share) return;
    this.summary.cases++;
    const why = await judge();
    if (why.length === 0) return;
    this.summary.violations++;
    this.options.onViolation(`${this.summary.scenario}: ${name}\n    ${why.join("\n    ")}`);
  }

  losses(moment: Moment, lossesMax: number) {
    const { losses, possible } = powerLosses(moment.root, lossesMax, this.random);
    if (losses.length === possible) this.summary.momentsWhole++;
    else this.summary.momentsSampled++;
    if (losses.length < possible) this.summary.lossesPossible += possible;
    return losses;
  }
}

export async function runScenario(stage: Stage, options: MatrixOptions): Promise<ScenarioSummary> {
  const tally = new Tally(stage, options);
  await crashes(stage, stage.life, { tally, lossesMax: options.lossesMax, suffix: "" });
  for (const { index, operation, path } of stage.life.steps) {
    for (const fault of faultsOf(operation)) {
      const name = `${fault.torn ? "half of " : ""}${operation} ${path} (${index}): ${fault.code}`;
      await tally.add(name, () => violationsOfFault(stage, index, fault));
    }
  }
  await secondCrashes(stage, tally, options);
  options.onScenario(tally.summary);
  return tally.summary;
}

interface CrashOptions {
  readonly tally: Tally;
  readonly lossesMax: number;
  readonly suffix: string;
}

async function crashes(
  stage: Stage,
  life: Life,
  { tally, lossesMax, suffix }: CrashOptions,
): Promise<void> {
  for (const moment of life.moments) {
    const step = life.steps[moment.index];
    const at = `${step ? `${step.operation} ${step.path} (${step.index})` : "the end"}${suffix}`;
    await tally.add(`death before ${at}`, () => violationsAt(stage, moment));
    const torn = await tornAt(moment, life);
    if (torn) {
      await tally.add(`death in ${at}`, () => violationsAt(stage, { ...moment, root: torn }));
    }
    for (const loss of tally.losses(moment, lossesMax)) {
      const name = `power loss before ${at}: ${describeLoss(moment.root, loss)}`;
      const root = afterPowerLoss(moment.root, loss);
      await tally.add(name, () => violationsAt(stage, { ...moment, root }));
    }
  }
}

/** A few power losses, evenly spread, whose recovery is itself lived through and crashed everywhere. */
async function secondCrashes(stage: Stage, tally: Tally, options: MatrixOptions): Promise<void> {
  const { moments } = stage.life;
  for (let count = 1; count <= options.secondCrashes; count++) {
    const place = Math.floor((count * moments.length) / (options.secondCrashes + 1));
    const moment = moments[place];
    if (!moment) continue;
    const [first] = powerLosses(moment.root, 2, seededRandom(place)).losses;
    const root = first ? afterPowerLoss(moment.root, first) : moment.root;
    const recovery = await live({ ...stage, start: { ...moment, root } }, () => PASS);
    const suffix = ` while recovering from ${moment.index}`;
    await crashes(stage, recovery, { tally, lossesMax: 2, suffix });
  }
}

export interface Coverage {
  readonly sites: number;
  readonly reached: number;
  readonly missing: readonly string[];
}

/** Which of the agent's call sites the scenarios reach. */
export async function coverageOf(stages: readonly Stage[]): Promise<Coverage> {
  const seen = new Set<SourceLine>();
  const rule = (): Ruling => {
    for (const line of linesOnStack()) seen.add(line);
    return PASS;
  };
  for (const stage of stages) await live(stage, rule);
  const sites = writtenSites();
  const missing = sites.filter(({ place }) => !seen.has(place));
  return {
    sites: sites.length,
    reached: sites.length - missing.length,
    missing: missing.map(({ place, call }) => `${place} ${call}`),
  };
}

export interface SyncMutant {
  /** The sync and who asked for it, the innermost line first. */
  readonly site: string;
  /** The first case that failed without it; undefined: nothing needs it. */
  readonly caughtBy: string | undefined;
}

/** Leaves one of the syncs in the sources out at a time, in the life that is crashed and in the next one. */
export async function syncMutants(
  stages: readonly Stage[],
  onMutant: (mutant: SyncMutant) => void,
): Promise<readonly SyncMutant[]> {
  const sites = new Map<string, Set<Stage>>();
  for (const stage of stages) {
    await live(stage, (step) => {
      const site = syncSite(step);
      if (site !== undefined) sites.set(site, (sites.get(site) ?? new Set()).add(stage));
      return PASS;
    });
  }
  const mutants: SyncMutant[] = [];
  for (const [site, reachedBy] of sites) {
    const mutant = { site, caughtBy: await caught(site, [...reachedBy]) };
    onMutant(mutant);
    mutants.push(mutant);
  }
  return mutants;
}

const SETTLING = "slots/file-system.ts";

/** Where a sync is written: in the file system, the line that asks for it and the operation around that. */
function syncSite({ operation }: DiskStep): string | undefined {
  if (!SYNCING.has(operation)) return undefined;
  const own = linesOnStack().filter((line) => line.includes(SETTLING));
  const lines = own.slice(0, 2).map((line) => line.slice(line.lastIndexOf(":") + 1));
  return `${operation} at ${SETTLING}:${lines.join(" in ")}`;
}

const MUTANT_LOSSES_MAX = 4;

async function caught(site: string, stages: readonly Stage[]): Promise<string | undefined> {
  const rule = (step: DiskStep): Ruling => (syncSite(step) === site ? { kind: "omit" } : PASS);
  for (const lossesMax of [1, MUTANT_LOSSES_MAX]) {
    for (const stage of stages) {
      const why = await caughtIn(stage, { lossesMax, rule });
      if (why !== undefined) return `${stage.scenario.name}, ${why}`;
    }
  }
  return undefined;
}

interface Mutation {
  readonly lossesMax: number;
  readonly rule: (step: DiskStep) => Ruling;
}

async function caughtIn(stage: Stage, mutation: Mutation): Promise<string | undefined> {
  const { moments } = await live(stage, mutation.rule);
  // Late moments first: what was never synced is lost there with all that rests on it.
  for (const moment of [...moments].reverse()) {
    const why = await firstViolation(stage, moment, mutation);
    if (why !== undefined) return `${moment.index}: ${why}`;
  }
  return undefined;
}

/** Of a death at this moment, and of power losses. */
async function firstViolation(
  stage: Stage,
  moment: Moment,
  { lossesMax, rule }: Mutation,
): Promise<string | undefined> {
  const { losses, possible } = powerLosses(moment.root, lossesMax, seededRandom(moment.index));
  if (possible === 1) return undefined;
  const roots = losses.map((loss) => afterPowerLoss(moment.root, loss));
  for (const root of [...roots, moment.root]) {
    const [why] = await violationsAt(stage, { ...moment, root }, rule);
    if (why !== undefined) return why;
  }
  return undefined;
}

export async function openStages(scenarios: readonly Scenario[]): Promise<readonly Stage[]> {
  const stages: Stage[] = [];
  for (const scenario of scenarios) stages.push(await openStage(scenario));
  return stages;
}
