/**
 * `npm run --silent fuzz:update`: hostile repositories, orders and downloads against the agent's own check-in
 * and staging. Every second case is an attack that somebody thought of, with the code that must refuse it; the
 * others are noise. Nothing may be installed but what offline keys and the director agree on, and nothing may
 * be thrown.
 */
import { seededRandom, type Random } from "../../../protocol/base/random.ts";
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import { DIRECTOR_CODES, METADATA_CODES } from "../../../protocol/metadata/index.ts";
import { IMAGE_CODES, RECALL_CODES } from "../../../device-agent/update/index.ts";
import type { ExitName } from "../../../cli/exit-codes.ts";
import type { Output } from "../../../cli/output.ts";
import type { FuzzOptions } from "../options.ts";
import type { Attack } from "./attack.ts";
import { ONLINE_ATTACKS } from "./attacks-online.ts";
import { ORDERS_ATTACKS } from "./attacks-orders.ts";
import { ORIGIN_ATTACKS } from "./attacks-origin.ts";
import { TARGETS_ATTACKS } from "./attacks-targets.ts";
import { bringByStick, offerDelta, WAYS_ATTACKS } from "./attacks-ways.ts";
import { attemptUpdate, type Attempt } from "./device.ts";
import { mutateRecipe, mutateWorld } from "./mutate.ts";
import { honestRecipe, WANTED } from "./recipe.ts";
import { worldOf } from "./world.ts";

export const ATTACKS: readonly Attack[] = [
  ...ONLINE_ATTACKS,
  ...TARGETS_ATTACKS,
  ...ORDERS_ATTACKS,
  ...ORIGIN_ATTACKS,
  ...WAYS_ATTACKS,
];

/** Every way in which an update can be refused before a new driver is tried. */
export const REFUSAL_CODES: readonly string[] = [
  ...new Set([
    ...METADATA_CODES,
    ...DIRECTOR_CODES,
    ...IMAGE_CODES,
    ...RECALL_CODES,
    ...ATTACKS.map(({ code }) => code),
  ]),
];

/** For every hundred thousand cases. */
const REACHED_MIN = 100;
const CASES_OF_REACHED = 100_000;
const SAMPLED_EVERY = 250;
const SHOWN_MAX = 10;

const WANTED_SHA256 = sha256Hex(WANTED);

interface Tally {
  readonly codes: Map<string, number>;
  /** Something else than the honest image got staged, or a pointer moved. */
  installed: number;
  crashes: number;
  /** The noise hit what nobody reads, or there was another way, and the honest image was taken. */
  unharmed: number;
  /** Attacks that were refused with another code than theirs, or not at all. */
  readonly surprises: string[];
  peakRssBytes: number;
}

export async function fuzzUpdate(options: FuzzOptions, output: Output): Promise<ExitName> {
  const { cases, seed } = options;
  const honest = await attemptUpdate(await worldOf(honestRecipe()), honestRecipe().device);
  if (honest.staged !== WANTED_SHA256) throw new Error(`bug: honest case: ${honest.code}`);
  const tally: Tally = {
    ...{ codes: new Map(), installed: 0, crashes: 0, unharmed: 0, surprises: [] },
    peakRssBytes: process.memoryUsage.rss(),
  };
  const progress = output.progress("fuzz:update", cases);
  for (let index = 0; index < cases; index++) {
    await runCase(index, seededRandom(seed * 1_000_003 + index), tally);
    if (index % SAMPLED_EVERY !== 0) continue;
    tally.peakRssBytes = Math.max(tally.peakRssBytes, process.memoryUsage.rss());
    progress.advance(SAMPLED_EVERY);
  }
  progress.finish();
  return report(cases, tally, output);
}

async function runCase(index: number, random: Random, tally: Tally): Promise<void> {
  const attack = index % 2 === 0 ? ATTACKS[(index / 2) % ATTACKS.length] : undefined;
  const name = attack?.name ?? "noise";
  try {
    const attempt = attack ? await runAttack(attack, random) : await runNoise(random);
    count(attempt, attack, tally);
  } catch (error) {
    tally.crashes++;
    surprise(tally, `case ${index} (${name}) threw ${(error as Error)?.stack ?? String(error)}`);
  }
}

/** One case of so many comes on a stick, one of so many is offered a delta. */
const STICK_OF = 4;
const DELTA_OF = 4;

async function runAttack(attack: Attack, random: Random): Promise<Attempt> {
  const recipe = honestRecipe();
  attack.recipe?.(recipe, random);
  if (random.below(STICK_OF) === 0) bringByStick(recipe, attack);
  const world = await worldOf(recipe);
  await attack.world?.(world, random);
  return attemptUpdate(world, recipe.device);
}

async function runNoise(random: Random): Promise<Attempt> {
  const recipe = honestRecipe();
  const isStructure = random.below(2) === 0;
  if (isStructure) mutateRecipe(recipe, random);
  const addDelta = random.below(DELTA_OF) === 0 ? offerDelta(recipe) : undefined;
  recipe.device.hasStick = random.below(STICK_OF) === 0;
  const world = await worldOf(recipe);
  addDelta?.(world);
  if (!isStructure) mutateWorld(world, random, recipe.device);
  return attemptUpdate(world, recipe.device);
}

function count(attempt: Attempt, attack: Attack | undefined, tally: Tally): void {
  const { staged, isMoved } = attempt;
  const codes = [attempt.code, ...attempt.deltaCodes];
  for (const code of codes) tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
  const isOther = staged !== null && staged !== WANTED_SHA256;
  const isStill = attack !== undefined && staged !== null && attack.hasAnotherWay !== true;
  if (isOther || isMoved || isStill) tally.installed++;
  else if (staged !== null) tally.unharmed++;
  if (attack && !codes.includes(attack.code)) {
    surprise(tally, `${attack.name}: ${codes.join()} instead of ${attack.code}`);
  }
}

function surprise(tally: Tally, text: string): void {
  tally.surprises.push(text);
}

function report(cases: number, tally: Tally, output: Output): ExitName {
  const { installed, crashes, unharmed, surprises } = tally;
  const reachedMin = Math.floor((REACHED_MIN * cases) / CASES_OF_REACHED);
  const counts = REFUSAL_CODES.map((code) => [code, tally.codes.get(code) ?? 0] as const);
  const scarce = counts.filter(([, reached]) => reached < reachedMin).map(([code]) => code);
  for (const text of [...new Set(surprises)].slice(0, SHOWN_MAX)) output.say(text);
  const codes = Object.fromEntries([...tally.codes].sort(([a], [b]) => (a < b ? -1 : 1)));
  const peakRssMb = Math.round(tally.peakRssBytes / (1 << 20));
  const rows = Object.entries(codes).map(([code, reached]) => ({ code, cases: reached }));
  const summary = {
    ...{ cases, installed, crashes, peakRssMb, attacks: ATTACKS.length },
    ...{ refusalCodes: REFUSAL_CODES.length, reachedMin, scarce, unharmed },
    ...{ surprises: surprises.length, codes },
  };
  output.report({ name: "fuzz:update", rows, summary });
  const holds = installed + crashes + surprises.length + scarce.length === 0;
  return holds ? "ok" : "failed";
}
