/** Recalls over the whole server, and what devices give away of somebody else's orders, keys and reports. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { brand, type Sha256 } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { DriverRef } from "../../protocol/wire/index.ts";
import { createOffline, testBundle } from "../support/server/offline.ts";
import { TestDevice } from "../support/server/device.ts";
import { startTestServer, type TestServer } from "../support/server/server.ts";

const BUNDLES = new Map(
  ["1.0.0", "1.1.0", "1.2.0"].map((version) => [version, testBundle(version)]),
);
const driver = (version: string): DriverRef => {
  return { version, sha256: sha256Hex(BUNDLES.get(version) ?? new Uint8Array(0)) };
};

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await startTestServer();
  const offline = await createOffline(server);
  unwrap(await server.operator.publish(await offline.publication([...BUNDLES.values()])));
  const uses = { uses: 20, validForSeconds: 600 };
  token = unwrap(await server.operator.createEnrolmentToken(uses)).token;
}, 30_000);

afterAll(() => server.remove());

async function enrolled(device: string): Promise<TestDevice> {
  const { url, tenant, now: clock } = server;
  const made = new TestDevice({ url, tenant, device, driver: driver("1.0.0"), clock });
  await made.enrol(token);
  return made;
}

async function findings(action: string): Promise<string[]> {
  const { items } = unwrap(await server.operator.audit());
  return items.filter((entry) => entry.action === action).map(({ subject }) => subject);
}

/** The signed content of an order. */
function orderOf(envelope: Uint8Array) {
  return JSON.parse(Buffer.from(envelope).toString()).signed;
}

test("an order that no log explains is found by what the device says it took", async () => {
  const device = await enrolled("misled");
  device.accepted = { epoch: 1, sequence: 7 };
  await device.checkIn();
  expect(await findings("order.unexplained")).toContain("misled 1/7");
});

test("an order of a number of ours with somebody else's content is found too", async () => {
  const device = await enrolled("swapped");
  unwrap(await server.operator.recall({ version: "1.1.0", because: "one model is wrong" }));
  const { decision } = await device.checkIn();
  if (decision.kind !== "assignment") throw new Error("no recall came");
  const { epoch, sequence } = orderOf(decision.envelope);
  device.accepted = { epoch, sequence };
  device.acceptedSha256 = brand<Sha256>(sha256Hex(utf8("forged")));
  await device.checkIn();
  expect(await findings("order.unexplained")).toContain(`swapped ${epoch}/${sequence}`);
});

test("a recall reaches every device, once it is taken no more, and nobody is assigned the version", async () => {
  const device = await enrolled("recalled");
  const first = await device.checkIn();
  if (first.decision.kind !== "assignment") throw new Error("no recall came");
  expect(orderOf(first.decision.envelope)).toMatchObject({
    ...{ _type: "recall", device: "recalled", recalled: [driver("1.1.0").sha256] },
    ...{ returnTo: null, reason: "one model is wrong" },
  });
  const again = await device.checkIn();
  expect(again.decision).toEqual(first.decision);
  const { epoch, sequence } = orderOf(first.decision.envelope);
  device.accepted = { epoch, sequence };
  expect((await device.checkIn()).decision).toMatchObject({ kind: "hold" });
  const twice = await server.operator.recall({ version: "1.1.0", because: "again" });
  expect(twice).toMatchObject({ ok: false, code: "ALREADY_RECALLED" });
});

test("a device that refused an order says so, and its operator reads why", async () => {
  const device = await enrolled("refusing");
  device.refusedOrder = "ASSIGNMENT_REPLAYED";
  await device.checkIn();
  await device.checkIn();
  expect(await findings("order.refused")).toEqual(["refusing ASSIGNMENT_REPLAYED"]);
});

test("a replayed batch of reports is refused with its own code", async () => {
  const device = await enrolled("replayed");
  const reports = [device.lifecycle("none", driver("1.1.0"), { kind: "accepted" })];
  await device.report(reports);
  // The acknowledgement may have been lost: until the device says that it knows, sending again is honest.
  expect((await device.tryReport(reports, 1)).status).toBe(200);
  await device.checkIn();
  const replay = await device.tryReport(reports, 1);
  expect(replay).toMatchObject({ status: 409, problem: { code: "REPORTS_REPLAYED" } });
  expect(await findings("report.replayed")).toEqual(["replayed"]);
});

test("a copy of a device gives itself away by what it does not remember", async () => {
  const device = await enrolled("copied");
  await device.checkIn();
  await device.report([device.lifecycle("none", driver("1.1.0"), { kind: "accepted" })]);
  await device.checkIn();
  const known = device.acknowledged;
  device.acknowledged = 0;
  const copy = await device.post("/v1/device/check-in", device.checkInBytes());
  expect(copy).toMatchObject({ status: 409, problem: { code: "DEVICE_CLONED" } });
  expect(await findings("device.cloned")).toEqual(["copied"]);
  device.acknowledged = known;
  await device.checkIn();
});

describe("an assignment that a recall has overtaken", () => {
  const rollout = "to-1.2.0";
  const act = async (action: "start" | "pause" | "resume") =>
    unwrap(await server.operator.act(rollout, { action, because: "test" }));

  test("is given anew, with a number that the device takes", async () => {
    const device = await enrolled("overtaken");
    const request = {
      ...{ id: rollout, version: "1.2.0", previousVersion: "1.0.0" },
      stages: [{ percent: 100, minimumDevices: 1 }],
      gate: {
        ...{ nonInferiorityMargin: 0.02, accuracyFloorDb: 20, failureBudget: 0.1 },
        ...{ minimumDevices: 1, confidence: 0.95 },
      },
    };
    unwrap(await server.operator.createRollout(request));
    await act("start");
    const order = async () => {
      const { decision } = await device.checkIn();
      if (decision.kind !== "assignment") throw new Error(`held: ${decision.code}`);
      return orderOf(decision.envelope);
    };
    // The recall of a test before comes first, as long as the device has not taken it.
    const recall = await order();
    device.accepted = { epoch: recall.epoch, sequence: recall.sequence };
    const assigned = await order();
    expect(assigned).toMatchObject({
      _type: "assignment",
      target: { path: "drivers/sm8650/1.2.0" },
    });
    expect(assigned.sequence).toBeGreaterThan(recall.sequence);
    expect(await order()).toEqual(assigned);
    // Another recall comes and is taken before the assignment is.
    unwrap(await server.operator.recall({ version: "1.0.0", because: "it is old" }));
    const second = await order();
    expect(second._type).toBe("recall");
    device.accepted = { epoch: second.epoch, sequence: second.sequence };
    expect((await order()).sequence).toBeGreaterThan(second.sequence);
    await act("pause");
  });
});
