import { expect, test } from "@jest/globals";
import { killAtRandomMoments, violationsOf } from "../support/kill-agent.ts";

const MOMENTS = 5;

test(`kill -9 at ${MOMENTS} random moments of an update: old or new driver runs, the update completes, no report is lost or doubled`, async () => {
  const seed = Number(process.env["RETILE_SEED"] ?? Date.now() % 0x7fffffff);
  const outcomes = await killAtRandomMoments(MOMENTS, seed);
  const violations = outcomes.flatMap((outcome) =>
    violationsOf(outcome).map((why) => `seed ${seed}, killed after ${outcome.afterMs} ms: ${why}`),
  );
  expect(violations).toEqual([]);
  expect(outcomes.filter(({ wasKilled }) => wasKilled).length).toBeGreaterThan(MOMENTS / 2);
}, 240_000);
