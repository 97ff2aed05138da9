/**
 * Leaves out one sync at a time: a sync is one that a line of the agent asks for through the file system, so that
 * every caller's durability is proved by itself. One that nobody misses is not needed, or a case is missing.
 */
import { seededRandom } from "../../../protocol/base/random.ts";
import { linesOnStack } from "./call-sites.ts";
import { untrueAt, violationsAt, type Judging, type Stage } from "./judge.ts";
import { live, type Moment } from "./life.ts";
import { PASS, SYNCING, type DiskStep } from "./observed-disk.ts";
import type { DirectoryNode } from "./page-cache.ts";
import { afterPowerLoss, powerLosses } from "./power-loss.ts";

/** `sync at slots/file-system.ts:52 for slots/store.ts:54`: the innermost line first. */
export type SyncSite = string;

const FILE_SYSTEM = "slots/file-system.ts";
/**
 * Rubbish that comes back harms nobody. Its removals are synced one by one so that a power loss makes one of few
 * disks of it: every subset of what a sweep removes would be too many to try.
 */
const SPARED = "slots/sweep.ts";

/** Every sync that a scenario reaches. */
export async function syncSitesOf(stage: Stage): Promise<ReadonlySet<SyncSite>> {
  const sites = new Set<SyncSite>();
  await live(stage, stage.life.start, (step) => {
    const site = siteOf(step);
    if (site !== undefined && !site.includes(SPARED)) sites.add(site);
    return PASS;
  });
  return sites;
}

function siteOf({ operation }: DiskStep): SyncSite | undefined {
  if (!SYNCING.has(operation)) return undefined;
  const lines = linesOnStack().map((line) => line.slice(line.indexOf("/") + 1));
  const own = lines.filter((line) => line.startsWith(FILE_SYSTEM));
  const caller = lines.find((line) => !line.startsWith(FILE_SYSTEM));
  const places = own.map((line) => line.slice(line.lastIndexOf(":") + 1));
  return `${operation} at ${FILE_SYSTEM}:${places.join(" in ")} for ${caller}`;
}

/** The first case that fails without the sync, in the life that is crashed and in the next; undefined: none does. */
export async function caughtBy(
  site: SyncSite,
  stages: readonly Stage[],
): Promise<string | undefined> {
  const rule: Judging["rule"] = (step) => (siteOf(step) === site ? { kind: "omit" } : PASS);
  const mutants: Mutant[] = [];
  for (const stage of stages) {
    const { moments } = await live(stage, stage.life.start, rule);
    // Late moments first: what was never synced is lost there with all that rests on it.
    const late = [...moments].reverse();
    mutants.push({ stage, moments: late, judging: { rule, judged: new Map() } });
  }
  for (const trial of TRIALS) {
    for (const mutant of mutants) {
      const why = await firstFailure(mutant, trial);
      if (why !== undefined) return `${mutant.stage.scenario.name}, ${why}`;
    }
  }
  return undefined;
}

interface Mutant {
  readonly stage: Stage;
  readonly moments: readonly Moment[];
  readonly judging: Judging;
}

/** What is quickly seen first: on disks that have lost all that was not synced, then on samples of the rest. */
const TRIALS = [
  { lossesMax: 1, onlyLooks: true },
  { lossesMax: 16, onlyLooks: true },
  { lossesMax: 1, onlyLooks: false },
  { lossesMax: 4, onlyLooks: false },
  { lossesMax: 32, onlyLooks: false },
] as const;

async function firstFailure(
  { stage, moments, judging }: Mutant,
  { lossesMax, onlyLooks }: (typeof TRIALS)[number],
): Promise<string | undefined> {
  for (const moment of moments) {
    for (const root of lossesAt(moment, lossesMax)) {
      const after = { ...moment, root };
      const [why] = onlyLooks
        ? await untrueAt(stage, after)
        : await violationsAt(stage, after, judging);
      if (why !== undefined) return `${moment.index}: ${why}`;
    }
  }
  return undefined;
}

/** After power losses at this moment, and after a death. */
function lossesAt(moment: Moment, lossesMax: number): readonly DirectoryNode[] {
  const { losses, possible } = powerLosses(moment.root, lossesMax, seededRandom(moment.index));
  if (possible === 1) return [];
  return [...losses.map((loss) => afterPowerLoss(moment.root, loss)), moment.root];
}
