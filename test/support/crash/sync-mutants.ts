/**
 * Leaves out one sync at a time: a sync is one that a line of the agent asks for through the file system, so that
 * every caller's durability is proved by itself. One that nobody misses is not needed, or a case is missing.
 */
import { seededRandom } from "../../../protocol/base/random.ts";
import { linesOnStack } from "./call-sites.ts";
import { violationsAt, type Judging, type Stage } from "./judge.ts";
import { live, type Moment } from "./life.ts";
import { PASS, SYNCING, type DiskStep } from "./observed-disk.ts";
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

/** At each moment: all that was not synced is lost first, then some samples of the rest. */
const LOSSES_TIERS = [1, 4, 32];

/** The first case that fails without the sync, in the life that is crashed and in the next; undefined: none does. */
export async function caughtBy(
  site: SyncSite,
  stages: readonly Stage[],
): Promise<string | undefined> {
  const rule: Judging["rule"] = (step) => (siteOf(step) === site ? { kind: "omit" } : PASS);
  const mutated = [];
  for (const stage of stages) {
    const { moments } = await live(stage, stage.life.start, rule);
    // Late moments first: what was never synced is lost there with all that rests on it.
    mutated.push({ stage, moments: [...moments].reverse(), judging: { rule, judged: new Map() } });
  }
  for (const lossesMax of LOSSES_TIERS) {
    for (const { stage, moments, judging } of mutated) {
      for (const moment of moments) {
        const why = await firstViolation(stage, moment, { judging, lossesMax });
        if (why !== undefined) return `${stage.scenario.name}, ${moment.index}: ${why}`;
      }
    }
  }
  return undefined;
}

/** Of a death at this moment, and of power losses. */
async function firstViolation(
  stage: Stage,
  moment: Moment,
  { judging, lossesMax }: { readonly judging: Judging; readonly lossesMax: number },
): Promise<string | undefined> {
  const { losses, possible } = powerLosses(moment.root, lossesMax, seededRandom(moment.index));
  if (possible === 1) return undefined;
  const roots = losses.map((loss) => afterPowerLoss(moment.root, loss));
  for (const root of [...roots, moment.root]) {
    const [why] = await violationsAt(stage, { ...moment, root }, judging);
    if (why !== undefined) return why;
  }
  return undefined;
}
