/** The gate: one verdict a case, and what it never does. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { brand, type ModelId } from "../../../../protocol/base/brand.ts";
import type { GatePolicy } from "../../../../protocol/wire/index.ts";
import {
  cumulated,
  judgePassedStage,
  judgeStage,
  logRatioBillionths,
  momentsOf,
  NO_DEVICES,
  type GateCell,
  type StageDevices,
} from "../../../../server/rollout/index.ts";

const POLICY: GatePolicy = {
  nonInferiorityMargin: 0.02,
  accuracyFloorDb: 20,
  failureBudget: 0.1,
  minimumDevices: 3,
  confidence: 0.95,
};
const STAGE = { percent: 50, minimumDevices: 4 };

function cell(gains: readonly number[], changes: Partial<GateCell> = {}): GateCell {
  const moments = momentsOf(gains.map((gain) => logRatioBillionths(gain, 1)));
  const named = { model: brand<ModelId>("classifier"), hardwareClass: "sm8650" };
  return { ...named, moments, failures: 0, ...changes };
}

function devices(changes: Partial<StageDevices>): StageDevices {
  return { ...NO_DEVICES, assigned: 10, accepted: 10, ...changes };
}

interface Case {
  readonly cells?: readonly GateCell[];
  readonly devices?: Partial<StageDevices>;
  readonly reachable?: number;
}

function check(input: Case, expected: readonly [string, RegExp]): void {
  const { cells = [cell([1.5, 1.5, 1.6])], reachable = 10 } = input;
  const evidence = { devices: devices(input.devices ?? { committed: 10 }), cells };
  const verdict = judgeStage({ evidence, stage: STAGE, policy: POLICY, reachable });
  expect([verdict.kind, verdict.because]).toEqual([
    expected[0],
    expect.stringMatching(expected[1]),
  ]);
}

describe("advances", () => {
  test("when every cell is faster and nearly everybody has finished", () =>
    check({ devices: { committed: 8 } }, ["advance", /8 devices committed/]));
  test("when a model is as fast as before, without noise", () =>
    check({ cells: [cell([1, 1, 1])] }, ["advance", /none of 1 pair/]));
  test("within the failure budget", () =>
    check({ devices: { committed: 9, failed: 1 } }, ["advance", /9 devices/]));
});

describe("waits", () => {
  test("for the least number of devices", () =>
    check({ devices: { committed: 3 } }, ["wait", /^3 of at least 4 devices committed/]));
  test("for most of the devices that the stage reaches", () =>
    check({ devices: { committed: 7 } }, ["wait", /^7 of 10 devices have finished, 8/]));
  test("while a model was measured too rarely and measurements are still to come", () =>
    check({ cells: [cell([1.5, 1.5])], devices: { committed: 8 } }, [
      "wait",
      /measured on 2 of at least 3/,
    ]));
  test("while noise leaves open whether a model is slower", () =>
    check({ cells: [cell([1.3, 0.9, 1.1, 0.95])], devices: { committed: 8 } }, [
      "wait",
      /may still be slower/,
    ]));
});

describe("is underpowered, and does not advance", () => {
  test("when everybody has finished and a model was measured too rarely", () =>
    check({ cells: [cell([1.5])] }, ["underpowered", /measured on 1 of at least 3/]));
  test("when everybody has finished and nothing was measured", () =>
    check({ cells: [] }, ["underpowered", /No model was measured/]));
});

describe("halts", () => {
  test("on a model that became slower, before most have finished", () =>
    check({ cells: [cell([0.9, 0.9, 0.91])], devices: { committed: 3 } }, [
      "halt",
      /classifier on sm8650 takes 1\d\.\d % longer/,
    ]));
  test("on more failures than the budget allows, and names the model", () =>
    check(
      { cells: [cell([1.5, 1.5, 1.5], { failures: 2 })], devices: { committed: 3, failed: 2 } },
      ["halt", /^2 of 10 devices failed, 1 may: classifier on sm8650 failed/],
    ));
  test("on silence, which counts like failure", () =>
    check({ devices: { committed: 8, silent: 2 } }, ["halt", /2 silent/]));
  test("although another model gained", () =>
    check({ cells: [cell([3, 3, 3]), cell([0.8, 0.8, 0.8], { hardwareClass: "sm8350" })] }, [
      "halt",
      /sm8350 takes 25\.0 % longer/,
    ]));
});

describe("a stage that was passed", () => {
  const judge = (changes: Partial<StageDevices>) =>
    judgePassedStage({
      evidence: { devices: devices(changes), cells: [cell([1.5])] },
      stage: STAGE,
      policy: POLICY,
    }).kind;
  test("stands while nothing new speaks against it, even with a cell in doubt", () =>
    expect(judge({ committed: 9, failed: 1 })).toBe("advance"));
  test("falls when too many rolled back later", () =>
    expect(judge({ committed: 7, failed: 3 })).toBe("halt"));
  test("opens again when too few are left that committed", () =>
    expect(judge({ committed: 3, failed: 1 })).toBe("wait"));
});

const anyCell = fc.record({
  model: fc.constantFrom("a", "b").map((name) => brand<ModelId>(name)),
  hardwareClass: fc.constantFrom("x", "y"),
  moments: fc
    .array(fc.double({ min: 0.7, max: 2, noNaN: true }), { maxLength: 8 })
    .map((gains) => momentsOf(gains.map((gain) => logRatioBillionths(gain, 1)))),
  failures: fc.nat(2),
});
const anyDevices = fc.record({
  assigned: fc.nat(12),
  accepted: fc.nat(12),
  committed: fc.nat(12),
  failed: fc.nat(3),
  silent: fc.nat(2),
});
const anyStage = fc.record({ devices: anyDevices, cells: fc.array(anyCell, { maxLength: 4 }) });

test("the order of stages, cells and reports never matters", () => {
  fc.assert(
    fc.property(
      fc.array(anyStage, { minLength: 1, maxLength: 3 }),
      fc.nat(12),
      (stages, reachable) => {
        const judge = (evidence: typeof stages) =>
          judgeStage({ evidence: cumulated(evidence), stage: STAGE, policy: POLICY, reachable });
        const shuffled = [...stages]
          .reverse()
          .map((stage) => ({ ...stage, cells: [...stage.cells].reverse() }));
        expect(judge(shuffled)).toEqual(judge(stages));
      },
    ),
  );
});

test("no evidence ever advances a stage while a cell is inconclusive or harm is shown", () => {
  fc.assert(
    fc.property(anyStage, fc.nat(12), (evidence, reachable) => {
      const whole = cumulated([evidence]);
      const verdict = judgeStage({ evidence: whole, stage: STAGE, policy: POLICY, reachable });
      if (verdict.kind !== "advance") return;
      for (const { moments } of whole.cells) {
        expect(moments.count).toBeGreaterThanOrEqual(POLICY.minimumDevices);
      }
      expect(whole.cells.length).toBeGreaterThan(0);
      const { failed, silent, assigned } = whole.devices;
      expect(failed + silent).toBeLessThanOrEqual(0.1 * Math.max(assigned, reachable) + 1e-9);
    }),
  );
});
