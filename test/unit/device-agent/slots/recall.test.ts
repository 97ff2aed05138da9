import { describe, expect, test } from "@jest/globals";
import { brand, instant } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import {
  accept,
  driverFor,
  factoryState,
  reachableDrivers,
  recall,
  type SlotsState,
} from "../../../../device-agent/slots/index.ts";

const driver = (version: string) => ({ version, sha256: sha256Hex(utf8(version)) });
const [FACTORY, OLD, BAD] = [driver("1.0.0"), driver("1.1.0"), driver("1.2.0")] as const;
const order = (sequence: number, epoch = 1) => {
  return { epoch, sequence, contentSha256: sha256Hex(utf8("order")), finished: false };
};
const MODEL = brand<SlotsState["pins"][number]["model"]>("model");

const STATE: SlotsState = {
  ...factoryState(FACTORY),
  current: BAD,
  previous: OLD,
  failedStarts: 2,
  pins: [{ model: MODEL, driver: BAD }],
};

describe("a recall", () => {
  const after = recall(STATE, { recalled: [BAD.sha256], to: OLD, accepted: order(1) });

  test("moves to the driver that it leads to, and counts its starts anew", () => {
    expect(after).toMatchObject({ current: OLD, previous: null, failedStarts: 0 });
  });

  test("leaves no way to the recalled driver, nor to a program that it compiled", () => {
    expect(driverFor(after, MODEL)).toEqual(OLD);
    expect(reachableDrivers(after)).not.toContainEqual(BAD);
  });

  test("finishes the order: it cannot be replayed", () => {
    expect(after.accepted).toEqual({ ...order(1), finished: true });
  });

  test("stops an update to what it recalls, and lets another one go on", () => {
    const candidate = {
      ...{ driver: BAD, bytes: 1, path: "drivers/sm8650/1.2.0" },
      ...{ rollout: brand<never>("r"), startBefore: instant(1), activateBefore: instant(1) },
    };
    const busy = accept({ ...STATE, current: OLD, previous: FACTORY }, candidate, order(1));
    const held = { to: OLD, accepted: order(2) };
    expect(recall(busy, { ...held, recalled: [BAD.sha256] }).update).toEqual({ kind: "idle" });
    const other = [driver("9.9.9").sha256];
    expect(recall(busy, { ...held, recalled: other }).update).toEqual(busy.update);
  });

  test("is lifted by a later epoch only: the offline keys must have a hand in it", () => {
    const [first, second] = [BAD.sha256, driver("1.3.0").sha256];
    const more = recall(after, { recalled: [second], to: OLD, accepted: order(2) });
    expect(more.recalled).toEqual({ epoch: 1, sha256s: [second, first] });
    const lifted = recall(more, { recalled: [second], to: OLD, accepted: order(1, 2) });
    expect(lifted.recalled).toEqual({ epoch: 2, sha256s: [second] });
  });
});
