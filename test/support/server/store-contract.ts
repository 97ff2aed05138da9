/** What every store must do, whatever it is made of. */
import { describe, expect, test } from "@jest/globals";
import { brand, instant } from "../../../protocol/base/brand.ts";
import type { ModelId } from "../../../protocol/base/brand.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { unwrap } from "../../../protocol/base/result.ts";
import { sha256, sha256Hex } from "../../../protocol/crypto/index.ts";
import {
  AT,
  assign,
  batchOf,
  checkInOf,
  deviceId,
  enrolDevice,
  HOUR_MS,
  lifecycle,
  OLD,
  OTHER_TENANT,
  outcome,
  ROLLOUT,
  SECRET,
  TENANT,
  testRollout,
  type ContractStore,
} from "./contract-facts.ts";
import { kept } from "./device.ts";
import { ordersContract } from "./orders-contract.ts";

export function storeContract(name: string, open: () => Promise<ContractStore>): void {
  describe(`${name}: devices`, () => devicesContract(open));
  describe(`${name}: rollouts`, () => rolloutsContract(open));
  describe(`${name}: assignments`, () => assignmentsContract(open));
  describe(`${name}: orders`, () => ordersContract(open));
  describe(`${name}: acknowledging reports`, () => acknowledgementContract(open));
  describe(`${name}: counting reports`, () => countingContract(open));
}

type Open = () => Promise<ContractStore>;

function devicesContract(open: Open): void {
  test("an enrolled device is found, and by its own tenant only", async () => {
    const store = await open();
    expect(unwrap(await enrolDevice(store, deviceId(1)))).toEqual({ reportEpoch: 1 });
    const found = await store.devices.find(TENANT, deviceId(1));
    expect(found).toMatchObject({ device: "device-1", status: "active", reportEpoch: 1 });
    expect(await store.devices.find(OTHER_TENANT, deviceId(1))).toBeUndefined();
  });

  test("enrolling again with the same key begins a new epoch; with another key it is refused", async () => {
    const store = await open();
    await enrolDevice(store, deviceId(1));
    const publicKey = sha256(utf8(`${TENANT} device-1`));
    const again = {
      ...{ tenant: TENANT, device: deviceId(1), publicKey, keyId: sha256Hex(publicKey) },
      ...{ soc: "sm8650", agentVersion: "0.1.0", tokenId: "for-device-1", now: AT },
      tokenSecretSha256: SECRET,
    };
    expect(unwrap(await store.devices.enrol(again))).toEqual({ reportEpoch: 2 });
    const stranger = await store.devices.enrol({
      ...again,
      publicKey: sha256(utf8("x")),
      keyId: "x",
    });
    expect(stranger).toMatchObject({ ok: false, code: "DEVICE_ALREADY_ENROLLED" });
    const clone = await store.devices.enrol({ ...again, device: deviceId(2) });
    expect(clone).toMatchObject({ ok: false, code: "DEVICE_KEY_ALREADY_ENROLLED" });
  });

  test("a token that has lapsed or is of another secret opens nothing", async () => {
    const store = await open();
    await enrolDevice(store, deviceId(1));
    const publicKey = sha256(utf8("new"));
    const wanted = {
      ...{ tenant: TENANT, device: deviceId(2), publicKey, keyId: "k", soc: "sm8650" },
      ...{ agentVersion: "0.1.0", tokenId: "for-device-1", tokenSecretSha256: SECRET, now: AT },
    };
    const late = await store.devices.enrol({ ...wanted, now: instant(AT + 2 * HOUR_MS) });
    expect(late).toMatchObject({ ok: false, code: "ENROLMENT_TOKEN_INVALID" });
    const guessed = { ...wanted, tokenSecretSha256: sha256(utf8("guess")) };
    const refused = await store.devices.enrol(guessed);
    expect(refused).toMatchObject({ ok: false, code: "ENROLMENT_TOKEN_INVALID" });
  });

  test("a check-in keeps what the device says, and what it accepted", async () => {
    const store = await open();
    await enrolDevice(store, deviceId(1));
    await store.rollouts.create(testRollout(), "test");
    const { epoch, sequence } = await assign(store, deviceId(1));
    const accepted = checkInOf(deviceId(1), { assignment: { epoch, sequence } });
    const { isOrderNew, assignments } = unwrap(await store.devices.checkIn(accepted, AT));
    expect(isOrderNew).toBe(true);
    expect(assignments).toMatchObject([{ status: "accepted", acceptedAt: AT }]);
    expect(unwrap(await store.devices.checkIn(accepted, AT)).isOrderNew).toBe(false);
    expect(await store.devices.models(TENANT, deviceId(1))).toEqual(accepted.models);
    await store.devices.checkIn({ ...accepted, models: [] }, AT);
    expect(await store.devices.models(TENANT, deviceId(1))).toEqual([]);
    const { sandbox } = accepted;
    const known = { hardwareClass: "sm8650", sandbox, models: [], lastContactAt: AT };
    expect(await store.devices.members(TENANT)).toEqual([{ device: "device-1", ...known }]);
  });

  test("a held device is no member of cohorts", async () => {
    const store = await open();
    await enrolDevice(store, deviceId(1));
    expect(await store.devices.setStatus(TENANT, deviceId(1), "held")).toBe(true);
    expect(await store.devices.setStatus(TENANT, deviceId(9), "held")).toBe(false);
    expect(await store.devices.members(TENANT)).toEqual([]);
  });
}

function rolloutsContract(open: Open): void {
  test("a rollout is created once", async () => {
    const store = await open();
    unwrap(await store.rollouts.create(testRollout(), "test"));
    const again = await store.rollouts.create(testRollout(), "test");
    expect(again).toMatchObject({ ok: false, code: "ROLLOUT_EXISTS" });
    expect(await store.rollouts.find(TENANT, ROLLOUT)).toEqual(testRollout());
    expect(await store.rollouts.list(TENANT)).toEqual([testRollout()]);
  });

  test("of two changes that saw the same revision one is made, and audited", async () => {
    const store = await open();
    const rollout = testRollout();
    await store.rollouts.create(rollout, "test");
    const change = { state: "paused", stageIndex: 0, promotedStages: [], because: "why" } as const;
    const request = {
      rollout,
      change,
      decided: null,
      actor: "me",
      action: "rollout.pause",
      now: AT,
    };
    const both = await Promise.all([
      store.rollouts.change(request),
      store.rollouts.change(request),
    ]);
    expect(both.map(({ ok }) => ok).sort()).toEqual([false, true]);
    expect(both.find(({ ok }) => !ok)).toMatchObject({ code: "ROLLOUT_CHANGED_MEANWHILE" });
    const entries = await store.audit.list(TENANT, { limit: 10 });
    expect(entries.map(({ action }) => action)).toEqual(["rollout.pause", "rollout.create"]);
    expect(await store.audit.firstBroken(TENANT)).toBeNull();
  });

  test("the audit log is read page by page, newest first, nothing twice and nothing left out", async () => {
    const store = await open();
    const entry = { tenant: TENANT, at: AT, actor: "me", action: "test", details: {} };
    for (let number = 1; number <= 5; number++) {
      await store.audit.append({ ...entry, subject: `${number}` });
    }
    const subjects: string[][] = [];
    for (let before: number | undefined; ;) {
      const page = await store.audit.list(TENANT, { limit: 2, before });
      if (page.length === 0) break;
      subjects.push(page.map(({ subject }) => subject));
      before = page.at(-1)?.sequence;
    }
    expect(subjects).toEqual([["5", "4"], ["3", "2"], ["1"]]);
  });

  test("a decision keeps its inputs exactly", async () => {
    const store = await open();
    const rollout = testRollout();
    await store.rollouts.create(rollout, "test");
    const moments = { count: 3, sum: -(2n ** 70n), sumOfSquares: 2n ** 90n };
    const cell = { model: brand<ModelId>("m"), hardwareClass: "sm8650", moments, failures: 1 };
    const devices = { assigned: 4, accepted: 4, committed: 3, failed: 1, silent: 0 };
    const evidence = { stages: [{ devices, cells: [cell] }], reachable: [4], watermark: 7 };
    const verdict = { kind: "halt", because: "why" } as const;
    const policySha256 = sha256Hex(utf8("policy"));
    const decided = { stage: 0, verdict, policySha256, rollout, evidence };
    const change = { state: "halted", stageIndex: 0, promotedStages: [], because: "why" } as const;
    const by = { actor: "gate", action: "rollout.halt", now: AT };
    unwrap(await store.rollouts.change({ rollout, change, decided, ...by }));
    const [record] = await store.rollouts.decisions(TENANT, ROLLOUT);
    expect(record).toEqual({ ...decided, revision: 1, decidedAt: AT });
    expect((await store.rollouts.find(TENANT, ROLLOUT))?.watermark).toBe(7);
  });
}

function assignmentsContract(open: Open): void {
  test("assignments of a device are numbered, and a new epoch starts at one", async () => {
    const store = await open();
    await enrolDevice(store, deviceId(1));
    await store.rollouts.create(testRollout(), "test");
    expect(await assign(store, deviceId(1))).toMatchObject({ epoch: 1, sequence: 1 });
    const second = await assign(store, deviceId(1));
    expect(second).toMatchObject({ epoch: 1, sequence: 2, status: "assigned" });
    expect(second.envelope).toEqual(utf8("signed 1 2"));
    const key = { rollout: ROLLOUT, purpose: "update" } as const;
    expect(await store.assignments.find(TENANT, deviceId(1), key)).toMatchObject({ sequence: 2 });
    expect(await store.assignments.ofRollout(TENANT, ROLLOUT)).toHaveLength(1);
    await enrolDevice(store, deviceId(2));
    const listed = await store.devices.list(TENANT, { limit: 2 });
    expect(listed.map(({ device, rollout }) => [device, rollout])).toEqual([
      ["device-1", ROLLOUT],
      ["device-2", null],
    ]);
    expect(await store.devices.list(TENANT, { after: "device-1", limit: 2 })).toHaveLength(1);
  });
}

/** With a running rollout and so many devices that were assigned in its first stage. */
async function openReady(open: Open, count = 1): Promise<ContractStore> {
  const store = await open();
  await store.rollouts.create(testRollout(), "test");
  for (let number = 1; number <= count; number++) {
    await enrolDevice(store, deviceId(number));
    await assign(store, deviceId(number));
  }
  return store;
}

function acknowledgementContract(open: Open): void {
  test("the commit acknowledges; the same batch again changes nothing", async () => {
    const store = await openReady(open);
    const bodies = [outcome(kept(1.5)), lifecycle({ kind: "committed" })];
    const batch = batchOf(deviceId(1), bodies);
    const ack = { epoch: 1, acknowledgedSequence: 2 };
    expect(unwrap(await store.reports.ingest(batch, AT))).toEqual(ack);
    const before = await store.rollouts.evidence(testRollout(), AT);
    expect(unwrap(await store.reports.ingest(batch, AT))).toEqual(ack);
    expect(await store.rollouts.evidence(testRollout(), AT)).toEqual(before);
    const devices = { assigned: 1, accepted: 1, committed: 1, failed: 0, silent: 0 };
    expect(before.stages[0]?.devices).toEqual(devices);
    expect(before.stages[0]?.cells).toHaveLength(1);
    expect(before.stages[0]?.cells[0]?.moments.count).toBe(1);
  });

  test("a batch that overlaps what is known adds only what is new", async () => {
    const store = await openReady(open);
    await store.reports.ingest(batchOf(deviceId(1), [outcome(kept(1.5))]), AT);
    const longer = batchOf(deviceId(1), [outcome(kept(1.5)), outcome(kept(1.2), "detector")]);
    expect(unwrap(await store.reports.ingest(longer, AT))).toMatchObject({
      acknowledgedSequence: 2,
    });
    const { stages } = await store.rollouts.evidence(testRollout(), AT);
    expect(stages[0]?.cells.map(({ moments }) => moments.count)).toEqual([1, 1]);
  });

  test("a gap and an unknown epoch are refused; an old epoch is known already", async () => {
    const store = await openReady(open);
    const gap = batchOf(deviceId(1), [outcome(kept(1))], { firstSequence: 2 });
    expect(await store.reports.ingest(gap, AT)).toMatchObject({ code: "REPORTS_GAP" });
    const future = batchOf(deviceId(1), [outcome(kept(1))], { epoch: 2 });
    expect(await store.reports.ingest(future, AT)).toMatchObject({ code: "REPORTS_EPOCH_UNKNOWN" });
    const stranger = batchOf(deviceId(9), [outcome(kept(1))]);
    expect(await store.reports.ingest(stranger, AT)).toMatchObject({ code: "DEVICE_UNKNOWN" });
  });

  test("the same batch sent many times at once counts once", async () => {
    const store = await openReady(open);
    const batch = batchOf(deviceId(1), [outcome(kept(1.5)), lifecycle({ kind: "committed" })]);
    await Promise.all(Array.from({ length: 5 }, () => store.reports.ingest(batch, AT)));
    const { stages } = await store.rollouts.evidence(testRollout(), AT);
    expect(stages[0]?.cells[0]?.moments.count).toBe(1);
  });
}

function countingContract(open: Open): void {
  test("a device's newer word on a model replaces the older one, exactly", async () => {
    const store = await openReady(open, 2);
    await store.reports.ingest(batchOf(deviceId(2), [outcome(kept(1.3))]), AT);
    await store.reports.ingest(batchOf(deviceId(1), [outcome(kept(1.5))]), AT);
    const wrong = {
      kind: "refused_wrong",
      measured: { ...measuredOf(1.5), outputSnrDb: 3 },
    } as const;
    const next = batchOf(deviceId(1), [outcome(wrong)], { firstSequence: 2 });
    await store.reports.ingest(next, AT);
    const { stages } = await store.rollouts.evidence(testRollout(), AT);
    expect(stages[0]?.cells[0]).toMatchObject({ failures: 1, moments: { count: 1 } });
    expect(stages[0]?.devices.failed).toBe(1);
    const better = batchOf(deviceId(1), [outcome(kept(1.3))], { firstSequence: 3 });
    await store.reports.ingest(better, AT);
    const after = await store.rollouts.evidence(testRollout(), AT);
    const [cell] = after.stages[0]?.cells ?? [];
    expect(cell).toMatchObject({ failures: 0, moments: { count: 2 } });
    expect((cell?.moments.sum ?? 1n) % 2n).toBe(0n);
    expect(after.stages[0]?.devices.failed).toBe(0);
  });

  test("a late rollback takes a committed device back", async () => {
    const store = await openReady(open);
    await store.reports.ingest(batchOf(deviceId(1), [lifecycle({ kind: "committed" })]), AT);
    const late = lifecycle({ kind: "rolled_back", code: "CRASH_LOOP", message: "three starts" });
    await store.reports.ingest(batchOf(deviceId(1), [late], { firstSequence: 2 }), AT);
    const { stages } = await store.rollouts.evidence(testRollout(), AT);
    expect(stages[0]?.devices).toMatchObject({ committed: 0, failed: 1 });
    const [fact] = await store.assignments.ofDevice(TENANT, deviceId(1));
    expect(fact?.failure).toEqual({ code: "CRASH_LOOP", message: "three starts" });
  });

  test("who accepted and then fell silent is counted as silent", async () => {
    const store = await openReady(open);
    await store.reports.ingest(batchOf(deviceId(1), [lifecycle({ kind: "accepted" })]), AT);
    const silent = async (before: number) =>
      (await store.rollouts.evidence(testRollout(), instant(before))).stages[0]?.devices.silent;
    expect(await silent(AT)).toBe(0);
    expect(await silent(AT + 1)).toBe(1);
  });

  test("reports that no assignment explains are kept, not counted, and an operator sees them", async () => {
    const store = await open();
    await store.rollouts.create(testRollout(), "test");
    await enrolDevice(store, deviceId(1));
    await store.reports.ingest(batchOf(deviceId(1), [outcome(kept(0.5))]), AT);
    const { stages } = await store.rollouts.evidence(testRollout(), AT);
    expect(stages[0]?.cells).toEqual([]);
    expect(await store.reports.outcomes(TENANT, ROLLOUT)).toHaveLength(1);
    const [entry] = await store.audit.list(TENANT, { limit: 1 });
    expect(entry).toMatchObject({ action: "report.unexplained", actor: "device-1" });
  });

  test("a comparison with another version than the rollout's is not counted", async () => {
    const store = await openReady(open);
    const from = { version: "0.9.0", sha256: OLD.sha256 };
    await store.reports.ingest(batchOf(deviceId(1), [outcome(kept(2))], { from }), AT);
    const { stages } = await store.rollouts.evidence(testRollout(), AT);
    expect(stages[0]?.cells).toEqual([]);
  });
}

function measuredOf(gain: number) {
  const verdict = kept(gain);
  if (verdict.kind !== "kept") throw new Error("bug: kept is kept");
  return verdict.measured;
}
