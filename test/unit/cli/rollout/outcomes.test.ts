/** Outcomes of many devices as one row a model and chip. */
import { expect, test } from "@jest/globals";
import { outcomeRows } from "../../../../cli/rollout/outcomes.ts";
import type { ModelOutcomeView } from "../../../../protocol/wire/index.ts";

const KEPT: ModelOutcomeView = {
  device: "a",
  soc: "sm8650",
  model: "resnet-50",
  from: "1.0.0",
  to: "1.1.0",
  verdict: "kept",
  beforeMicroseconds: 100,
  afterMicroseconds: 50,
  gain: 2,
  outputSnrDb: 30,
  exact: false,
  receivedAt: "2026-01-31T12:00:00Z",
};

test("times are medians, the gain a geometric mean, the ratio the worst", () => {
  const [row] = outcomeRows([
    KEPT,
    { ...KEPT, device: "b", beforeMicroseconds: 300, afterMicroseconds: 37.5, gain: 8 },
    { ...KEPT, device: "c", outputSnrDb: 21, gain: 4, beforeMicroseconds: 200 },
  ]);
  expect(row).toMatchObject({ devices: 3, beforeUs: 200, afterUs: 50, snrDb: 21 });
  expect(row?.gain).toBeCloseTo(4, 12);
});

test("an even number of devices has its median between two", () => {
  const [row] = outcomeRows([KEPT, { ...KEPT, device: "b", beforeMicroseconds: 110 }]);
  expect(row?.beforeUs).toBe(105);
});

test("what was never measured has no numbers, and the worst verdict comes first", () => {
  const nothing = { beforeMicroseconds: null, afterMicroseconds: null, outputSnrDb: null };
  const failed = { ...KEPT, ...nothing, device: "b", verdict: "failed", gain: null } as const;
  const exact = { ...KEPT, model: "alone", verdict: "refused_slower", outputSnrDb: null } as const;
  const rows = outcomeRows([KEPT, failed, { ...exact, exact: true }, { ...failed, soc: "x" }]);
  expect(rows.map(({ model, soc, verdict }) => [model, soc, verdict])).toEqual([
    ["alone", "sm8650", "refused_slower 1"],
    ["resnet-50", "sm8650", "failed 1, kept 1"],
    ["resnet-50", "x", "failed 1"],
  ]);
  expect(rows[2]).toMatchObject({ beforeUs: null, afterUs: null, gain: null, snrDb: null });
});
