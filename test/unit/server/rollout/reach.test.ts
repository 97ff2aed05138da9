/** Whom a rollout can reach, and whom the offline keys keep it from. */
import { describe, expect, test } from "@jest/globals";
import { brand, instant, type Sha256 } from "../../../../protocol/base/brand.ts";
import type { DriverRules, HardwarePolicy } from "../../../../protocol/metadata/index.ts";
import {
  forbiddenDevices,
  forbiddenTo,
  isEligible,
  OUT_OF_CONTACT_MS,
  reachableDevices,
  stageCutoffs,
  type DriverTarget,
  type FleetMember,
} from "../../../../server/rollout/index.ts";
import { AT, deviceId, TENANT, testRollout } from "../../../support/server/contract-facts.ts";

const SHA256 = brand<Sha256>("1".repeat(64));
const NO_RULES: DriverRules = { roleFloor: undefined, policy: undefined };

function target(rules: DriverRules): DriverTarget {
  return { path: "drivers/sm8650/1.1.0", version: "1.1.0", sha256: SHA256, length: 1, rules };
}

function policy(changes: Partial<HardwarePolicy>): DriverRules {
  const open = { family: "sm8650", securityFloor: "1.0.0", revoked: [] };
  return { roleFloor: undefined, policy: { _type: "hardware-policy", ...open, ...changes } };
}

describe("a driver is forbidden", () => {
  const check = (
    rules: DriverRules,
    expected: string | undefined,
    sandbox: FleetMember["sandbox"] = "degraded",
  ) => expect(forbiddenTo({ sandbox }, target(rules))?.code).toBe(expected);
  test("not where nobody forbids it", () => check(NO_RULES, undefined));
  test("not at the floor", () => check(policy({ securityFloor: "1.1.0" }), undefined));
  test("below the policy's floor", () =>
    check(policy({ securityFloor: "1.1.1" }), "BELOW_SECURITY_FLOOR"));
  test("below the floor of the role that lists it", () =>
    check({ ...NO_RULES, roleFloor: "1.1.1" }, "BELOW_SECURITY_FLOOR"));
  test("once it is revoked", () => check(policy({ revoked: [SHA256] }), "IMAGE_REVOKED"));
  test("where the sandbox is too weak", () =>
    check(policy({ sandboxMin: "strong" }), "SANDBOX_TOO_WEAK"));
  test("not in a strong sandbox, nor in one that is not known yet", () => {
    check(policy({ sandboxMin: "strong" }), undefined, "strong");
    check(policy({ sandboxMin: "strong" }), undefined, null);
  });
});

test("stages count on whom they can reach; the others are told apart by what forbids it", () => {
  const member = (number: number, changes: Partial<FleetMember> = {}): FleetMember => ({
    ...{ device: deviceId(number), hardwareClass: "sm8650", sandbox: "strong", models: [] },
    lastContactAt: AT,
    ...changes,
  });
  const silent = instant(AT - OUT_OF_CONTACT_MS - 1);
  const members = [
    ...Array.from({ length: 20 }, (_, number) => member(number)),
    ...[member(20, { sandbox: "degraded" }), member(21, { sandbox: "degraded" })],
    member(22, { hardwareClass: "sm8350" }),
    member(23, { lastContactAt: silent }),
    member(24, { hardwareClass: "qcm6490" }),
  ];
  const targets = new Map([
    ["sm8650", target(policy({ sandboxMin: "strong" }))],
    ["sm8350", target(policy({ revoked: [SHA256] }))],
  ]);
  const rollout = testRollout({ stages: [{ percent: 100, minimumDevices: 1 }] });
  const eligible = members.filter((one) => isEligible(one, targets));
  const cutoffs = stageCutoffs(eligible, rollout);
  const entry = { rollout, cutoffs, targets, previousTargets: targets };
  expect(reachableDevices(members, entry, { tenant: TENANT, now: AT })).toEqual([20]);
  expect(forbiddenDevices(members, entry)).toMatchObject([
    { hardwareClass: "sm8350", code: "IMAGE_REVOKED", devices: 1 },
    { hardwareClass: "sm8650", code: "SANDBOX_TOO_WEAK", devices: 2 },
  ]);
});
