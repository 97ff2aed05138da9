/** The gate at work on a store: decisions are written once, by whoever comes first, and late harm is seen. */
import { expect, test } from "@jest/globals";
import { instant, type Instant } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { createFleet } from "../../../../server/jobs/fleet.ts";
import { tick, type TickOptions } from "../../../../server/jobs/tick.ts";
import { SILENCE_MS_MAX } from "../../../../server/rollout/index.ts";
import type { ListedRelease } from "../../../../server/jobs/listed-releases.ts";
import { kept } from "../../../support/server/device.ts";
import { memoryStore, type MemoryStore } from "../../../support/server/memory-store.ts";
import {
  assign,
  AT,
  batchOf,
  deviceId,
  enrolDevice,
  lifecycle,
  outcome,
  ROLLOUT,
  TENANT,
  testRollout,
} from "../../../support/server/contract-facts.ts";

const RELEASE: ListedRelease = {
  ...{ path: "drivers/sm8650/1.1.0", family: "sm8650", version: "1.1.0", length: 1 },
  sha256: sha256Hex(utf8("1.1.0")),
  facts: {
    ...{ kind: "driver", version: "1.1.0", socs: ["sm8650"], securityFloor: "1.0.0" },
    ...{ abi: { major: 1, minor: 0 }, isa: { major: 1, minor: 0 } },
  },
  publishedAt: AT,
  rules: { roleFloor: "1.0.0", policy: undefined },
};

/** Ten devices; three are assigned in the first stage. */
async function open(): Promise<{ store: MemoryStore; at: (now: Instant) => TickOptions }> {
  const store = memoryStore();
  unwrap(await store.rollouts.create(testRollout(), "test"));
  for (let number = 0; number < 10; number++) await enrolDevice(store, deviceId(number));
  for (let number = 0; number < 3; number++) await assign(store, deviceId(number));
  const repository = { directorKeys: async () => undefined };
  const listedReleases = async () => [RELEASE];
  const at = (now: Instant): TickOptions => {
    const clock = (): Instant => now;
    const from = { store: { ...store, repository }, listedReleases };
    const fleet = createFleet({ ...from, clock, ageMsMax: 0 });
    const tenants = { list: async () => [TENANT] };
    return { store: { ...store, tenants }, fleet, clock };
  };
  return { store, at };
}

async function report(store: MemoryStore, number: number, gain: number): Promise<void> {
  const bodies = [outcome(kept(gain)), lifecycle({ kind: "committed" })];
  unwrap(await store.reports.ingest(batchOf(deviceId(number), bodies), AT));
}

test("waits, advances and says so in its record", async () => {
  const { store, at } = await open();
  const [waiting] = await tick(TENANT, at(AT));
  expect(waiting).toMatchObject({ state: "running", stageIndex: 0 });
  expect(waiting?.because).toMatch(/^0 of at least 3 devices committed/);
  expect(await tick(TENANT, at(AT))).toEqual([]);
  for (const number of [0, 1, 2]) await report(store, number, 1.5);
  const [advanced] = await tick(TENANT, at(AT));
  expect(advanced).toMatchObject({ state: "running", stageIndex: 1, watermark: 3 });
  const [record] = await store.rollouts.decisions(TENANT, ROLLOUT);
  expect(record).toMatchObject({ stage: 0, verdict: { kind: "advance" }, revision: 2 });
});

test("two servers that look at once make one decision", async () => {
  const { store, at } = await open();
  for (const number of [0, 1, 2]) await report(store, number, 1.5);
  const both = await Promise.all([tick(TENANT, at(AT)), tick(TENANT, at(AT))]);
  expect(both.flat()).toHaveLength(1);
  expect(await store.rollouts.decisions(TENANT, ROLLOUT)).toHaveLength(1);
});

test("a late rollback halts the rollout at the stage that it had passed", async () => {
  const { store, at } = await open();
  for (const number of [0, 1, 2]) await report(store, number, 1.5);
  await tick(TENANT, at(AT));
  const late = lifecycle({ kind: "rolled_back", code: "CRASH_LOOP", message: "" });
  await store.reports.ingest(batchOf(deviceId(0), [late], { firstSequence: 3 }), AT);
  const [halted] = await tick(TENANT, at(AT));
  expect(halted).toMatchObject({ state: "halted", stageIndex: 0 });
});

test("silence after acceptance halts, by the server's clock", async () => {
  const { store, at } = await open();
  const accepted = batchOf(deviceId(0), [lifecycle({ kind: "accepted" })]);
  unwrap(await store.reports.ingest(accepted, AT));
  const [waiting] = await tick(TENANT, at(AT));
  expect(waiting?.state).toBe("running");
  const [halted] = await tick(TENANT, at(instant(AT + SILENCE_MS_MAX + 1)));
  expect(halted).toMatchObject({ state: "halted" });
  expect(halted?.because).toMatch(/1 silent/);
});
