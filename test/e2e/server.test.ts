/** The whole server over HTTP: publish, enrol, roll out, report, promote, halt, come back. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { unwrap } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { CheckInReply, DriverRef } from "../../protocol/wire/index.ts";
import { createOffline, testBundle, type Offline } from "../support/server/offline.ts";
import { kept, measured, TestDevice } from "../support/server/device.ts";
import { startTestServer, type TestServer } from "../support/server/server.ts";

const BUNDLES = new Map(["1.0.0", "1.1.0", "1.9.9"].map((v) => [v, testBundle(v)]));
const MODELS = ["classifier", "detector"];
const STAGES = [
  { percent: 10, minimumDevices: 4 },
  { percent: 100, minimumDevices: 4 },
];
const GATE = {
  nonInferiorityMargin: 0.02,
  accuracyFloorDb: 20,
  failureBudget: 0.1,
  minimumDevices: 4,
  confidence: 0.95,
};

function driver(version: string): DriverRef {
  return { version, sha256: sha256Hex(BUNDLES.get(version) ?? new Uint8Array(0)) };
}

let server: TestServer;
let offline: Offline;
let devices: TestDevice[];

beforeAll(async () => {
  server = await startTestServer();
  offline = await createOffline(server);
  const bundles = [...BUNDLES.values()];
  unwrap(await server.operator.publish(await offline.publication(bundles)));
  const { token } = unwrap(
    await server.operator.createEnrolmentToken({ uses: 12, validForSeconds: 600 }),
  );
  devices = Array.from({ length: 12 }, (_, index) => {
    const { url, tenant, now } = server;
    const device = `device-${index}`;
    return new TestDevice({
      ...{ url, tenant, device, models: MODELS },
      driver: driver("1.0.0"),
      clock: now,
    });
  });
  for (const device of devices) await device.enrol(token);
  for (const device of devices) await device.checkIn();
}, 30_000);

afterAll(() => server.remove());

/** Polls every device once; then those with an assignment carry it out as `act` says. */
async function pollAll(
  act: (device: TestDevice, reply: CheckInReply) => Promise<void>,
): Promise<string[]> {
  const assigned: [TestDevice, CheckInReply][] = [];
  for (const device of devices) {
    const reply = await device.checkIn();
    if (reply.decision.kind === "assignment") assigned.push([device, reply]);
  }
  // Only now: a gate that is quick would open the next stage while the round is still going.
  for (const [device, reply] of assigned) await act(device, reply);
  return assigned.map(([{ id }]) => id);
}

async function install(
  device: TestDevice,
  rollout: string,
  { to, gain }: { to: DriverRef; gain: number },
): Promise<void> {
  const outcomes = MODELS.map((model) => {
    return device.outcome(rollout, to, { model, verdict: kept(gain) });
  });
  await device.report([
    device.lifecycle(rollout, to, { kind: "accepted" }),
    ...outcomes,
    device.lifecycle(rollout, to, { kind: "committed" }),
  ]);
  device.current = to;
}

async function until(
  rollout: string,
  isReached: (view: { state: string; stageIndex: number; because?: string | undefined }) => boolean,
): Promise<{ state: string; stageIndex: number; because?: string | undefined }> {
  for (let attempt = 0; ; attempt++) {
    const view = unwrap(await server.operator.rollout(rollout));
    if (isReached(view)) return view;
    if (attempt > 60) throw new Error(`${rollout} stays ${JSON.stringify(view)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a good release", () => {
  test("is promoted stage by stage on evidence alone", async () => {
    const body = {
      id: "good",
      version: "1.1.0",
      previousVersion: "1.0.0",
      stages: STAGES,
      gate: GATE,
    };
    unwrap(await server.operator.createRollout(body));
    unwrap(await server.operator.act("good", { action: "start", because: "test" }));
    const to = driver("1.1.0");
    const first = await pollAll((device) => install(device, "good", { to, gain: 1.5 }));
    expect(first).toHaveLength(4);
    const second = await until("good", ({ stageIndex }) => stageIndex === 1);
    expect(second.state).toBe("running");
    const rest = await pollAll((device) => install(device, "good", { to, gain: 1.5 }));
    expect(rest).toHaveLength(8);
    await until("good", ({ state }) => state === "completed");
  });

  test("leaves decisions that replay to what was decided", async () => {
    const { items } = unwrap(await server.operator.decisions("good"));
    expect(items.filter(({ verdict }) => verdict === "advance")).toHaveLength(2);
    for (const decision of items) expect(decision.replay).toBe(decision.verdict);
  });

  test("shows its gain by model and hardware", async () => {
    const { cells } = unwrap(await server.operator.evidence("good"));
    expect(cells.map(({ model, devices: n }) => [model, n])).toEqual([
      ["classifier", 12],
      ["detector", 12],
    ]);
    for (const { gain } of cells) expect(gain).toBeCloseTo(1.5, 3);
  });
});

describe("a faulty release", () => {
  test("halts by itself in its first stage, and those who committed it go back", async () => {
    const body = {
      id: "bad",
      version: "1.9.9",
      previousVersion: "1.1.0",
      stages: STAGES,
      gate: GATE,
    };
    unwrap(await server.operator.createRollout(body));
    unwrap(await server.operator.act("bad", { action: "start", because: "test" }));
    const to = driver("1.9.9");
    let count = 0;
    await pollAll(async (device) => {
      // The first to try it keeps it, the others see a wrong model.
      if (count++ === 0) return install(device, "bad", { to, gain: 0.9 });
      const wrong = { kind: "refused_wrong", measured: measured(1, 3) } as const;
      await device.report([
        device.lifecycle("bad", to, { kind: "accepted" }),
        device.outcome("bad", to, { model: "detector", verdict: wrong }),
        device.lifecycle("bad", to, { kind: "rolled_back", code: "MODEL_WRONG", message: "" }),
      ]);
    });
    const halted = await until("bad", ({ state }) => state === "halted");
    expect(halted.stageIndex).toBe(0);
    expect(halted.because).toMatch(/failed.*detector on sm8650/);
    const back = async (): Promise<string[]> =>
      pollAll(async (device, { explanation }) => {
        expect(explanation).toMatch(/^Back to 1\.1\.0/);
        await install(device, "bad", { to: driver("1.1.0"), gain: 1.1 });
      });
    // Check-ins are answered from a view that may be a moment old: who missed it asks again.
    const rounds = [await back(), await back(), await back()];
    expect(rounds.flat()).toHaveLength(1);
    expect(new Set(devices.map(({ current }) => current.version))).toEqual(new Set(["1.1.0"]));
  });

  test("can be asked about, device by device", async () => {
    for (const device of devices) {
      await device.checkIn();
      const explained = unwrap(await server.operator.explain(device.id));
      expect(explained).toMatchObject({ decision: "hold", code: "UP_TO_DATE" });
    }
  });
});

test("the audit log is whole and names who did what", async () => {
  const { items, firstBroken } = unwrap(await server.operator.audit());
  expect(firstBroken).toBeNull();
  const actions = new Set(items.map(({ action }) => action));
  for (const action of ["device.enrol", "rollout.start", "rollout.advance", "rollout.halt"]) {
    expect(actions).toContain(action);
  }
});
