/** A share of the crash matrix for test suites; the seed is in every violation's text. */
import { openStages, runScenario } from "./run-matrix.ts";
import { SCENARIOS } from "./scenarios.ts";

export async function sampleMatrix(share: number) {
  const seed = Number(process.env["RETILE_SEED"] ?? Date.now() % 0x7fffffff);
  const violations: string[] = [];
  let cases = 0;
  for (const stage of await openStages(SCENARIOS)) {
    const summary = await runScenario(stage, {
      ...{ seed, share, lossesMax: 16, secondCrashes: 1 },
      onViolation: (text) => violations.push(`seed ${seed}: ${text}`),
      onScenario: () => undefined,
    });
    cases += summary.cases;
  }
  return { cases, violations };
}
