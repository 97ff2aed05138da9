/** How a rollout moves, and what a device that checks in is told. */
import { describe, expect, test } from "@jest/globals";
import { brand, type ModelId, type Sha256 } from "../../../../protocol/base/brand.ts";
import type { DriverRules } from "../../../../protocol/metadata/index.ts";
import type { RolloutState } from "../../../../protocol/wire/index.ts";
import {
  applyAction,
  decideCheckIn,
  decideRollout,
  logRatioBillionths,
  momentsOf,
  NO_DEVICES,
  stageCutoffs,
  type AssignmentFact,
  type DeviceState,
  type DriverTarget,
  type Evidence,
  type Rollout,
  type StageDevices,
} from "../../../../server/rollout/index.ts";
import { inputsOf, inputsToJson } from "../../../../server/store/decision-inputs.ts";
import {
  AT,
  deviceId,
  ROLLOUT,
  TENANT,
  testRollout,
} from "../../../support/server/contract-facts.ts";

describe("an operator", () => {
  const act = (state: RolloutState, action: "start" | "pause" | "resume" | "abort" | "advance") => {
    const result = applyAction(testRollout({ state }), { action, because: "why" });
    return result.ok ? result.value.state : result.code;
  };
  const NOT_ALLOWED = "ROLLOUT_ACTION_NOT_ALLOWED";
  const TABLE = [
    ["draft", ["running", NOT_ALLOWED, NOT_ALLOWED, "halted", NOT_ALLOWED]],
    ["running", [NOT_ALLOWED, "paused", NOT_ALLOWED, "halted", "running"]],
    ["paused", [NOT_ALLOWED, NOT_ALLOWED, "running", "halted", NOT_ALLOWED]],
    ["halted", [NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED]],
    ["completed", [NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED, "halted", NOT_ALLOWED]],
  ] as const;
  for (const [state, expected] of TABLE) {
    test(`starts, pauses, resumes, aborts, advances what is ${state}`, () => {
      const actions = ["start", "pause", "resume", "abort", "advance"] as const;
      expect(actions.map((action) => act(state, action))).toEqual(expected);
    });
  }
});

const GOOD = [1.5, 1.5, 1.5];

function stage(devices: Partial<StageDevices>, gains: readonly number[] = GOOD) {
  const moments = momentsOf(gains.map((gain) => logRatioBillionths(gain, 1)));
  const cell = { model: brand<ModelId>("m"), hardwareClass: "sm8650", moments, failures: 0 };
  return { devices: { ...NO_DEVICES, ...devices }, cells: gains.length > 0 ? [cell] : [] };
}

function evidence(stages: Evidence["stages"], reachable = [4, 10]): Evidence {
  return { stages, reachable, watermark: 1 };
}

const FOUR = { assigned: 4, accepted: 4, committed: 4 };
const NONE = stage({}, []);

describe("the gate", () => {
  test("leaves drafts, paused and halted rollouts alone", () => {
    for (const state of ["draft", "paused", "halted"] as const) {
      expect(decideRollout(testRollout({ state }), evidence([stage(FOUR), NONE]))).toBeNull();
    }
  });
  test("advances one stage at a time and completes after the last", () => {
    const first = decideRollout(testRollout(), evidence([stage(FOUR), NONE]));
    expect(first?.change).toMatchObject({ state: "running", stageIndex: 1 });
    const rollout = testRollout({ stageIndex: 1 });
    const six = { assigned: 6, accepted: 6, committed: 6 };
    const last = decideRollout(rollout, evidence([stage(FOUR), stage(six)]));
    expect(last?.change).toMatchObject({ state: "completed", stageIndex: 1 });
  });
  test("says why it waits, once", () => {
    const waiting = evidence([stage({ assigned: 4, accepted: 4, committed: 1 }, []), NONE]);
    const decision = decideRollout(testRollout(), waiting);
    expect(decision).toMatchObject({ verdict: { kind: "wait" }, change: { state: "running" } });
    const told = testRollout({ because: decision?.verdict.because ?? "" });
    expect(decideRollout(told, waiting)?.change).toBeNull();
  });
  test("a late rollback in a passed stage halts the rollout at that stage", () => {
    const late = stage({ assigned: 4, accepted: 4, committed: 2, failed: 2 });
    for (const state of ["running", "completed"] as const) {
      const decision = decideRollout(testRollout({ state, stageIndex: 1 }), evidence([late, NONE]));
      expect(decision?.change).toMatchObject({ state: "halted", stageIndex: 0 });
    }
  });
  test("a passed stage that loses too many devices within the budget is open again", () => {
    const gate = { ...testRollout().gate, failureBudget: 0.5 };
    const thin = stage({ assigned: 4, accepted: 4, committed: 2, failed: 2 });
    const rollout = testRollout({ state: "completed", stageIndex: 1, gate });
    const decision = decideRollout(rollout, evidence([thin, NONE]));
    expect(decision?.change).toMatchObject({ state: "running", stageIndex: 0 });
    expect(decision?.change?.because).toMatch(/^Stage 1 is open again: 2 of at least 3/);
    const promoted = { ...rollout, promotedStages: [0, 1] };
    expect(decideRollout(promoted, evidence([thin, NONE]))).toBeNull();
  });
  test("a decision replays from its stored inputs", () => {
    const inputs = { rollout: testRollout(), evidence: evidence([stage(FOUR), NONE]) };
    const stored = inputsOf(JSON.parse(JSON.stringify(inputsToJson(inputs))));
    expect(stored).toEqual(inputs);
    expect(decideRollout(stored.rollout, stored.evidence)).toEqual(
      decideRollout(inputs.rollout, inputs.evidence),
    );
  });
});

const NO_RULES: DriverRules = { roleFloor: undefined, policy: undefined };

function target(version: string, rules = NO_RULES): DriverTarget {
  const sha256 = brand<Sha256>(version.replaceAll(".", "").padStart(64, "0"));
  return { path: `drivers/sm8650/${version}`, version, sha256, length: 1, rules };
}

const MEMBERS = Array.from({ length: 20 }, (_, number) => ({
  device: deviceId(number),
  hardwareClass: "sm8650",
  models: [],
}));

function ask(
  rollouts: readonly Partial<Rollout>[],
  changes: Partial<DeviceState> = {},
  rules = NO_RULES,
) {
  const entries = rollouts.map((each) => {
    const rollout = testRollout(each);
    return {
      rollout,
      cutoffs: stageCutoffs(MEMBERS, {
        tenant: TENANT,
        salt: rollout.salt,
        stages: rollout.stages,
      }),
      targets: new Map([["sm8650", target(rollout.version, rules)]]),
      previousTargets: new Map([["sm8650", target(rollout.previousVersion, rules)]]),
    };
  });
  const { version, sha256 } = target("1.0.0");
  const device: DeviceState = {
    ...{ device: deviceId(0), hardwareClass: "sm8650", models: [], status: "active" },
    ...{ current: { version, sha256 }, sandbox: "strong", assignments: new Map() },
    ...changes,
  };
  const answer = decideCheckIn(device, { tenant: TENANT, entries });
  return answer.kind === "hold" ? answer.code : answer;
}

function fact(changes: Partial<AssignmentFact>): DeviceState["assignments"] {
  const known: AssignmentFact = {
    ...{ rollout: ROLLOUT, device: deviceId(0), purpose: "update", stage: 0, version: "1.1.0" },
    ...{ epoch: 1, sequence: 1, status: "assigned", failingModels: 0, failure: null },
    ...{ assignedAt: AT, acceptedAt: null },
    ...changes,
  };
  return new Map([[ROLLOUT, known]]);
}

const current = (version: string) => ({ current: { ...target(version) } });

describe("a device that checks in", () => {
  test("without a rollout has nothing to do", () =>
    expect(ask([])).toMatchObject({ kind: "nothing" }));
  test("under a draft has nothing to do", () =>
    expect(ask([{ state: "draft" }])).toMatchObject({ kind: "nothing" }));
  test("held by an operator stays", () =>
    expect(ask([{}], { status: "held" })).toBe("HELD_BY_OPERATOR"));
  test("with the new driver is up to date", () =>
    expect(ask([{}], current("1.1.0"))).toBe("UP_TO_DATE"));
  test("of another chip is not compatible", () =>
    expect(ask([{}], { hardwareClass: "sm8350" })).toBe("NOT_COMPATIBLE"));
  test("is never taken to an older version by a rollout", () =>
    expect(ask([{}], current("2.0.0"))).toMatchObject({ kind: "nothing" }));
  test("under a paused rollout waits", () =>
    expect(ask([{ state: "paused" }])).toBe("ROLLOUT_PAUSED"));
  test("in the last stage is assigned, whoever it is", () =>
    expect(ask([{ stageIndex: 1 }])).toMatchObject({
      kind: "assign",
      purpose: "update",
      stage: 1,
    }));
  test("stays assigned to the stage that it was assigned in", () =>
    expect(ask([{ stageIndex: 1 }], { assignments: fact({}) })).toMatchObject({ stage: 0 }));
  test("after a failure does not try again", () =>
    expect(ask([{ stageIndex: 1 }], { assignments: fact({ status: "failed" }) })).toBe(
      "ALREADY_TRIED",
    ));
  test("on a halted version goes back to the one before", () =>
    expect(ask([{ state: "halted" }], current("1.1.0"))).toMatchObject({
      kind: "assign",
      purpose: "return",
      target: { version: "1.0.0" },
    }));
  test("on the way to a halted version is told to stop", () => {
    const assignments = fact({ status: "accepted" });
    expect(ask([{ state: "halted" }], { assignments })).toBe("ROLLOUT_HALTED");
    expect(ask([{ state: "halted" }])).toMatchObject({ kind: "nothing" });
  });
  test("not reached by the newest rollout yet gets what an older one brings", () =>
    expect(
      ask([
        { state: "paused", version: "1.2.0", previousVersion: "1.1.0" },
        { state: "completed", stageIndex: 1 },
      ]),
    ).toMatchObject({ kind: "assign", target: { version: "1.1.0" } }));
  test("with nothing to get hears the newest rollout's reason", () =>
    expect(
      ask(
        [
          { state: "paused", version: "1.2.0", previousVersion: "1.1.0" },
          { state: "completed", stageIndex: 1 },
        ],
        current("1.1.0"),
      ),
    ).toBe("ROLLOUT_PAUSED"));
  test("not on the halted version is served by the rollout before", () =>
    expect(
      ask([{ state: "halted", version: "1.9.9", previousVersion: "1.1.0" }, { stageIndex: 1 }]),
    ).toMatchObject({ kind: "assign", target: { version: "1.1.0" } }));
});

describe("what the offline keys forbid", () => {
  const below: DriverRules = { roleFloor: "1.1.1", policy: undefined };
  test("is assigned to nobody", () =>
    expect(ask([{ stageIndex: 1 }], {}, below)).toBe("NOT_COMPATIBLE"));
  test("is not gone back to either", () =>
    expect(ask([{ state: "halted" }], current("1.1.0"), below)).toBe("ROLLOUT_HALTED"));
  test("leaves who runs it already alone", () =>
    expect(ask([{}], current("1.1.0"), below)).toBe("UP_TO_DATE"));
});

test("in the first stage three of twenty devices are assigned; the others hear at which stage they are", () => {
  const answers = MEMBERS.map(({ device }) => ask([{}], { device }));
  expect(answers.filter((answer) => typeof answer === "object")).toHaveLength(3);
  expect(answers.filter((answer) => answer === "NOT_IN_COHORT")).toHaveLength(17);
});
