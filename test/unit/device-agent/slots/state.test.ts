import { describe, expect, test } from "@jest/globals";
import {
  accept,
  advance,
  attemptStart,
  commit,
  decide,
  driverFor,
  factoryState,
  FAILED_STARTS_MAX,
  fallBack,
  finishAssignment,
  giveUp,
  isCrashLooping,
  reachableDrivers,
  slotsStateSchema,
  succeedStart,
  type Candidate,
  type SlotsState,
  type UpdateDecision,
} from "../../../../device-agent/slots/index.ts";
import { brand, instant, type ModelId } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import type { DriverRef } from "../../../../protocol/wire/index.ts";

const ref = (version: string): DriverRef => ({ version, sha256: sha256Hex(utf8(version)) });
const accepted = { epoch: 1, sequence: 1, contentSha256: sha256Hex(utf8("a")), finished: false };
const model = brand<ModelId>("m");

function candidate(version: string): Candidate {
  return {
    driver: ref(version),
    bytes: 10,
    path: `drivers/sm8650/${version}`,
    rollout: brand("r"),
    startBefore: instant(1000),
    activateBefore: instant(1000),
  };
}

function measured(state: SlotsState, version: string, decision: UpdateDecision): SlotsState {
  const started = accept(state, candidate(version), accepted);
  const compiled = (["downloading", "downloaded", "staged"] as const).reduce(advance, started);
  return decide(compiled, decision);
}

function updated(state: SlotsState, version: string): SlotsState {
  return commit(measured(state, version, { kind: "commit", pins: [] }), []);
}

describe("an update", () => {
  test("that is committed makes the candidate current and the current previous", () => {
    const state = updated(factoryState(ref("1.0.0")), "1.1.0");
    expect(state).toMatchObject({
      current: ref("1.1.0"),
      previous: ref("1.0.0"),
      recovery: ref("1.0.0"),
      update: { kind: "idle" },
      accepted: { finished: true },
    });
  });

  test("that is given up changes no pointer, and its assignment may not start again", () => {
    const before = updated(factoryState(ref("1.0.0")), "1.1.0");
    const refused = giveUp(measured(before, "1.2.0", { kind: "refuse", code: "X", message: "" }));
    expect(refused).toEqual({ ...before, accepted: { ...accepted, finished: true } });
  });

  test("goes through its steps in order: skipping one is a bug", () => {
    const started = accept(factoryState(ref("1.0.0")), candidate("1.1.0"), accepted);
    expect(() => advance(started, "staged")).toThrow("bug");
    expect(() => commit(started, [])).toThrow("bug");
  });

  test("whose assignment asks for nothing is finished at once", () => {
    const state = finishAssignment(factoryState(ref("1.0.0")), accepted);
    expect(state.accepted?.finished).toBe(true);
  });

  test("keeps its candidate in the store, beside the three pointers", () => {
    const before = updated(factoryState(ref("1.0.0")), "1.1.0");
    const during = accept(before, candidate("1.2.0"), accepted);
    const versions = reachableDrivers(during).map(({ version }) => version);
    expect(new Set(versions)).toEqual(new Set(["1.0.0", "1.1.0", "1.2.0"]));
  });
});

describe("the crash-loop breaker", () => {
  const failing = (state: SlotsState): SlotsState =>
    Array.from({ length: FAILED_STARTS_MAX }).reduce<SlotsState>(attemptStart, state);
  const twice = updated(updated(factoryState(ref("1.0.0")), "1.1.0"), "1.2.0");

  test("leaves a driver for the previous one, and that for recovery", () => {
    const first = fallBack(failing(twice));
    expect(first).toMatchObject({ current: ref("1.1.0"), previous: null, failedStarts: 0 });
    expect(fallBack(failing(first)).current).toEqual(ref("1.0.0"));
  });

  test("waits for as many failures in a row, and a good start forgives", () => {
    expect(isCrashLooping(failing(twice))).toBe(true);
    expect(isCrashLooping(attemptStart(succeedStart(failing(twice))))).toBe(false);
  });

  test("does not leave the recovery driver: there is nowhere to go", () => {
    expect(isCrashLooping(failing(factoryState(ref("1.0.0"))))).toBe(false);
  });
});

test("a pinned model runs with its pin's driver, the others with the current one", () => {
  const pins = [{ model, driver: ref("1.0.0") }];
  const state = measured(factoryState(ref("1.0.0")), "1.1.0", { kind: "commit", pins });
  const after = commit(state, pins);
  expect(driverFor(after, model)).toEqual(ref("1.0.0"));
  expect(driverFor(after, brand("other"))).toEqual(ref("1.1.0"));
  expect(fallBack(after).pins).toEqual([]);
});

test("every state survives JSON", () => {
  const pins = [{ model, driver: ref("1.0.0") }];
  const started = accept(factoryState(ref("1.0.0")), candidate("1.1.0"), accepted);
  const decided = measured(factoryState(ref("1.0.0")), "1.1.0", { kind: "commit", pins });
  for (const state of [started, decided, commit(decided, pins)]) {
    expect(slotsStateSchema.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
  }
});
