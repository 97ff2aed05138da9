/** What every store does with orders and recalls, and how it tells a copy of a device from the device. */
import { expect, test } from "@jest/globals";
import { instant } from "../../../protocol/base/brand.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { unwrap } from "../../../protocol/base/result.ts";
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import {
  assign,
  AT,
  batchOf,
  checkInOf,
  deviceId,
  enrolDevice,
  HOUR_MS,
  lifecycle,
  NEW,
  ROLLOUT,
  signed,
  TENANT,
  testRollout,
  type ContractStore,
} from "./contract-facts.ts";

export function ordersContract(open: () => Promise<ContractStore>): void {
  test("every order that was signed is found by its number, with the hash of its content", async () => {
    const store = await open();
    await enrolDevice(store, deviceId(1));
    await store.rollouts.create(testRollout(), "test");
    await assign(store, deviceId(1));
    await assign(store, deviceId(1));
    const first = await store.orders.issued(TENANT, deviceId(1), { epoch: 1, sequence: 1 });
    expect(first).toMatchObject({ kind: "assignment", subject: ROLLOUT });
    expect(first?.contentSha256).toBe(sha256Hex(utf8("signed 1 1")));
    expect(await store.orders.issued(TENANT, deviceId(1), { epoch: 1, sequence: 3 })).toBe(
      undefined,
    );
  });

  test("a recall is numbered, made once a version, and its order is the device's next", async () => {
    const store = await open();
    await enrolDevice(store, deviceId(1));
    const facts = {
      tenant: TENANT,
      sha256s: [NEW.sha256],
      reason: "wrong",
      actor: "test",
      now: AT,
    };
    const made = unwrap(await store.orders.addRecall({ ...facts, version: "1.1.0" }));
    expect(made).toMatchObject({ number: 1, sha256s: [NEW.sha256] });
    const again = await store.orders.addRecall({ ...facts, version: "1.1.0" });
    expect(again).toMatchObject({ ok: false, code: "ALREADY_RECALLED" });
    expect(await store.orders.recalls(TENANT)).toEqual([made]);
    expect(await store.orders.newestRecallOrder(TENANT, deviceId(1))).toBe(undefined);
    const order = await store.orders.issue({
      ...{ tenant: TENANT, device: deviceId(1), epoch: 1, kind: "recall", subject: "1" },
      ...{ startBefore: instant(AT + HOUR_MS), now: AT, sign: signed },
    });
    expect(order).toMatchObject({ epoch: 1, sequence: 1, kind: "recall" });
    expect(await store.orders.newestRecallOrder(TENANT, deviceId(1))).toMatchObject({
      subject: "1",
      envelope: utf8("signed 1 1"),
    });
  });

  test("a device that forgets what it said it knew, or knows more than there was, is a copy", async () => {
    const store = await open();
    await enrolDevice(store, deviceId(1));
    await store.reports.ingest(batchOf(deviceId(1), [lifecycle({ kind: "accepted" })]), AT);
    const knows = (acknowledgedSequence: number, assignment = { epoch: 1, sequence: 4 }) =>
      store.devices.checkIn(checkInOf(deviceId(1), { acknowledgedSequence, assignment }), AT);
    const clone = { ok: false, code: "DEVICE_CLONED" };
    expect(await knows(2)).toMatchObject(clone);
    unwrap(await knows(1));
    expect(await knows(0)).toMatchObject(clone);
    expect(await knows(1, { epoch: 1, sequence: 3 })).toMatchObject(clone);
    unwrap(await knows(1));
    expect((await store.devices.find(TENANT, deviceId(1)))?.confirmedSequence).toBe(1);
  });
}
