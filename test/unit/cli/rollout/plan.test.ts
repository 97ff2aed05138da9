/** What `retile rollout create` makes of its options. */
import { describe, expect, test } from "@jest/globals";
import { parseStages, planRollout } from "../../../../cli/rollout/plan.ts";
import type { PlanOptions } from "../../../../cli/rollout/plan.ts";

const DEFAULTS: PlanOptions = {
  version: "1.1.0",
  stages: "10,50,100",
  margin: 0.02,
  accuracyFloor: 10,
  failureBudget: 0.1,
  minimumDevices: 3,
  confidence: 0.95,
};
const PUBLISHED = ["1.10.0", "1.0.0", "1.1.0", "1.9.0"];

function check(
  options: Partial<PlanOptions>,
  expected: { readonly ok: boolean } & Record<string, unknown>,
): void {
  expect(planRollout({ ...DEFAULTS, ...options }, PUBLISHED)).toMatchObject(expected);
}

describe("a plan", () => {
  test("goes from the newest release before, by precedence", () => {
    check({}, { ok: true, value: { id: "to-1.1.0", previousVersion: "1.0.0" } });
    check({ version: "1.10.0" }, { ok: true, value: { previousVersion: "1.9.0" } });
  });
  test("goes from where it is told to", () =>
    check({ version: "1.9.0", from: "1.0.0" }, { ok: true, value: { previousVersion: "1.0.0" } }));
  test("needs a release before", () => check({ version: "1.0.0" }, { ok: false, code: "USAGE" }));
  test("needs both published", () => {
    check({ version: "2.0.0" }, { ok: false, code: "RELEASE_NOT_PUBLISHED" });
    check({ from: "0.9.0" }, { ok: false, code: "RELEASE_NOT_PUBLISHED" });
  });
  test("ends at all devices", () => check({ stages: "10,50" }, { ok: false, code: "USAGE" }));
  test("only grows", () => check({ stages: "50,10,100" }, { ok: false, code: "USAGE" }));
  test("has a name that can be one", () => check({ id: "a/b" }, { ok: false, code: "USAGE" }));
});

test("a stage has a percentage and, after a colon, its least number of devices", () => {
  expect(parseStages("0.5:3, 100")).toEqual({
    ok: true,
    value: [
      { percent: 0.5, minimumDevices: 3 },
      { percent: 100, minimumDevices: 1 },
    ],
  });
  for (const bad of ["", "10%", "10:", "10,,100", "-1"]) expect(parseStages(bad).ok).toBe(false);
});
