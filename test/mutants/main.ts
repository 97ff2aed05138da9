/** `mutants:chip`: damaged programs until a thousand of them matter; every one of those has to be caught. */
import { judge as judgeBars } from "../../cli/bars.ts";
import type { ExitName } from "../../cli/exit-codes.ts";
import type { Output } from "../../cli/output.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import type { BenchOptions } from "../bench/options.ts";
import { judge, original } from "./judge.ts";
import type { Verdict } from "./judge.ts";
import { DAMAGES, mutate } from "./mutate.ts";
import type { Damage } from "./mutate.ts";
import { subjects } from "./subject.ts";

const MUTANTS = 1000;

interface Tally {
  readonly damage: Damage;
  drawn: number;
  matter: number;
  byOrder: number;
  byOutput: number;
  missed: number;
}

export interface MutantCounts {
  readonly rows: readonly Readonly<Tally>[];
  /** How often each check caught a mutant that matters. */
  readonly caughtBy: ReadonlyMap<string, number>;
  /** Seeds of those that nothing caught. */
  readonly missed: readonly string[];
}

/** Draws mutants until `count` of them change happens-before between conflicting accesses, or the output. */
export function countMutants(
  count: number,
  seed: number,
  step = (): void => undefined,
): MutantCounts {
  const originals = subjects(seed).map(({ name, program }) => ({ name, from: original(program) }));
  const rows = DAMAGES.map((damage): Tally => ({
    ...{ damage, drawn: 0, matter: 0, byOrder: 0, byOutput: 0, missed: 0 },
  }));
  const caughtBy = new Map<string, number>();
  const missed: string[] = [];
  let matter = 0;
  for (let draw = 0; matter < count; draw++) {
    const row = rows[draw % rows.length]!;
    const { name, from } = originals[Math.floor(draw / rows.length) % originals.length]!;
    const random = seededRandom(seed * 1_000_003 + draw);
    const mutant = mutate(from.program, row.damage, random);
    if (mutant === undefined) continue;
    row.drawn++;
    const verdict = judge(from, mutant);
    if (!verdict.changesOrder && !verdict.changesOutput) continue;
    matter++;
    step();
    tally(row, verdict);
    const catcher = verdict.caughtBy ?? "nothing";
    caughtBy.set(catcher, (caughtBy.get(catcher) ?? 0) + 1);
    if (verdict.caughtBy === undefined)
      missed.push(`${name}, ${row.damage}, draw ${draw} of seed ${seed}`);
  }
  return { rows, caughtBy, missed };
}

function tally(row: Tally, verdict: Verdict): void {
  row.matter++;
  if (verdict.caughtBy === undefined) row.missed++;
  else if (verdict.caughtBy === "output") row.byOutput++;
  else row.byOrder++;
}

export function benchMutants(options: BenchOptions, output: Output): Promise<ExitName> {
  const progress = output.progress("mutants:chip", MUTANTS);
  const counts = countMutants(MUTANTS, options.seed, () => progress.advance(1, ""));
  progress.finish();
  const name = "mutants that matter and nothing caught";
  const bar = { name, value: counts.missed.length, demand: "below", limit: 1 } as const;
  const { exit, ...verdict } = judgeBars([bar], output);
  const caughtBy = Object.fromEntries(counts.caughtBy);
  const summary = { ...verdict, caughtBy, missed: [...counts.missed] };
  output.report({ name: "mutants:chip", rows: counts.rows.map((row) => ({ ...row })), summary }, [
    { key: "damage", title: "damage" },
    { key: "drawn", title: "drawn" },
    { key: "matter", title: "matter" },
    { key: "byOrder", title: "refused" },
    { key: "byOutput", title: "other output" },
    { key: "missed", title: "missed" },
  ]);
  return Promise.resolve(exit);
}
