import { expect, test } from "@jest/globals";
import { createRollout, problemDetails, rolloutAction } from "../../../../protocol/wire/index.ts";

const ROLLOUT = {
  id: "2026-w14",
  version: "1.1.0",
  previousVersion: "1.0.0",
  stages: [
    { percent: 10, minimumDevices: 3 },
    { percent: 100, minimumDevices: 5 },
  ],
  gate: {
    nonInferiorityMargin: 0.02,
    accuracyFloorDb: 20,
    failureBudget: 0.05,
    minimumDevices: 3,
    confidence: 0.95,
  },
};

test("a rollout with growing stages is accepted", () => {
  expect(createRollout.safeParse(ROLLOUT).success).toBe(true);
});

test.each([
  [
    "stages do not grow",
    {
      stages: [
        { percent: 50, minimumDevices: 1 },
        { percent: 50, minimumDevices: 1 },
      ],
    },
  ],
  ["the last stage is not everyone", { stages: [{ percent: 50, minimumDevices: 1 }] }],
  ["there is no stage", { stages: [] }],
  ["a version is no semantic one", { version: "latest" }],
  ["the confidence is a percentage", { gate: { ...ROLLOUT.gate, confidence: 95 } }],
  ["a field is misspelled", { stagse: [] }],
])("a rollout is refused when %s", (_why, change) => {
  expect(createRollout.safeParse({ ...ROLLOUT, ...change }).success).toBe(false);
});

test("an action needs a reason", () => {
  expect(rolloutAction.safeParse({ action: "pause", because: "" }).success).toBe(false);
  expect(rolloutAction.safeParse({ action: "pause", because: "heat" }).success).toBe(true);
});

test("problem details have the members of RFC 9457", () => {
  const problem = { type: "about:blank", title: "Gone", status: 410, detail: "x", code: "GONE" };
  expect(problemDetails.parse(problem)).toEqual(problem);
});
