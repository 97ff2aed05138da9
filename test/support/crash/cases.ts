/** The cases of one scenario: every step of every life on the disk, failed in every way. */
import { assert, present } from "../../../protocol/base/assert.ts";
import { seededRandom } from "../../../protocol/base/random.ts";
import { faultsOf, violationsAt, violationsOfFault, type Judging, type Stage } from "./judge.ts";
import { live, tornAt, type Life, type Moment } from "./life.ts";
import { afterPowerLoss, describeLoss, powerLosses, type PowerLoss } from "./power-loss.ts";

export const CASE_KINDS = ["death", "torn", "loss", "fault"] as const;

export interface Case {
  readonly kind: (typeof CASE_KINDS)[number];
  name(): string;
  /** Empty: the promise is kept. */
  violations(): Promise<readonly string[]>;
}

export interface CaseOptions {
  readonly judging: Judging;
  /** Moments whose power loss is recovered from in a life that is crashed everywhere in its turn. */
  readonly recoveries: number;
}

/** Process death, a torn write, every permitted outcome of a power loss, every I/O error: now and while recovering. */
export async function casesOf(
  stage: Stage,
  { judging, recoveries }: CaseOptions,
): Promise<readonly Case[]> {
  const cases = await crashesOf(stage, stage.life, { judging, suffix: "" });
  cases.push(...faultsIn(stage, stage.life, ""));
  for (const [index, moment] of spread(stage.life.moments, recoveries).entries()) {
    const [nothingKept] = everyLoss(moment);
    const root = afterPowerLoss(moment.root, present(nothingKept, "an outcome"));
    const recovery = await live(stage, { ...moment, root });
    const suffix = ` while recovering from ${moment.index}`;
    cases.push(...(await crashesOf(stage, recovery, { judging, suffix })));
    // An I/O error costs a whole life to judge, and lives of recovery differ little.
    if (index === 0) cases.push(...faultsIn(stage, recovery, suffix));
  }
  return cases;
}

interface LifeOptions {
  readonly judging: Judging;
  readonly suffix: string;
}

async function crashesOf(
  stage: Stage,
  life: Life,
  { judging, suffix }: LifeOptions,
): Promise<Case[]> {
  const cases: Case[] = [];
  const at = (moment: Moment, root = moment.root) => {
    return () => violationsAt(stage, { ...moment, root }, judging);
  };
  for (const moment of life.moments) {
    const step = life.steps[moment.index];
    const place = `${step ? `${step.operation} ${step.path} (${step.index})` : "the end"}${suffix}`;
    cases.push({
      kind: "death",
      name: () => `death before ${place}`,
      violations: at(moment),
    });
    const torn = await tornAt(moment, life);
    if (torn) {
      cases.push({ kind: "torn", name: () => `death in ${place}`, violations: at(moment, torn) });
    }
    for (const loss of everyLoss(moment)) {
      cases.push({
        kind: "loss",
        name: () => `power loss before ${place}: ${describeLoss(moment.root, loss)}`,
        violations: () => at(moment, afterPowerLoss(moment.root, loss))(),
      });
    }
  }
  return cases;
}

function faultsIn(stage: Stage, life: Life, suffix: string): readonly Case[] {
  const cases: Case[] = [];
  for (const { index, operation, path } of life.steps) {
    for (const fault of faultsOf(operation)) {
      const half = fault.torn ? "half of " : "";
      cases.push({
        kind: "fault",
        name: () => `${half}${operation} ${path} (${index})${suffix}: ${fault.code}`,
        violations: () => violationsOfFault(stage, life, { atStep: index, fault }),
      });
    }
  }
  return cases;
}

/** None is sampled away: an agent that leaves so much unsynced at once is a matter to look at. */
const LOSSES_MAX = 4096;

function everyLoss({ root, index }: Moment): readonly PowerLoss[] {
  const { losses, possible } = powerLosses(root, LOSSES_MAX, seededRandom(index));
  assert(losses.length === possible, `a power loss has ${possible} outcomes`);
  return losses;
}

function spread<T>(items: readonly T[], count: number): readonly T[] {
  return Array.from({ length: count }, (_, index) => {
    const place = Math.floor(((index + 1) * items.length) / (count + 1));
    return present(items[place], "an item");
  });
}
