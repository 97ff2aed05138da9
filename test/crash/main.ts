/**
 * `npm run crash:matrix`: fails every step of the agent's disk in every way, in every scenario, and leaves
 * out every sync once. `--json` ends with one object; `--seed N` and `--share X` (of the cases) repeat a run.
 */
import { parseArgs } from "node:util";
import {
  coverageOf,
  openStages,
  runScenario,
  syncMutants,
  type ScenarioSummary,
} from "../support/crash/run-matrix.ts";
import { SCENARIOS } from "../support/crash/scenarios.ts";

const LOSSES_MAX = 16;
const SECOND_CRASHES = 2;
const VIOLATIONS_SHOWN_MAX = 20;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    share: { type: "string", default: "1" },
  },
});
const options = { seed: Number(values.seed), share: Number(values.share) };
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const startedAt = performance.now();
const stages = await openStages(SCENARIOS);
const summaries: ScenarioSummary[] = [];
let shown = 0;
for (const stage of stages) {
  summaries.push(
    await runScenario(stage, {
      ...options,
      lossesMax: LOSSES_MAX,
      secondCrashes: SECOND_CRASHES,
      onViolation: (text) => {
        if (shown++ < VIOLATIONS_SHOWN_MAX) say(`VIOLATION ${text}`);
      },
      onScenario: (summary) => say(describe(summary)),
    }),
  );
}
const coverage = await coverageOf(stages);
say(`call sites: ${coverage.reached} of ${coverage.sites} reached`);
for (const place of coverage.missing) say(`  never reached: ${place}`);
const mutants = await syncMutants(stages, ({ site, caughtBy }) =>
  say(`without ${site}: ${caughtBy?.split("\n")[0] ?? "NOTHING NOTICES"}`),
);
const total = (count: (summary: ScenarioSummary) => number): number =>
  summaries.reduce((sum, summary) => sum + count(summary), 0);
const summary = {
  cases: total(({ cases }) => cases),
  violations: total(({ violations }) => violations),
  callSites: coverage.sites,
  callSitesReached: coverage.reached,
  syncSites: mutants.length,
  syncMutantsCaught: mutants.filter(({ caughtBy }) => caughtBy !== undefined).length,
  momentsWhole: total(({ momentsWhole }) => momentsWhole),
  momentsSampled: total(({ momentsSampled }) => momentsSampled),
  ...options,
  seconds: Math.round((performance.now() - startedAt) / 1000),
};
if (values.json) process.stdout.write(`${JSON.stringify({ name: "crash:matrix", summary })}\n`);
else say(JSON.stringify(summary, null, 2));
const isWhole =
  summary.violations === 0 &&
  summary.callSites === summary.callSitesReached &&
  summary.syncSites === summary.syncMutantsCaught;
process.exitCode = isWhole ? 0 : 1;

function describe(of: ScenarioSummary): string {
  const sampled =
    of.momentsSampled === 0
      ? "every permitted outcome of a power loss"
      : `${of.momentsSampled} moments sampled from ${of.lossesPossible} outcomes (at most ${LOSSES_MAX} each, seed ${options.seed})`;
  return `${of.scenario}: ${of.steps} steps, ${of.cases} cases, ${of.violations} violations; ${sampled}`;
}
