/**
 * Time and memory of compiling, cold: every released driver as a device runs it, and every recipe in every precision.
 * Bars are on the fastest of several runs, since disturbances only ever add.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { Bar } from "../../cli/bars.ts";
import { judge, narrowed } from "../../cli/bars.ts";
import { releasedVersions } from "../../cli/driver/build-bundle.ts";
import type { ExitName } from "../../cli/exit-codes.ts";
import { ZOO } from "../../cli/models/zoo.ts";
import type { ZooModel } from "../../cli/models/zoo.ts";
import type { Output } from "../../cli/output.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { compileHosted } from "./compile-hosted.ts";
import { compileByRecipe } from "./compile-recipes.ts";
import type { CompileRow } from "./compile-row.ts";
import type { BenchOptions } from "./options.ts";

const COMPILE_MS_MAX = new Map([
  ["mobilenet-v2", 1_000],
  ["resnet-50", 5_000],
]);
const RESIDENT_MEBIBYTES_MAX = 600;
/** Of a model that has a bar. */
const RUNS = 3;

interface Subject {
  readonly name: string;
  readonly measure: (folder: string) => Promise<CompileRow[]>;
}

export async function benchCompile(options: BenchOptions, output: Output): Promise<ExitName> {
  const all = subjects(await releasedVersions(), options.seed);
  const chosen = unwrap(narrowed(all, options.only, ({ name }) => name));
  const folder = await mkdtemp(join(tmpdir(), "retile-bench-compile-"));
  const progress = output.progress("bench:compile", chosen.length);
  const measured: CompileRow[] = [];
  try {
    for (const { name, measure } of chosen) {
      measured.push(...(await measure(folder)));
      progress.advance(1, name);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  progress.finish();
  const rows = fastestRuns(measured);
  const { exit, ...verdict } = judge(barsOf(rows), output);
  const summary = { ...verdict, machineLoad: loadavg()[0] ?? null };
  output.report({ name: "bench:compile", rows: rows.map((row) => ({ ...row })), summary }, COLUMNS);
  return exit;
}

function subjects(releases: readonly string[], seed: number): Subject[] {
  const runsOf = ({ name }: ZooModel): number => (COMPILE_MS_MAX.has(name) ? RUNS : 1);
  const hosted = ZOO.flatMap((model) =>
    releases.map((release): Subject => ({
      name: `${model.name} ${release} sandboxed`,
      measure: (folder) => compileHosted(folder, { model, release, seed, runs: runsOf(model) }),
    })),
  );
  const byRecipe = ZOO.filter(({ name }) => COMPILE_MS_MAX.has(name)).flatMap((model) =>
    [...releases, "parity"].map((recipe): Subject => ({
      name: `${model.name} ${recipe} in a process`,
      measure: (folder) => compileByRecipe(folder, { model, recipe, runs: runsOf(model) }),
    })),
  );
  return [...byRecipe, ...hosted];
}

/** One row of what was run several times: the least time by each measure, the most memory. */
function fastestRuns(rows: readonly CompileRow[]): CompileRow[] {
  const found = new Map<string, CompileRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.model, row.driver, row.call, row.what]);
    const before = found.get(key) ?? row;
    found.set(key, {
      ...row,
      processorMs: Math.min(before.processorMs, row.processorMs),
      wallMs: Math.min(before.wallMs, row.wallMs),
      residentMebibytesPeak: Math.max(before.residentMebibytesPeak, row.residentMebibytesPeak),
    });
  }
  return [...found.values()];
}

function barsOf(rows: readonly CompileRow[]): Bar[] {
  const bars: Bar[] = [];
  for (const [model, limit] of COMPILE_MS_MAX) {
    const compilations = rows.filter((row) => row.model === model && row.call !== "reference");
    if (compilations.length === 0) continue;
    const value = Math.max(...compilations.map(({ processorMs }) => processorMs));
    const name = `${model}, slowest compilation, ms of one core`;
    bars.push({ name, value, demand: "below", limit });
  }
  const value = Math.max(...rows.map(({ residentMebibytesPeak }) => residentMebibytesPeak));
  const name = "largest process, MiB resident";
  return [...bars, { name, value, demand: "below", limit: RESIDENT_MEBIBYTES_MAX }];
}

const COLUMNS = [
  { key: "model", title: "model" },
  { key: "driver", title: "driver" },
  { key: "call", title: "" },
  { key: "what", title: "" },
  { key: "processorMs", title: "ms" },
  { key: "wallMs", title: "wall ms" },
  { key: "residentMebibytesPeak", title: "MiB peak" },
];
